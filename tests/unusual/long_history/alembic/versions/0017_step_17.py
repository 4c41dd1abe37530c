"""Step 17.

Revision ID: 0017
Revises: 0016
Create Date: 2025-08-21 16:17:23.214209
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.create_table("table_17", sa.Column("id", sa.Uuid(), primary_key=True))


def downgrade() -> None:
    op.drop_table("table_17")
