"""Interrupted index.

Revision ID: 20250707_0001
Revises: 20250706_0001
Create Date: 2025-07-07 16:05:35.503705
"""

from alembic import op

revision = "20250707_0001"
down_revision = "20250706_0001"


def upgrade() -> None:
    op.execute(
        "UPDATE pg_index SET indisvalid = false"
        " WHERE indexrelid = 'ix_event_outbox_aggregate'::regclass"
    )


def downgrade() -> None:
    op.execute(
        "UPDATE pg_index SET indisvalid = true"
        " WHERE indexrelid = 'ix_event_outbox_aggregate'::regclass"
    )
