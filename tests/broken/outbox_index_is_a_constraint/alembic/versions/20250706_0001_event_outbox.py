"""Event outbox.

Revision ID: 20250706_0001
Revises:
Create Date: 2025-07-06 10:00:00.000000
"""

from alembic import op
from outbox import create_event_outbox_table, create_unpublished_index, drop_event_outbox

revision = "20250706_0001"
down_revision = None


def upgrade() -> None:
    create_event_outbox_table()
    create_unpublished_index()
    op.create_unique_constraint(
        "ix_event_outbox_aggregate", "event_outbox", ["aggregate_type", "aggregate_id"]
    )


def downgrade() -> None:
    drop_event_outbox()
