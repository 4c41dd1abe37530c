"""Essays.

Revision ID: 0001
Revises:
Create Date: 2025-07-07 10:00:00.000000
"""

import sqlalchemy as sa
from alembic import op
from models_db import FUNCTION, TRIGGER

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA audit")
    op.execute("CREATE DOMAIN author_name AS text CHECK (VALUE <> '')")
    op.execute("CREATE TABLE authors (id serial PRIMARY KEY, name author_name NOT NULL)")
    op.create_table(
        "essays",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("author", sa.Integer(), sa.ForeignKey("authors.id"), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("changes", sa.Integer(), server_default="0", nullable=False),
        schema="audit",
    )
    op.execute(FUNCTION)
    op.execute(TRIGGER)
    with op.get_context().autocommit_block():
        op.create_index("ix_essays_title", "essays", ["title"], schema="audit", postgresql_concurrently=True)


def downgrade() -> None:
    op.execute("DROP SCHEMA audit CASCADE")
    op.execute("DROP TABLE authors")
    op.execute("DROP DOMAIN author_name")
