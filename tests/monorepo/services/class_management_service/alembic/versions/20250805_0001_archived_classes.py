"""Classes can be archived.

Revision ID: 20250805_0001
Revises: 20250802_0001
Create Date: 2025-08-05 09:26:40.219735
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20250805_0001"
down_revision: str | Sequence[str] | None = "20250802_0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("classes", sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("classes", "archived_at")
