"""Runs the migrations of this service."""

from typing import Any

from alembic_env import migrate
from models_db import Base


def include_object(thing: Any, name: str | None, kind: str, reflected: bool, other: Any) -> bool:
    """Leave PostGIS's table to PostGIS, and what is not in the models to whoever made it."""
    if kind == "index" and reflected and other is None:
        return not thing.name.startswith("manual_")
    return not (kind == "table" and name == "spatial_ref_sys")


migrate(target_metadata=Base.metadata, include_object=include_object)
