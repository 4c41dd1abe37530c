"""Runs the migrations of this service."""

import os

from alembic import context
from sqlalchemy import create_engine

engine = create_engine(os.environ.get("ESSAY_DATABASE_URL", "sqlite://"))
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
