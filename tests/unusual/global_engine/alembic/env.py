"""Migrates through the service's own engine, and leaves it open."""

import asyncio

from alembic import context
from settings import engine
from sqlalchemy import Connection


def run_migrations(connection: Connection) -> None:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


async def migrate() -> None:
    async with engine.begin() as connection:
        await connection.run_sync(run_migrations)


asyncio.run(migrate())
