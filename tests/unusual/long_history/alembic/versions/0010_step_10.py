"""Step 10.

Revision ID: 0010
Revises: 0009
Create Date: 2025-11-06 14:23:17.881611
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("table_7", sa.Column("column_10", sa.Integer()))


def downgrade() -> None:
    op.drop_column("table_7", "column_10")
