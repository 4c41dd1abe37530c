"""Runs the migrations of this service."""

from typing import Any

from alembic_env import migrate
from models_db import Base


def include_object(thing: Any, name: str | None, kind: str, reflected: bool, other: Any) -> bool:
    """Leave PostGIS's table to PostGIS."""
    return not (kind == "table" and name == "spatial_ref_sys")


migrate(target_metadata=Base.metadata, include_object=include_object)
