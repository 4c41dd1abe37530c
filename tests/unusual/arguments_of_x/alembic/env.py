"""Takes the URL, the tenant's schema and a list from `-x`, as `alembic` would be given them."""

import asyncio

import sqlalchemy as sa
from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine

arguments = context.get_x_argument(as_dictionary=True)
schema = arguments["tenant"]
labels = [text for text in context.get_x_argument() if text.startswith("label=")]
assert labels == ["label=a", "label=b=c"], labels
assert context.config.cmd_opts.x == context.get_x_argument()


def run_migrations(connection: sa.Connection) -> None:
    connection.execute(sa.text(f"CREATE SCHEMA IF NOT EXISTS {schema}"))
    connection.commit()
    context.configure(connection=connection, version_table_schema=schema)
    with context.begin_transaction():
        context.run_migrations()


async def migrate() -> None:
    engine = create_async_engine(arguments["url"], poolclass=sa.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(run_migrations)
    await engine.dispose()


asyncio.run(migrate())
