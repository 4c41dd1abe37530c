"""Step 16.

Revision ID: 0016
Revises: 0015
Create Date: 2025-07-15 10:35:05.166695
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.add_column("table_12", sa.Column("column_16", sa.Integer()))


def downgrade() -> None:
    op.drop_column("table_12", "column_16")
