"""Essays.

Revision ID: 20250707_0001
Revises: 20250706_0001
Create Date: 2025-07-07 10:00:00.000000
"""

import sqlalchemy as sa
from alembic import op

revision = "20250707_0001"
down_revision = "20250706_0001"


def upgrade() -> None:
    op.create_table(
        "essays",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("status", sa.Enum("draft", "final", name="essay_status"), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.CheckConstraint("points >= 0", name="ck_essays_points"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("title", name="essays_title_is_unique"),
    )
    op.create_index(
        "ix_essays_draft", "essays", ["title"], postgresql_where=sa.text("status = 'draft'")
    )


def downgrade() -> None:
    op.drop_table("essays")
    op.execute("DROP TYPE essay_status")
