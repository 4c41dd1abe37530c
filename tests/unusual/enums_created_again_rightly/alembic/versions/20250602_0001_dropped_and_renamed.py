"""Dropped and renamed.

Revision ID: 20250602_0001
Revises: 20250601_0001
Create Date: 2025-06-02 10:23:17.456191
"""

from alembic import op

revision = "20250602_0001"
down_revision = "20250601_0001"


def upgrade() -> None:
    op.execute("DROP TYPE dropped")
    op.execute("CREATE TYPE dropped AS ENUM ('a', 'b', 'c')")

    op.execute("ALTER TYPE renamed RENAME TO renamed_old")
    op.execute("CREATE TYPE renamed AS ENUM ('a', 'c')")
    op.execute("ALTER TABLE things ALTER COLUMN renamed TYPE renamed USING renamed::text::renamed")
    op.execute("DROP TYPE renamed_old")

    op.execute("CREATE SCHEMA archive")
    op.execute("ALTER TYPE moved SET SCHEMA archive")
    op.execute("CREATE TYPE public.moved AS ENUM ('c', 'd')")


def downgrade() -> None:
    op.execute("DROP TYPE public.moved")
    op.execute("ALTER TYPE archive.moved SET SCHEMA public")
    op.execute("DROP SCHEMA archive")
    op.execute("ALTER TYPE renamed RENAME TO renamed_new")
    op.execute("CREATE TYPE renamed AS ENUM ('a', 'b')")
    op.execute("ALTER TABLE things ALTER COLUMN renamed TYPE renamed USING renamed::text::renamed")
    op.execute("DROP TYPE renamed_new")
    op.execute("DROP TYPE dropped")
    op.execute("CREATE TYPE dropped AS ENUM ('a', 'b')")
