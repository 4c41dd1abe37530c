"""Settings that the service and its migrations share."""

import os

from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine(os.environ["DATABASE_URL"], pool_size=5, pool_pre_ping=True)
