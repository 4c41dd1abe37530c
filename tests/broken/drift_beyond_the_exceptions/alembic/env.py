"""Runs the migrations of this service."""

from alembic_env import migrate
from models_db import Base

migrate(
    target_metadata=Base.metadata,
    include_schemas=True,
    include_name=lambda name, kind, parents: kind != "schema" or name in (None, "app"),
)
