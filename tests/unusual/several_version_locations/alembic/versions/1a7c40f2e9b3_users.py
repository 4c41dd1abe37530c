"""Users.

Revision ID: 1a7c40f2e9b3
Revises:
Create Date: 2025-10-10 10:51:09.228407
"""

import sqlalchemy as sa
from alembic import op

revision = "1a7c40f2e9b3"
down_revision = None


def upgrade() -> None:
    op.create_table("users", sa.Column("id", sa.Uuid(), primary_key=True))


def downgrade() -> None:
    op.drop_table("users")
