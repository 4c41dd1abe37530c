"""Essays are not returned.

Revision ID: 20250714_0001
Revises: 20250707_0001
Create Date: 2025-07-14 10:00:00.000000
"""

from alembic import op

revision = "20250714_0001"
down_revision = "20250707_0001"


def upgrade() -> None:
    replace_type("'uploaded', 'graded'")


def downgrade() -> None:
    replace_type("'uploaded', 'graded', 'returned'")


def replace_type(labels: str) -> None:
    """Build the type anew under its name."""
    op.execute("ALTER TYPE essay_status RENAME TO essay_status_old")
    op.execute(f"CREATE TYPE essay_status AS ENUM ({labels})")
    op.execute(
        "ALTER TABLE essays ALTER COLUMN status TYPE essay_status"
        " USING status::text::essay_status"
    )
    op.execute("DROP TYPE essay_status_old")
