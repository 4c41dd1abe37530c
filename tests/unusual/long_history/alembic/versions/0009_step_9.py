"""Step 9.

Revision ID: 0009
Revises: 0008
Create Date: 2025-10-01 15:06:54.269642
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("table_7", sa.Column("column_9", sa.Integer()))


def downgrade() -> None:
    op.drop_column("table_7", "column_9")
