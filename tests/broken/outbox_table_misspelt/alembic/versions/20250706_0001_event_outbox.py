"""Event outbox.

Revision ID: 20250706_0001
Revises:
Create Date: 2025-07-06 15:58:22.495786
"""

import sqlalchemy as sa
from alembic import op

revision = "20250706_0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "events_outbox",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("aggregate_type", sa.String(100), nullable=False),
        sa.Column("aggregate_id", sa.String(255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True)),
    )
    op.create_index("ix_event_outbox_aggregate", "events_outbox", ["aggregate_type", "aggregate_id"])
    op.create_index(
        "ix_event_outbox_unpublished",
        "events_outbox",
        ["published_at", "created_at"],
        postgresql_where=sa.text("published_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("events_outbox")
