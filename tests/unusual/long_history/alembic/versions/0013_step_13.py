"""Step 13.

Revision ID: 0013
Revises: 0012
Create Date: 2025-09-24 16:29:11.024153
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("table_12", sa.Column("column_13", sa.Integer()))


def downgrade() -> None:
    op.drop_column("table_12", "column_13")
