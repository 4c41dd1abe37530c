"""Posts.

Revision ID: 20250706_0001
Revises:
Create Date: 2025-07-06 10:00:00.000000
"""

import sqlalchemy as sa
from alembic import op

revision = "20250706_0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "posts",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("text", sa.String(200), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("posts")
