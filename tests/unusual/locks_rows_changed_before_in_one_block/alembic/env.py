"""Runs the migrations of this service, each in a transaction of its own."""

import os

from alembic import context
from sqlalchemy import create_engine, pool

engine = create_engine(
    os.environ["DATABASE_URL"],
    poolclass=pool.NullPool,
    connect_args={"application_name": "migrations"},
)
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
