"""Settings that the service and its migrations share. The application of a web framework that has
users of its own creates their tables where there are none, with all that its models know."""

import os

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine(os.environ["DATABASE_URL"])
metadata = sa.MetaData()
users = sa.Table("users", metadata, sa.Column("id", sa.Uuid(), primary_key=True))


def make_application(connection: sa.Connection) -> None:
    if not sa.inspect(connection).has_table("users"):
        metadata.create_all(connection)
