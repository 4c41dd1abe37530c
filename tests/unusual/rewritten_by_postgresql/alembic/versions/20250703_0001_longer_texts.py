"""Longer texts.

Revision ID: 20250703_0001
Revises: 20250702_0001
Create Date: 2025-07-03 10:00:00.000000
"""

import sqlalchemy as sa
from alembic import op

revision = "20250703_0001"
down_revision = "20250702_0001"


def upgrade() -> None:
    op.alter_column("essays", "status", type_=sa.String(20))
    op.alter_column("essays", "language", type_=sa.String(20))


def downgrade() -> None:
    op.alter_column("essays", "language", type_=sa.Text())
    op.alter_column("essays", "status", type_=sa.String(5))
