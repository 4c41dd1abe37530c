"""Rights of the application.

Revision ID: 20250714_0001
Revises: 20250707_0001
Create Date: 2025-07-14 14:51:09.487867
"""

from alembic import op

revision = "20250714_0001"
down_revision = "20250707_0001"


def upgrade() -> None:
    op.execute("GRANT SELECT ON essays TO essay_reader")


def downgrade() -> None:
    op.execute("REVOKE SELECT ON essays FROM essay_reader")
