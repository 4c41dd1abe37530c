"""Migrates the schema that the URL's options name, which a first connection creates."""

import os

from alembic import context
from models_db import Base
from sqlalchemy import create_engine, pool, text

plain = create_engine(os.environ["DATABASE_URL"], poolclass=pool.NullPool)
with plain.begin() as connection:
    connection.execute(text("CREATE SCHEMA IF NOT EXISTS app"))

engine = create_engine(
    os.environ["DATABASE_URL"] + "?options=-csearch_path%3Dapp,public", poolclass=pool.NullPool
)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
