"""Initial schema.

Revision ID: 20250706_0001
Revises:
Create Date: 2025-07-06 15:58:22.495786
"""

import sqlalchemy as sa
from alembic import op
from outbox import create_event_outbox, drop_event_outbox

revision = "20250706_0001"
down_revision = None

STATUSES = (
    "uploaded",
    "text_extracted",
    "awaiting_spellcheck",
    "spellchecked_success",
    "spellcheck_failed",
)


def upgrade() -> None:
    essay_status = sa.Enum(*STATUSES, name="essay_status_enum")
    essay_status.create(op.get_bind(), checkfirst=True)

    op.create_table(
        "essay_states",
        sa.Column("essay_id", sa.Uuid(), primary_key=True),
        sa.Column("batch_id", sa.Uuid(), nullable=True),
        sa.Column("current_status", essay_status, nullable=False),
    )
    create_event_outbox()


def downgrade() -> None:
    drop_event_outbox()
    op.drop_table("essay_states")
    op.execute("DROP TYPE essay_status_enum")
