"""Reads its URL from the options of the service's own command."""

from alembic import context
from sqlalchemy import create_engine, pool

options = context.config.essay_options

with create_engine(options.url, poolclass=pool.NullPool).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
