"""Essays.

Revision ID: 20250707_0001_create_the_essay_tables
Revises: 20250706_0001
Create Date: 2025-07-07 09:16:04.404152
"""

import sqlalchemy as sa
from alembic import op

revision = '20250707_0001_create_the_essay_tables'
down_revision = "20250706_0001"


def upgrade() -> None:
    op.create_table("essays", sa.Column("id", sa.Uuid(), primary_key=True))


def downgrade() -> None:
    op.drop_table("essays")
