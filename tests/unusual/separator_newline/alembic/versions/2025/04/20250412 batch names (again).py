"""Batch names.

Revision ID: 20250412_0001
Revises: 20250411_0001
Create Date: 2025-04-12 09:16:04.448272
"""

import sqlalchemy as sa
from alembic import op

revision = "20250412_0001"
down_revision = "20250411_0001"


def upgrade() -> None:
    op.add_column("batches", sa.Column("name", sa.String(255)))


def downgrade() -> None:
    op.drop_column("batches", "name")
