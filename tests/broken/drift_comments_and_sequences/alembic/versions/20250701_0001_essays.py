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
        sa.Column("id", sa.Integer(), sa.Identity(), primary_key=True),
        sa.Column("title", sa.String(200), nullable=False, comment="as it was"),
        sa.Column("ticket", sa.Integer(), comment="for people"),
        sa.UniqueConstraint("title", name="uq_essays_title"),
    )


def downgrade() -> None:
    op.drop_table("essays")
