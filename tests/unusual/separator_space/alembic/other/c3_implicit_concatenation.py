"""Implicit concatenation.

Revision ID: c3
Revises: b2
Create Date: 2025-08-16 14:27:33.967419
"""

import sqlalchemy as sa
from alembic import op

revision = (
    "c"
    "3"
)
down_revision = "b" "2"


def upgrade() -> None:
    op.add_column("classes", sa.Column("name", sa.String(255)))


def downgrade() -> None:
    op.drop_column("classes", "name")
