"""Account names.

Revision ID: 4e8f1a3c6b07
Revises: 2b90d4f7c8e1
Create Date: 2025-11-03 09:08:32.890096
"""

import sqlalchemy as sa
from alembic import op

revision = "4e8f1a3c6b07"
down_revision = "2b90d4f7c8e1"
branch_labels = None
depends_on = ["7c1e0b9a52d4"]


def upgrade() -> None:
    op.add_column("accounts", sa.Column("name", sa.String(255)))


def downgrade() -> None:
    op.drop_column("accounts", "name")
