"""Step 20.

Revision ID: 0020
Revises: 0019
Create Date: 2025-11-11 11:58:22.921206
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.add_column("table_17", sa.Column("column_20", sa.Integer()))


def downgrade() -> None:
    op.drop_column("table_17", "column_20")
