"""Makes the application, which creates tables where the database has none: those of the
models that the process knows by then."""

import asyncio

from alembic import context
from settings import engine, make_application
from sqlalchemy import Connection


def run_migrations(connection: Connection) -> None:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


async def migrate() -> None:
    async with engine.begin() as connection:
        await connection.run_sync(make_application)
    async with engine.begin() as connection:
        await connection.run_sync(run_migrations)
    await engine.dispose()


asyncio.run(migrate())
