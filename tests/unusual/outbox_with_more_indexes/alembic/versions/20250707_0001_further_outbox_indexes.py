"""Further outbox indexes.

Revision ID: 20250707_0001
Revises: 20250706_0001
Create Date: 2025-07-07 16:05:35.503705
"""

import sqlalchemy as sa
from alembic import op

revision = "20250707_0001"
down_revision = "20250706_0001"


def upgrade() -> None:
    op.create_index("ix_event_outbox_event_type", "event_outbox", ["event_type"])
    op.create_index(
        "ix_event_outbox_data", "event_outbox", ["event_data"], postgresql_using="gin"
    )
    op.create_index(
        "ix_event_outbox_recent",
        "event_outbox",
        [sa.text("created_at DESC")],
        postgresql_include=["event_type"],
    )


def downgrade() -> None:
    for name in ("recent", "data", "event_type"):
        op.drop_index(f"ix_event_outbox_{name}", "event_outbox")
