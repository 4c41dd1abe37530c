"""Essays.

Revision ID: 20250102_0001
Revises: 20250101_0001
Create Date: 2025-01-02 13:48:12.416596
"""

import sqlalchemy as sa
from alembic import op

revision = "20250102_0001"
down_revision = "20250101_0001"
branch_labels = ("essays",)


def upgrade() -> None:
    op.create_table("essays", sa.Column("id", sa.Uuid(), primary_key=True))


def downgrade() -> None:
    op.drop_table("essays")
