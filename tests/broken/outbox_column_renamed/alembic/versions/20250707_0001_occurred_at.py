"""Occurred at.

Revision ID: 20250707_0001
Revises: 20250706_0001
Create Date: 2025-07-07 10:00:00.000000
"""

from alembic import op

revision = "20250707_0001"
down_revision = "20250706_0001"


def upgrade() -> None:
    op.alter_column("event_outbox", "created_at", new_column_name="occurred_at")


def downgrade() -> None:
    op.alter_column("event_outbox", "occurred_at", new_column_name="created_at")
