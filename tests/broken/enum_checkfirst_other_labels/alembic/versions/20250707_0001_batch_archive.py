"""Batch archive.

Revision ID: 20250707_0001
Revises: 20250706_0001
Create Date: 2025-07-07 16:05:35.503705
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20250707_0001"
down_revision = "20250706_0001"


def upgrade() -> None:
    batch_status = postgresql.ENUM("open", "closed", "archived", name="batch_status", create_type=False)
    batch_status.create(op.get_bind(), checkfirst=True)
    op.add_column("batches", sa.Column("archived_as", batch_status))


def downgrade() -> None:
    op.drop_column("batches", "archived_as")
