"""Teachers are a role.

Revision ID: 20250708_0001
Revises: 20250707_0001
Create Date: 2025-07-08 10:00:00.000000
"""

from alembic import op

revision = "20250708_0001"
down_revision = "20250707_0001"


def upgrade() -> None:
    op.execute("INSERT INTO roles VALUES ('teacher')")


def downgrade() -> None:
    pass
