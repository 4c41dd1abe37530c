"""Event outbox.

Revision ID: 20250706_0001
Revises:
Create Date: 2025-07-06 10:00:00.000000
"""

import sqlalchemy as sa
from alembic import op
from outbox import create_aggregate_index, create_event_outbox_table, drop_event_outbox

revision = "20250706_0001"
down_revision = None


def upgrade() -> None:
    create_event_outbox_table()
    create_aggregate_index()
    op.create_index("ix_event_outbox_unpublished", "event_outbox", ["published_at"])
    op.create_index(
        "ix_event_outbox_unpublished",
        "event_outbox",
        ["published_at", "created_at"],
        postgresql_where=sa.text("published_at IS NULL"),
        if_not_exists=True,
    )


def downgrade() -> None:
    drop_event_outbox()
