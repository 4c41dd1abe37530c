"""Subtitles.

Revision ID: 20250710_0001
Revises: 20250709_0001
Create Date: 2025-07-10 10:00:00.000000
"""

from alembic import op

revision = "20250710_0001"
down_revision = "20250709_0001"


def upgrade() -> None:
    op.execute("CREATE TABLE subtitles (id uuid PRIMARY KEY)")


def downgrade() -> None:
    op.drop_table("subtitles")
