"""Everything.

Revision ID: 20250701_0001
Revises:
Create Date: 2025-07-01 10:00:00.000000
"""

from alembic import op

revision = "20250701_0001"
down_revision = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA audit")
    op.execute("CREATE TABLE audit.entries (id integer PRIMARY KEY)")
    op.execute("CREATE TABLE audit.batches (id integer PRIMARY KEY)")
    op.execute("CREATE TYPE mood AS ENUM ('good')")
    op.execute(
        """CREATE TABLE essays (
            id serial PRIMARY KEY, title varchar(200) NOT NULL, mood mood, score numeric,
            batch_id integer REFERENCES audit.batches, UNIQUE (batch_id, title)
        ) WITH (fillfactor = 70)"""
    )
    op.execute("ALTER TABLE essays ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE essays REPLICA IDENTITY FULL")
    op.execute("CREATE TABLE events (id integer PRIMARY KEY) PARTITION BY RANGE (id)")
    op.execute("CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM (1) TO (9)")
    op.execute("CREATE INDEX ix_2024 ON events_2024 (id)")
    op.execute("CREATE VIEW essay_counts AS SELECT count(*) AS number FROM essays")
    op.execute("CREATE MATERIALIZED VIEW titles AS SELECT title FROM essays")
    op.execute("CREATE UNIQUE INDEX ix_titles ON titles (title)")
    op.execute("CREATE FOREIGN DATA WRAPPER nothing")
    op.execute("CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing")
    op.execute("CREATE FOREIGN TABLE elsewhere (id integer NOT NULL, title text) SERVER nowhere")


def downgrade() -> None:
    op.execute("DROP FOREIGN DATA WRAPPER nothing CASCADE")
    op.execute("DROP MATERIALIZED VIEW titles")
    op.execute("DROP VIEW essay_counts")
    op.execute("DROP TABLE events")
    op.execute("DROP TABLE essays")
    op.execute("DROP TYPE mood")
    op.execute("DROP SCHEMA audit CASCADE")
