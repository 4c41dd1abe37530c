"""Batches.

Revision ID: 20250706_0001
Revises:
Create Date: 2025-07-06 15:58:22.495786
"""

import sqlalchemy as sa
from alembic import op
from outbox import create_event_outbox, drop_event_outbox

revision = "20250706_0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "batches",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("status", sa.Enum("open", "closed", name="batch_status"), nullable=False),
    )
    create_event_outbox()


def downgrade() -> None:
    drop_event_outbox()
    op.drop_table("batches")
    op.execute("DROP TYPE batch_status")
