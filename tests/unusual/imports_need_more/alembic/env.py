"""Runs the migrations of this service on an engine of its own, which is a synchronous one."""

from alembic import context
from forum.models import Base
from sqlalchemy import create_engine, pool

url = context.config.get_main_option("sqlalchemy.url")
engine = create_engine(url.replace("+asyncpg", "+psycopg2"), poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
