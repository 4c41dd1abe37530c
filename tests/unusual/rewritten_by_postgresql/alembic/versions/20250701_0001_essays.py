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
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("status", sa.String(5), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.CheckConstraint("points < 100"),
        sa.CheckConstraint("points > 0"),
        sa.CheckConstraint("status IN ('draft', 'final')", name="essay_status"),
        sa.CheckConstraint("language IN ('en', 'sv')", name="language"),
    )
    op.create_index("ix_open", "essays", ["title"], postgresql_where=sa.text("status IN ('draft', 'final')"))


def downgrade() -> None:
    op.drop_table("essays")
