"""Essays.

Revision ID: 20250707_0001
Revises: 20250706_0001
Create Date: 2025-07-07 16:05:35.503705
"""

from alembic import op

revision = "20250707_0001"
down_revision = "20250706_0001"


def upgrade() -> None:
    from models import essays

    op.create_table("essays", *(column._copy() for column in essays.columns))


def downgrade() -> None:
    op.drop_table("essays")
