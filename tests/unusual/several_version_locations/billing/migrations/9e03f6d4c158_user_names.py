"""User names.

Revision ID: 9e03f6d4c158
Revises: 5d21b8c7a604
Create Date: 2025-09-07 14:39:21.142203
"""

import sqlalchemy as sa
from alembic import op

revision = "9e03f6d4c158"
down_revision = "5d21b8c7a604"


def upgrade() -> None:
    op.add_column("users", sa.Column("name", sa.String(255)))


def downgrade() -> None:
    op.drop_column("users", "name")
