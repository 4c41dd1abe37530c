"""Essay languages.

Revision ID: 20250722_0001
Revises: 20250707_0001
Create Date: 2025-07-22 13:44:56.479948
"""

import sqlalchemy as sa
from alembic import op

revision = "20250722_0001"
down_revision = "20250707_0001"


def upgrade() -> None:
    op.add_column("essays", sa.Column("language", sa.String(255)))


def downgrade() -> None:
    op.drop_column("essays", "language")
