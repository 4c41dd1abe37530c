"""Batches.

Revision ID: 20250706_0001
Revises:
Create Date: 2025-07-06 15:58:22.495786
"""

import sqlalchemy as sa
from alembic import op
from outbox import create_event_outbox, drop_event_outbox
from sqlalchemy.dialects import postgresql

revision = "20250706_0001"
down_revision = None


def upgrade() -> None:
    batch_status = postgresql.ENUM("open", "closed", name="batch_status", create_type=False)
    batch_status.create(op.get_bind())
    op.create_table(
        "batches",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("status", batch_status, nullable=False),
    )
    create_event_outbox()


def downgrade() -> None:
    drop_event_outbox()
    op.drop_table("batches")
    op.execute("DROP TYPE batch_status")
