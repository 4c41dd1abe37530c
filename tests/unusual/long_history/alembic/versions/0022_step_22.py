"""Step 22.

Revision ID: 0022
Revises: 0021
Create Date: 2025-08-23 15:22:58.016234
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.create_table("table_22", sa.Column("id", sa.Uuid(), primary_key=True))


def downgrade() -> None:
    op.drop_table("table_22")
