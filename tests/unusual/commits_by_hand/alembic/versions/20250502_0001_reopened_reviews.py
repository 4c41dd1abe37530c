"""Reopened reviews.

Revision ID: 20250502_0001
Revises: 20250501_0001
Create Date: 2025-05-02 09:16:04.448272
"""

from alembic import op

revision = "20250502_0001"
down_revision = "20250501_0001"


def upgrade() -> None:
    op.execute("COMMIT")
    op.execute("ALTER TYPE review_status ADD VALUE 'reopened'")
    op.execute("UPDATE reviews SET status = 'reopened' WHERE status IS NULL")


def downgrade() -> None:
    op.execute("ALTER TYPE review_status RENAME TO review_status_old")
    op.execute("CREATE TYPE review_status AS ENUM ('open', 'closed')")
    op.execute(
        "ALTER TABLE reviews ALTER COLUMN status TYPE review_status"
        " USING replace(status::text, 'reopened', 'open')::review_status"
    )
    op.execute("DROP TYPE review_status_old")
