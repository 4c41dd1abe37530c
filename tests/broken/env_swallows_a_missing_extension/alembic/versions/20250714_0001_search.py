"""Search in essays.

Revision ID: 20250714_0001
Revises: 20250707_0001
Create Date: 2025-07-14 14:51:09.487867
"""

from alembic import op

revision = "20250714_0001"
down_revision = "20250707_0001"


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS essay_search")


def downgrade() -> None:
    op.execute("DROP EXTENSION essay_search")
