"""Titles, which the downgrade forgets.

Revision ID: 20250709_0001
Revises: 20250708_0001
Create Date: 2025-07-09 10:00:00.000000
"""

from alembic import op

revision = "20250709_0001"
down_revision = "20250708_0001"


def upgrade() -> None:
    op.execute("CREATE TABLE titles (id uuid PRIMARY KEY)")
    op.execute("CREATE SEQUENCE title_numbers")


def downgrade() -> None:
    op.drop_table("titles")
