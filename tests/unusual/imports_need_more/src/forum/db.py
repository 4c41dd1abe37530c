"""The engine of the service, which nobody can import without its URL."""

import os

from sqlalchemy.ext.asyncio import create_async_engine

URL = os.getenv("FORUM_DB")
if not URL:
    raise RuntimeError("FORUM_DB is not set")

engine = create_async_engine(URL)
