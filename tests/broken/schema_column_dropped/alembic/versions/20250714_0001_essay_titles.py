"""Essays without content.

Revision ID: 20250714_0001
Revises: 20250707_0001
Create Date: 2025-07-14 10:00:00.000000
"""

import sqlalchemy as sa
from alembic import op

revision = "20250714_0001"
down_revision = "20250707_0001"


def upgrade() -> None:
    op.drop_column("essays", "content")


def downgrade() -> None:
    op.add_column("essays", sa.Column("content", sa.Text))
