"""Settings that the service and its migrations share."""

import os

from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine(os.environ["DATABASE_URL"])
_counters = set()


def counter(name: str) -> str:
    """Registers a metric, as metrics libraries do: once per process."""
    if name in _counters:
        raise ValueError(f"Duplicated timeseries in registry: {name}")
    _counters.add(name)
    return name
