"""Essay index.

Revision ID: 20250714_0001
Revises: 20250707_0001
Create Date: 2025-07-14 14:51:09.487867
"""

from alembic import op

revision = "20250714_0001"
down_revision = "20250707_0001"


def upgrade() -> None:
    op.create_index("ix_essays_id", "essays", ["id"], postgresql_concurrently=True)


def downgrade() -> None:
    op.drop_index("ix_essays_id", "essays")
