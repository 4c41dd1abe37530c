"""Reference data.

Revision ID: 20250714_0001
Revises:
Create Date: 2025-07-14 14:51:09.487867
"""

import sqlalchemy as sa
from alembic import op

revision = "20250714_0001"
down_revision = None


def upgrade() -> None:
    op.create_table("countries", sa.Column("id", sa.Uuid(), primary_key=True))


def downgrade() -> None:
    op.drop_table("countries")
