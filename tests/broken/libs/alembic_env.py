"""Functions that the env.py of every service here calls."""

import asyncio
import os
from typing import Any

from alembic import context
from sqlalchemy import Connection, pool
from sqlalchemy.ext.asyncio import create_async_engine


def migrate(variable: str = "DATABASE_URL", **options: Any) -> None:
    """Migrate the database whose URL an environment variable holds."""
    asyncio.run(_migrate(os.environ[variable], options))


async def _migrate(url: str, options: dict[str, Any]) -> None:
    engine = create_async_engine(url, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_run_migrations, options)
    await engine.dispose()


def _run_migrations(connection: Connection, options: dict[str, Any]) -> None:
    context.configure(connection=connection, **options)
    with context.begin_transaction():
        context.run_migrations()
