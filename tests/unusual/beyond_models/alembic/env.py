"""Runs the migrations of this service."""

from typing import Any

import sqlalchemy as sa
from alembic_env import migrate
from models_db import Base


def include_object(thing: Any, name: str | None, kind: str, reflected: bool, other: Any) -> bool:
    """Leave references into the archive, and columns of one type, to those who made them."""
    if kind == "foreign_key_constraint" and reflected:
        return thing.elements[0].column.table.name != "batches"
    if kind == "unique_constraint" and reflected:
        return [column.name for column in thing.columns] != ["batch_id", "title"]
    if kind == "column" and reflected:
        return not (isinstance(thing.type, sa.Numeric) and thing.table.c.title.type.length == 200)
    return not (kind == "column" and name == "mood")


migrate(
    target_metadata=Base.metadata,
    include_schemas=True,
    include_name=lambda name, kind, parents: kind != "schema" or name in (None, "app"),
    include_object=include_object,
)
