"""Essay titles.

Revision ID: 20250721_0001
Revises: 20250707_0001
Create Date: 2025-07-21 12:37:43.472029
"""

import sqlalchemy as sa
from alembic import op

revision = "20250721_0001"
down_revision = "20250707_0001"


def upgrade() -> None:
    op.add_column("essays", sa.Column("title", sa.String(255)))


def downgrade() -> None:
    op.drop_column("essays", "title")
