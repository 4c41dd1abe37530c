"""Step 27.

Revision ID: 0027
Revises: 0026
Create Date: 2025-08-26 13:52:28.253804
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.create_table("table_27", sa.Column("id", sa.Uuid(), primary_key=True))


def downgrade() -> None:
    op.drop_table("table_27")
