"""Tables as pg_dump writes them.

Revision ID: 20250707_0001
Revises: 20250706_0001
Create Date: 2025-07-07 10:00:00.000000
"""

from alembic import op

revision = "20250707_0001"
down_revision = "20250706_0001"


def upgrade() -> None:
    op.execute("SELECT pg_catalog.set_config('search_path', '', false)")
    op.execute("CREATE TABLE public.essays (id uuid PRIMARY KEY)")


def downgrade() -> None:
    op.execute("DROP TABLE public.essays")
