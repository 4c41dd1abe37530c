"""A label more, which the downgrade leaves where it is.

Revision ID: 20250709_0001
Revises: 20250708_0001
Create Date: 2025-07-09 10:00:00.000000
"""

from alembic import op

revision = "20250709_0001"
down_revision = "20250708_0001"


def upgrade() -> None:
    op.execute("ALTER TYPE essay_status ADD VALUE 'withdrawn'")


def downgrade() -> None:
    pass
