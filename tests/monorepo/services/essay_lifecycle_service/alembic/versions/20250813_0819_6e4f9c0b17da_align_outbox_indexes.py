"""Outbox indexes of the shared convention, built while events are written.

Revision ID: 6e4f9c0b17da
Revises: d5812b6ea3c9
Create Date: 2025-08-13 08:19:04.932288
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "6e4f9c0b17da"
down_revision: str | Sequence[str] | None = "d5812b6ea3c9"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_event_outbox_unpublished",
            "event_outbox",
            ["published_at", "created_at"],
            postgresql_where=sa.text("published_at IS NULL"),
            postgresql_concurrently=True,
        )
        op.create_index(
            "ix_event_outbox_aggregate",
            "event_outbox",
            ["aggregate_type", "aggregate_id"],
            postgresql_concurrently=True,
        )
    op.drop_index("ix_event_outbox_created_at", table_name="event_outbox")


def downgrade() -> None:
    op.create_index("ix_event_outbox_created_at", "event_outbox", ["created_at"])
    op.drop_index("ix_event_outbox_aggregate", table_name="event_outbox")
    op.drop_index("ix_event_outbox_unpublished", table_name="event_outbox")
