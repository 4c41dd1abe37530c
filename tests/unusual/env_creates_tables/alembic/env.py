"""Creates the tables of all models that are imported by now: in a process of its own,
there are none yet."""

import asyncio

from alembic import context
from settings import engine, metadata
from sqlalchemy import Connection


def run_migrations(connection: Connection) -> None:
    metadata.create_all(connection)
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


async def migrate() -> None:
    async with engine.begin() as connection:
        await connection.run_sync(run_migrations)
    await engine.dispose()


asyncio.run(migrate())
