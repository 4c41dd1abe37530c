"""Step 8.

Revision ID: 0008
Revises: 0007
Create Date: 2025-09-22 09:24:36.222128
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("table_7", sa.Column("column_8", sa.Integer()))


def downgrade() -> None:
    op.drop_column("table_7", "column_8")
