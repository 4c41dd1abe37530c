"""Step 11.

Revision ID: 0011
Revises: 0010
Create Date: 2025-07-12 12:05:35.929125
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("table_7", sa.Column("column_11", sa.Integer()))


def downgrade() -> None:
    op.drop_column("table_7", "column_11")
