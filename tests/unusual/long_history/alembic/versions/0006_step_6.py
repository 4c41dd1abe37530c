"""Step 6.

Revision ID: 0006
Revises: 0005
Create Date: 2025-07-10 13:00:00.127100
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("table_2", sa.Column("column_6", sa.Integer()))


def downgrade() -> None:
    op.drop_column("table_2", "column_6")
