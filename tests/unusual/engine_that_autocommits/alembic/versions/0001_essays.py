"""Essays.

Revision ID: 0001
Revises:
Create Date: 2025-07-07 10:00:00.000000
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute(
        "CREATE FUNCTION essay_number() RETURNS text LANGUAGE sql AS $$ SELECT gen_random_uuid()::text $$"
    )
    op.create_table(
        "essays",
        sa.Column("number", sa.String(), server_default=sa.text("essay_number()"), primary_key=True),
        sa.Column("title", sa.String(), nullable=False),
    )
    op.create_index("ix_essays_title", "essays", ["title"])


def downgrade() -> None:
    op.drop_table("essays")
    op.execute("DROP FUNCTION essay_number()")
