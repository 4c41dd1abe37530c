"""Defaults as JSON.

Revision ID: 20250707_0001
Revises: 20250706_0001
Create Date: 2025-07-07 10:00:00.000000
"""

from alembic import op

revision = "20250707_0001"
down_revision = "20250706_0001"


def upgrade() -> None:
    op.execute("CREATE TABLE defaults (value jsonb)")
    op.execute("""INSERT INTO defaults VALUES ('{"public":true}')""")


def downgrade() -> None:
    op.drop_table("defaults")
