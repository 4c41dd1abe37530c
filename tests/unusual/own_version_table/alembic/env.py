"""Migrates the schema of this service, which it creates where there is none."""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import create_async_engine


def run_migrations(connection: Connection) -> None:
    context.configure(
        connection=connection,
        version_table="assessment_migrations",
        version_table_schema="assessment",
        include_schemas=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def migrate() -> None:
    engine = create_async_engine(os.environ["DATABASE_URL"], poolclass=pool.NullPool)
    async with engine.begin() as connection:
        await connection.execute(text("CREATE SCHEMA IF NOT EXISTS assessment"))
        await connection.execute(text("SET search_path TO assessment, public"))
        await connection.run_sync(run_migrations)
    await engine.dispose()


asyncio.run(migrate())
