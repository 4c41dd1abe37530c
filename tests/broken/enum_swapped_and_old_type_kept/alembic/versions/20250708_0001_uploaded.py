"""Uploaded essays.

Revision ID: 20250708_0001
Revises: 20250707_0001
Create Date: 2025-07-08 10:00:00.000000
"""

from alembic import op

revision = "20250708_0001"
down_revision = "20250707_0001"


def upgrade() -> None:
    op.execute("ALTER TYPE essay_status RENAME TO essay_status_old")
    op.execute("CREATE TYPE essay_status AS ENUM ('draft', 'final', 'uploaded')")
    op.execute("ALTER TABLE essays ALTER status TYPE essay_status USING status::text::essay_status")


def downgrade() -> None:
    op.execute("ALTER TYPE essay_status RENAME TO essay_status_new")
    op.execute("ALTER TYPE essay_status_old RENAME TO essay_status")
    op.execute("ALTER TABLE essays ALTER status TYPE essay_status USING status::text::essay_status")
    op.execute("DROP TYPE essay_status_new")
