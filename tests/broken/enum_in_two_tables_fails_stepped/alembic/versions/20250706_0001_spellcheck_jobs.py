"""Spellcheck jobs.

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
        "spellcheck_jobs",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("status", sa.Enum("pending", "done", "failed", name="job_status_enum"), nullable=False),
    )
    create_event_outbox()


def downgrade() -> None:
    drop_event_outbox()
    op.drop_table("spellcheck_jobs")
    op.execute("DROP TYPE job_status_enum")
