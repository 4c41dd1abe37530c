"""Event outbox.

Revision ID: 20250706_0001
Revises:
Create Date: 2025-07-06 15:58:22.495786
"""

import sqlalchemy as sa
from alembic import op
from outbox import create_aggregate_index, create_event_outbox_table, drop_event_outbox

revision = "20250706_0001"
down_revision = None


def upgrade() -> None:
    create_event_outbox_table()
    op.create_index(
        "ix_event_outbox_unpublished",
        "event_outbox",
        ["published_at", "created_at"],
        postgresql_where=sa.text("published_at IS NULL"),
        postgresql_using="brin",
    )
    create_aggregate_index()


def downgrade() -> None:
    drop_event_outbox()
