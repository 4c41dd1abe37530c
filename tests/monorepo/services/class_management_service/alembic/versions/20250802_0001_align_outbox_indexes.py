"""Outbox indexes of the shared convention.

Revision ID: 20250802_0001
Revises: 20250722_0001
Create Date: 2025-08-02 13:38:19.551874
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20250802_0001"
down_revision: str | Sequence[str] | None = "20250722_0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.drop_index("ix_event_outbox_published_at", table_name="event_outbox")
    op.create_index(
        "ix_event_outbox_unpublished",
        "event_outbox",
        ["published_at", "created_at"],
        postgresql_where=sa.text("published_at IS NULL"),
    )
    op.create_index("ix_event_outbox_aggregate", "event_outbox", ["aggregate_type", "aggregate_id"])


def downgrade() -> None:
    op.drop_index("ix_event_outbox_aggregate", table_name="event_outbox")
    op.drop_index("ix_event_outbox_unpublished", table_name="event_outbox")
    op.create_index("ix_event_outbox_published_at", "event_outbox", ["published_at"])
