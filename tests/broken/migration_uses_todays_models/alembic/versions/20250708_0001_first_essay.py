"""A first essay, by the model of today.

Revision ID: 20250708_0001
Revises: 20250707_0001
Create Date: 2025-07-08 10:00:00.000000
"""

from alembic import op
from models import essays

revision = "20250708_0001"
down_revision = "20250707_0001"


def upgrade() -> None:
    op.execute(essays.insert())


def downgrade() -> None:
    op.execute(essays.delete())
