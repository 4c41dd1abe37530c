"""Step 18.

Revision ID: 0018
Revises: 0017
Create Date: 2025-09-27 14:59:41.261723
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.add_column("table_17", sa.Column("column_18", sa.Integer()))


def downgrade() -> None:
    op.drop_column("table_17", "column_18")
