"""Step 30.

Revision ID: 0030
Revises: 0029
Create Date: 2025-11-16 16:33:27.960801
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.add_column("table_27", sa.Column("column_30", sa.Integer()))


def downgrade() -> None:
    op.drop_column("table_27", "column_30")
