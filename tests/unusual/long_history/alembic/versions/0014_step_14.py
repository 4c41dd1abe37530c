"""Step 14.

Revision ID: 0014
Revises: 0013
Create Date: 2025-10-03 14:11:29.071667
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("table_12", sa.Column("column_14", sa.Integer()))


def downgrade() -> None:
    op.drop_column("table_12", "column_14")
