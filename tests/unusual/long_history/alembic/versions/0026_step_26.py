"""Step 26.

Revision ID: 0026
Revises: 0025
Create Date: 2025-07-20 15:10:10.206290
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.add_column("table_22", sa.Column("column_26", sa.Integer()))


def downgrade() -> None:
    op.drop_column("table_22", "column_26")
