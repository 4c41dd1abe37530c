"""Settings that the service and its migrations share."""

import os

from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine(os.environ["DATABASE_URL"])
metadata = MetaData()
