"""Guarded.

Revision ID: 20250603_0001
Revises: 20250602_0001
Create Date: 2025-06-03 11:30:30.464110
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20250603_0001"
down_revision = "20250602_0001"


def upgrade() -> None:
    op.execute(
        """
        DO $$ BEGIN
            CREATE TYPE guarded AS ENUM ('a', 'b');
        EXCEPTION WHEN duplicate_object THEN NULL;
        END $$
        """
    )
    op.execute(
        """
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_type WHERE typname = 'asked_for') THEN
                CREATE TYPE asked_for AS ENUM ('a', 'b');
            END IF;
        END $$
        """
    )
    sa.Enum("a", "b", name="asked_for").create(op.get_bind(), checkfirst=True)
    op.execute(
        """
        DO $$ BEGIN
            DROP TYPE IF EXISTS dropped;
            CREATE TYPE dropped AS ENUM ('c', 'd');
        END $$
        """
    )
    op.create_table(
        "more_things",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("by_table", postgresql.ENUM("a", "b", name="by_table", create_type=False)),
    )


def downgrade() -> None:
    op.drop_table("more_things")
    op.execute("DROP TYPE dropped")
    op.execute("CREATE TYPE dropped AS ENUM ('a', 'b', 'c')")
