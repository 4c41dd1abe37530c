"""Essays.

Revision ID: 20250714_0001
Revises: 20250707_0001
Create Date: 2025-07-14 14:51:09.487867
"""

import sqlalchemy as sa
from alembic import op

revision = "20250714_0001"
down_revision = "20250707_0001"


def upgrade() -> None:
    op.create_table("essays", sa.Column("id", sa.Uuid(), primary_key=True))
    op.execute("INSERT INTO essays SELECT id FROM old_essays")
    op.execute("DROP TABLE old_essays")


def downgrade() -> None:
    op.drop_table("essays")
