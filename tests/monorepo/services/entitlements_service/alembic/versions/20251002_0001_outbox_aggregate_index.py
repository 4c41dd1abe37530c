"""Outbox index by aggregate.

Revision ID: 20251002_0001
Revises: 20250915_0001
Create Date: 2025-10-02 08:34:46.129075
"""

from collections.abc import Sequence

from alembic import op

revision: str = "20251002_0001"
down_revision: str | Sequence[str] | None = "20250915_0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_index("ix_event_outbox_aggregate", "event_outbox", ["aggregate_type", "aggregate_id"])


def downgrade() -> None:
    op.drop_index("ix_event_outbox_aggregate", table_name="event_outbox")
