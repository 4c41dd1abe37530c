"""Outbox indexes.

Revision ID: 20250302_0001
Revises: 20250301_0001
Create Date: 2025-03-02 15:02:38.432434
"""

import sqlalchemy as sa
from alembic import op

revision = "20250302_0001"
down_revision = "20250301_0001"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_event_outbox_unpublished",
            "event_outbox",
            ["published_at", "created_at"],
            postgresql_where=sa.text("published_at IS NULL"),
            postgresql_concurrently=True,
            if_not_exists=True,
            postgresql_with={"fillfactor": 70},
        )
        op.execute(
            "CREATE INDEX CONCURRENTLY ix_event_outbox_aggregate"
            " ON event_outbox (aggregate_type, aggregate_id)"
        )


def downgrade() -> None:
    op.drop_index("ix_event_outbox_aggregate", "event_outbox")
    op.drop_index("ix_event_outbox_unpublished", "event_outbox")
