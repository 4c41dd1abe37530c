"""Words.

Revision ID: 20250706_0001
Revises:
Create Date: 2025-07-06 15:58:22.495786
"""

import sqlalchemy as sa
from alembic import op

revision = "20250706_0001"
down_revision = None


def upgrade() -> None:
    words = op.create_table(
        "words",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("word", sa.String(64), nullable=False),
    )
    op.bulk_insert(words, [{"id": n, "word": f"word {n}"} for n in range(2000)])


def downgrade() -> None:
    op.drop_table("words")
