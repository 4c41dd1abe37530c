"""Batch archive.

Revision ID: 20250707_0001
Revises: 20250706_0001
Create Date: 2025-07-07 16:05:35.503705
"""

from alembic import op

revision = "20250707_0001"
down_revision = "20250706_0001"


def upgrade() -> None:
    cursor = op.get_bind().connection.cursor()
    cursor.execute("CREATE TYPE batch_status AS ENUM ('open', 'closed', '50%')")
    op.execute("CREATE TABLE batch_archive (id uuid PRIMARY KEY, status batch_status NOT NULL)")


def downgrade() -> None:
    op.drop_table("batch_archive")
