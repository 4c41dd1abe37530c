"""Counts migrations with a metric that can be registered but once in a process."""

import asyncio

from alembic import context
from settings import counter, engine
from sqlalchemy import Connection

MIGRATIONS = counter("migrations_total")


def run_migrations(connection: Connection) -> None:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


async def migrate() -> None:
    async with engine.begin() as connection:
        await connection.run_sync(run_migrations)
    await engine.dispose()


asyncio.run(migrate())
