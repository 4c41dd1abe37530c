"""Comparisons.

Revision ID: 20250202_0001
Revises: 20250201_0001
Create Date: 2025-02-02 14:55:25.424515
"""

from alembic import op

revision = "20250202_0001"
down_revision = "20250201_0001"


def upgrade() -> None:
    op.execute("CREATE TYPE winner AS ENUM ('essay_a', 'essay_b')")
    op.execute("CREATE TABLE comparisons (id uuid PRIMARY KEY, winner winner)")


def downgrade() -> None:
    op.execute("DROP TABLE comparisons")
    op.execute("DROP TYPE winner")
