"""Migrates the database of the essays, and the archive beside it."""

import os

from alembic import context
from sqlalchemy import create_engine, pool

essays = os.environ["DATABASE_URL"]
archive = "postgresql+psycopg://essays:essays@127.0.0.1:5435/archive"

for url in (essays, archive):
    with create_engine(url, poolclass=pool.NullPool).connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
