"""Step 19.

Revision ID: 0019
Revises: 0018
Create Date: 2025-10-06 12:41:59.309237
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.add_column("table_17", sa.Column("column_19", sa.Integer()))


def downgrade() -> None:
    op.drop_column("table_17", "column_19")
