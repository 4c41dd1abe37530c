"""Essays.

Revision ID: 4b9e03d6c7f1
Revises: 8c1d5e7f2a49
Create Date: 2025-11-14 09:28:52.473896
"""

import sqlalchemy as sa
from alembic import op

revision = "4b9e03d6c7f1"
down_revision = "8c1d5e7f2a49"


def upgrade() -> None:
    op.create_table("essays", sa.Column("id", sa.Uuid(), primary_key=True))


def downgrade() -> None:
    op.drop_table("essays")
