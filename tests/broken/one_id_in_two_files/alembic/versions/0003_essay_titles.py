"""Essay titles.

Revision ID: 0003
Revises: 0002
Create Date: 2025-09-19 11:54:06.984558
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("essays", sa.Column("title", sa.String(255)))


def downgrade() -> None:
    op.drop_column("essays", "title")
