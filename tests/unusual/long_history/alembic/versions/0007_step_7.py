"""Step 7.

Revision ID: 0007
Revises: 0006
Create Date: 2025-08-16 11:42:18.174614
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table("table_7", sa.Column("id", sa.Uuid(), primary_key=True))


def downgrade() -> None:
    op.drop_table("table_7")
