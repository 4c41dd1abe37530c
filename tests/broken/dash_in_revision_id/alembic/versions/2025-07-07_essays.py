"""Essays.

Revision ID: 2025-07-07
Revises: 20250706_0001
Create Date: 2025-09-17 15:34:46.632898
"""

import sqlalchemy as sa
from alembic import op

revision = "2025-07-07"
down_revision = "20250706_0001"


def upgrade() -> None:
    op.create_table("essays", sa.Column("id", sa.Uuid(), primary_key=True))


def downgrade() -> None:
    op.drop_table("essays")
