"""Event outbox.

Revision ID: 20250706_0001
Revises:
Create Date: 2025-07-06 15:58:22.495786
"""

import sqlalchemy as sa
from alembic import op
from outbox import create_aggregate_index, drop_event_outbox
from sqlalchemy.dialects import postgresql

revision = "20250706_0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "event_outbox",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("aggregate_type", sa.String(100), nullable=False),
        sa.Column("aggregate_id", sa.String(255), nullable=False),
        sa.Column("event_data", postgresql.JSONB(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True)),
    )
    op.create_index(
        "ix_event_outbox_unpublished",
        "event_outbox",
        ["published_at"],
        postgresql_where=sa.text("published_at IS NULL"),
    )
    create_aggregate_index()


def downgrade() -> None:
    drop_event_outbox()
