"""Migrates the schema that the connection's settings name."""

import asyncio
import os

from alembic import context
from models_db import Base
from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import create_async_engine


def run_migrations(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()


async def migrate() -> None:
    settings = {"server_settings": {"search_path": "app"}}
    engine = create_async_engine(
        os.environ["DATABASE_URL"], poolclass=pool.NullPool, connect_args=settings
    )
    async with engine.begin() as connection:
        await connection.execute(text("CREATE SCHEMA IF NOT EXISTS app"))
        await connection.run_sync(run_migrations)
    await engine.dispose()


asyncio.run(migrate())
