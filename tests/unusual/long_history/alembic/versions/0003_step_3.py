"""Step 3.

Revision ID: 0003
Revises: 0002
Create Date: 2025-09-19 11:54:06.984558
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("table_2", sa.Column("column_3", sa.Integer()))


def downgrade() -> None:
    op.drop_column("table_2", "column_3")
