"""Essay titles.

Revision ID: 20250714_0001
Revises: 20250714_0001
Create Date: 2025-07-14 14:51:09.487867
"""

import sqlalchemy as sa
from alembic import op

revision = "20250714_0001"
down_revision = "20250714_0001"


def upgrade() -> None:
    op.add_column("essays", sa.Column("title", sa.String(255)))


def downgrade() -> None:
    op.drop_column("essays", "title")
