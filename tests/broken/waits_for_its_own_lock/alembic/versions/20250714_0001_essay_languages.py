"""Essay languages.

Revision ID: 20250714_0001
Revises: 20250707_0001
Create Date: 2025-07-14 14:51:09.487867
"""

import os

import sqlalchemy as sa
from alembic import op

revision = "20250714_0001"
down_revision = "20250707_0001"


def upgrade() -> None:
    op.add_column("essays", sa.Column("language", sa.String(8)))
    engine = sa.create_engine(os.environ["DATABASE_URL"].replace("+asyncpg", "+psycopg"))
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE essays SET language = 'sv'"))


def downgrade() -> None:
    op.drop_column("essays", "language")
