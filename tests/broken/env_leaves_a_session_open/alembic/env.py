"""Migrates while no other process does: a session of its own holds a lock until the end."""

import os

from alembic import context
from sqlalchemy import create_engine, pool, text

url = os.environ["DATABASE_URL"]
guard = create_engine(url, isolation_level="REPEATABLE READ").connect()
guard.execute(text("SELECT pg_advisory_lock(42)"))

with create_engine(url, poolclass=pool.NullPool).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
guard.close()
