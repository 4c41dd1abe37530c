"""Batches.

Revision ID: 20250411_0001
Revises: 20240301_0001
Create Date: 2025-04-11 16:09:51.440353
"""

import sqlalchemy as sa
from alembic import op

revision = "20250411_0001"
down_revision = "20240301_0001"


def upgrade() -> None:
    op.create_table("batches", sa.Column("id", sa.Uuid(), primary_key=True))


def downgrade() -> None:
    op.drop_table("batches")
