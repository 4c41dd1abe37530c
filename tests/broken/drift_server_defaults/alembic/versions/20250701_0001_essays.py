"""Essays.

Revision ID: 20250701_0001
Revises:
Create Date: 2025-07-01 10:00:00.000000
"""

import sqlalchemy as sa
from alembic import op

revision = "20250701_0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "essays",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("title", sa.Text(), nullable=False),
    )
    op.add_column("essays", sa.Column("points", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("essays", sa.Column("seen", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_table("essays")
