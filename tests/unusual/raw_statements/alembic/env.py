"""Looks for a cache and for a collector of traces that are not there, and calls the server
by the name that every machine has for itself."""

import contextlib
import os
import socket
from urllib.request import urlopen

from alembic import context
from sqlalchemy import create_engine, pool

with contextlib.suppress(OSError):
    socket.create_connection(("127.0.0.1", 6379), timeout=1)
with contextlib.suppress(OSError):
    urlopen("http://127.0.0.1:4318/v1/traces", timeout=1)

url = os.environ["DATABASE_URL"].replace("127.0.0.1", "localhost")
with create_engine(url, poolclass=pool.NullPool).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
