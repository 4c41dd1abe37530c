"""Step 21.

Revision ID: 0021
Revises: 0020
Create Date: 2025-07-17 09:40:40.968720
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.add_column("table_17", sa.Column("column_21", sa.Integer()))


def downgrade() -> None:
    op.drop_column("table_17", "column_21")
