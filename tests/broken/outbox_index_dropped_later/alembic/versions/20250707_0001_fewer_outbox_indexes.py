"""Fewer outbox indexes.

Revision ID: 20250707_0001
Revises: 20250706_0001
Create Date: 2025-07-07 16:05:35.503705
"""

from alembic import op
from outbox import create_aggregate_index

revision = "20250707_0001"
down_revision = "20250706_0001"


def upgrade() -> None:
    op.drop_index("ix_event_outbox_aggregate", "event_outbox")


def downgrade() -> None:
    create_aggregate_index()
