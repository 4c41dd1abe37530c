"""Step 4.

Revision ID: 0004
Revises: 0003
Create Date: 2025-10-25 09:36:24.032072
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("table_2", sa.Column("column_4", sa.Integer()))


def downgrade() -> None:
    op.drop_column("table_2", "column_4")
