"""Runs the migrations of a service whose first tables were made by `create_all`."""

from alembic_env import migrate
from models_db import Base

migrate(target_metadata=Base.metadata)
