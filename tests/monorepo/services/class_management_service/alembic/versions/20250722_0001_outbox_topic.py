"""Topic of each outbox event.

Revision ID: 20250722_0001
Revises: 20250714_0001
Create Date: 2025-07-22 16:20:05.447018
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20250722_0001"
down_revision: str | Sequence[str] | None = "20250714_0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("event_outbox", sa.Column("topic", sa.String(255), nullable=True))
    op.execute("UPDATE event_outbox SET topic = 'class_management.' || event_type")
    op.alter_column("event_outbox", "topic", nullable=False)


def downgrade() -> None:
    op.drop_column("event_outbox", "topic")
