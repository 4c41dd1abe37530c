"""Essays.

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
        "essays",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("state", sa.Enum("draft", "sent", name="essay_state"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("essays") as batch:
        batch.create_index("ix_essays_title", ["title"])


def downgrade() -> None:
    op.drop_table("essays")
    op.execute("DROP TYPE essay_state")
