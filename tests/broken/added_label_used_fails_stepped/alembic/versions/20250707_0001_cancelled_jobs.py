"""Cancelled jobs.

Revision ID: 20250707_0001
Revises: 20250706_0001
Create Date: 2025-07-07 16:05:35.503705
"""

from alembic import op

revision = "20250707_0001"
down_revision = "20250706_0001"


def upgrade() -> None:
    op.execute("ALTER TYPE job_status ADD VALUE 'cancelled'")
    op.execute("ALTER TABLE jobs ALTER COLUMN status SET DEFAULT 'cancelled'")


def downgrade() -> None:
    op.execute("ALTER TABLE jobs ALTER COLUMN status DROP DEFAULT")
    op.execute("ALTER TYPE job_status RENAME TO job_status_old")
    op.execute("CREATE TYPE job_status AS ENUM ('pending', 'done')")
    op.execute(
        "ALTER TABLE jobs ALTER COLUMN status TYPE job_status USING status::text::job_status"
    )
    op.execute("DROP TYPE job_status_old")
