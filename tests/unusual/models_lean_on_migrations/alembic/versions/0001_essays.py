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
    for statement in (
        "CREATE SCHEMA ext",
        "CREATE SCHEMA audit",
        "CREATE EXTENSION pg_trgm SCHEMA ext",
        "CREATE SEQUENCE audit.numbers INCREMENT 10",
        "CREATE TYPE audit.essay_status AS ENUM ('a', 'b')",
        "CREATE TYPE grade_status AS ENUM ('open', 'given')",
        "CREATE TYPE audit.place AS (town text, street text)",
        "CREATE TYPE audit.span AS RANGE (SUBTYPE = float8, SUBTYPE_DIFF = float8mi)",
        "CREATE FUNCTION audit.is_title(value text) RETURNS boolean LANGUAGE sql IMMUTABLE "
        "AS $$ SELECT length(value) % 1000 > 0 $$",
        "CREATE DOMAIN audit.essay_title AS text CHECK (audit.is_title(VALUE))",
        """CREATE COLLATION "as_bytes" (LOCALE = 'C')""",
        "CREATE TEXT SEARCH DICTIONARY audit.words (TEMPLATE = simple)",
        "CREATE TEXT SEARCH CONFIGURATION audit.plain (PARSER = default)",
        "ALTER TEXT SEARCH CONFIGURATION audit.plain ADD MAPPING FOR asciiword, word WITH audit.words, simple",
        "CREATE FUNCTION audit.essay_key(status audit.essay_status) RETURNS text LANGUAGE sql "
        "AS $$ SELECT status::text $$",
    ):
        op.execute(statement)
    op.execute(
        """CREATE TABLE audit.essays (
            id serial PRIMARY KEY,
            number bigint NOT NULL DEFAULT nextval('audit.numbers'),
            title audit.essay_title NOT NULL,
            place audit.place,
            author text,
            sorted varchar(20) COLLATE as_bytes,
            span audit.span,
            status audit.essay_status,
            key text DEFAULT audit.essay_key('a'),
            words tsvector GENERATED ALWAYS AS (to_tsvector('audit.plain'::regconfig, author)) STORED
        )"""
    )
    op.execute("CREATE INDEX ix_essays_author ON audit.essays USING gin (author ext.gin_trgm_ops)")
    op.execute(
        "CREATE FUNCTION audit.count(one audit.essays) RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$"
    )
    op.execute("CREATE TABLE grades (id serial PRIMARY KEY, given grade_status)")


def downgrade() -> None:
    op.execute("DROP TABLE grades")
    op.execute("DROP SCHEMA audit CASCADE")
    op.execute("DROP SCHEMA ext CASCADE")
    op.execute("DROP TYPE grade_status")
    op.execute('DROP COLLATION "as_bytes"')
