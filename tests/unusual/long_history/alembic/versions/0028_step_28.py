"""Step 28.

Revision ID: 0028
Revises: 0027
Create Date: 2025-09-05 11:34:46.301318
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.add_column("table_27", sa.Column("column_28", sa.Integer()))


def downgrade() -> None:
    op.drop_column("table_27", "column_28")
