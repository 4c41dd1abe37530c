"""Step 5.

Revision ID: 0005
Revises: 0004
Create Date: 2025-11-04 15:18:42.079586
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("table_2", sa.Column("column_5", sa.Integer()))


def downgrade() -> None:
    op.drop_column("table_2", "column_5")
