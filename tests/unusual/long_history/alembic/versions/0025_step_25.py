"""Step 25.

Revision ID: 0025
Revises: 0024
Create Date: 2025-11-14 09:28:52.158776
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.add_column("table_22", sa.Column("column_25", sa.Integer()))


def downgrade() -> None:
    op.drop_column("table_22", "column_25")
