"""The first subject.

Revision ID: 20250708_0001
Revises: 20250707_0001
Create Date: 2025-07-08 10:31:02.118920
"""

from alembic import op

revision = "20250708_0001"
down_revision = "20250707_0001"


def upgrade() -> None:
    op.execute("INSERT INTO subjects (name) VALUES ('history')")


def downgrade() -> None:
    pass
