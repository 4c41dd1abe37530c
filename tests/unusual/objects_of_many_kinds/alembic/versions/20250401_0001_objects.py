"""Objects of every kind.

Revision ID: 20250401_0001
Revises:
Create Date: 2025-04-01 15:02:38.432434
"""

from pathlib import Path

from alembic import op

revision = "20250401_0001"
down_revision = None

OBJECTS = Path(__file__).parents[1] / "objects.sql"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(OBJECTS.read_text())


def downgrade() -> None:
    raise NotImplementedError
