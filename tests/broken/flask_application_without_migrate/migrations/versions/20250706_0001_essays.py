"""Essays.

Revision ID: 20250706_0001
Revises: 
Create Date: 2025-07-06 10:00:00.000000
"""

import sqlalchemy as sa
from alembic import op

revision = "20250706_0001"
down_revision = None


def upgrade() -> None:
    op.create_table("essays", sa.Column("id", sa.Integer(), primary_key=True))


def downgrade() -> None:
    op.drop_table("essays")
