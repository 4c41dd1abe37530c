"""Essays.

Revision ID: 0001
Revises:
Create Date: 2025-07-07 10:00:00.000000
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "essays",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), unique=True),
    )
    op.create_index("ix_essays_notes", "essays", ["notes"])


def downgrade() -> None:
    op.drop_table("essays")
