"""Runs the migrations of this service, each statement of which is committed."""

import asyncio
import os

from alembic import context
from models_db import Base
from sqlalchemy import Connection, pool
from sqlalchemy.ext.asyncio import create_async_engine


def run_migrations(connection: Connection) -> None:
    """Run what Alembic has to run."""
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()


async def migrate() -> None:
    """Migrate on a connection that begins no transaction."""
    url = os.environ["DATABASE_URL"]
    engine = create_async_engine(url, poolclass=pool.NullPool, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.run_sync(run_migrations)
    await engine.dispose()


asyncio.run(migrate())
