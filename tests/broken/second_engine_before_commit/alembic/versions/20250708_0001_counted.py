"""Essays are counted over a connection of their own.

Revision ID: 20250708_0001
Revises: 20250707_0001
Create Date: 2025-07-08 10:00:00.000000
"""

import os

import sqlalchemy as sa

revision = "20250708_0001"
down_revision = "20250707_0001"


def upgrade() -> None:
    engine = sa.create_engine(os.environ["DATABASE_URL"].replace("asyncpg", "psycopg"))
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT count(*) FROM essays"))


def downgrade() -> None:
    pass
