"""Essay status.

Revision ID: 20250707_0001
Revises: 20250706_0001
Create Date: 2025-07-07 10:00:00.000000
"""

from alembic import op

revision = "20250707_0001"
down_revision = "20250706_0001"


def upgrade() -> None:
    op.execute("CREATE TYPE essay_status AS ENUM ('draft')")
    with op.get_context().autocommit_block():
        op.execute("ALTER TYPE essay_status ADD VALUE 'final'")


def downgrade() -> None:
    op.execute("DROP TYPE essay_status")
