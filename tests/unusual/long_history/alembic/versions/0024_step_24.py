"""Step 24.

Revision ID: 0024
Revises: 0023
Create Date: 2025-10-08 11:46:34.111262
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.add_column("table_22", sa.Column("column_24", sa.Integer()))


def downgrade() -> None:
    op.drop_column("table_22", "column_24")
