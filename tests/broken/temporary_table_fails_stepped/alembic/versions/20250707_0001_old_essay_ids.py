"""Old essay ids.

Revision ID: 20250707_0001
Revises: 20250706_0001
Create Date: 2025-07-07 16:05:35.503705
"""

from alembic import op

revision = "20250707_0001"
down_revision = "20250706_0001"


def upgrade() -> None:
    op.execute("CREATE TEMPORARY TABLE old_essays (id uuid PRIMARY KEY)")


def downgrade() -> None:
    op.execute("DROP TABLE IF EXISTS pg_temp.old_essays")
