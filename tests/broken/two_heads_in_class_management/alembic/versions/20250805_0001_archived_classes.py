"""Archived classes.

Revision ID: 20250805_0001
Revises: 20250801_0001
Create Date: 2025-08-05 15:58:22.495786
"""

import sqlalchemy as sa
from alembic import op

revision = "20250805_0001"
down_revision = "20250801_0001"


def upgrade() -> None:
    op.add_column("classes", sa.Column("archived_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("classes", "archived_at")
