"""Step 23.

Revision ID: 0023
Revises: 0022
Create Date: 2025-09-02 13:04:16.063748
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.add_column("table_22", sa.Column("column_23", sa.Integer()))


def downgrade() -> None:
    op.drop_column("table_22", "column_23")
