"""The service's sessions, on a database that only its own settings name."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

URL = os.environ.get("STORE_URL", "postgresql+psycopg://essays:essays@127.0.0.1:5435/essays")


@contextmanager
def session() -> Iterator[sa.Connection]:
    """Gives a connection that commits at the end."""
    with sa.create_engine(URL).begin() as connection:
        yield connection
