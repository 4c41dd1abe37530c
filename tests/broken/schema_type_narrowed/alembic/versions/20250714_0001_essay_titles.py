"""Shorter titles.

Revision ID: 20250714_0001
Revises: 20250707_0001
Create Date: 2025-07-14 10:00:00.000000
"""

import sqlalchemy as sa
from alembic import op

revision = "20250714_0001"
down_revision = "20250707_0001"


def upgrade() -> None:
    op.alter_column("essays", "title", type_=sa.String(32), existing_nullable=False)
    op.alter_column("essays", "content", type_=sa.String(2000), nullable=False)
    op.alter_column("essays", "points", type_=sa.Integer)
    op.alter_column("essays", "score", type_=sa.Numeric(8, 2))


def downgrade() -> None:
    op.alter_column("essays", "score", type_=sa.Numeric(10, 2))
    op.alter_column("essays", "points", type_=sa.BigInteger)
    op.alter_column("essays", "content", type_=sa.Text, nullable=True)
    op.alter_column("essays", "title", type_=sa.String(64), existing_nullable=False)
