"""Step 15.

Revision ID: 0015
Revises: 0014
Create Date: 2025-11-09 12:53:47.119181
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("table_12", sa.Column("column_15", sa.Integer()))


def downgrade() -> None:
    op.drop_column("table_12", "column_15")
