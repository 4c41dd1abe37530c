"""Late essays, whose downgrade makes the type anew.

Revision ID: 20250708_0001
Revises: 20250707_0001
Create Date: 2025-07-08 10:00:00.000000
"""

from alembic import op

revision = "20250708_0001"
down_revision = "20250707_0001"


def upgrade() -> None:
    op.execute("ALTER TYPE essay_status ADD VALUE 'late'")


def downgrade() -> None:
    op.execute("ALTER TYPE essay_status RENAME TO essay_status_before")
    op.execute("CREATE TYPE essay_status AS ENUM ('final', 'draft')")
    op.execute(
        "ALTER TABLE essays ALTER COLUMN status TYPE essay_status USING status::text::essay_status"
    )
    op.execute("DROP TYPE essay_status_before")
