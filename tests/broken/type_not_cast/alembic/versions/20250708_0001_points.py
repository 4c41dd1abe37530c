"""Points as numbers.

Revision ID: 20250708_0001
Revises: 20250707_0001
Create Date: 2025-07-08 10:00:00.000000
"""

import sqlalchemy as sa
from alembic import op

revision = "20250708_0001"
down_revision = "20250707_0001"


def upgrade() -> None:
    op.alter_column("essays", "points", type_=sa.Integer())


def downgrade() -> None:
    op.alter_column("essays", "points", type_=sa.Text())
