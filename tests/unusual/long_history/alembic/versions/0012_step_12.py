"""Step 12.

Revision ID: 0012
Revises: 0011
Create Date: 2025-08-18 10:47:53.976639
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table("table_12", sa.Column("id", sa.Uuid(), primary_key=True))


def downgrade() -> None:
    op.drop_table("table_12")
