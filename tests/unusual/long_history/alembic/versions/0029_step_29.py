"""Step 29.

Revision ID: 0029
Revises: 0028
Create Date: 2025-10-11 09:16:04.348832
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    op.add_column("table_27", sa.Column("column_29", sa.Integer()))


def downgrade() -> None:
    op.drop_column("table_27", "column_29")
