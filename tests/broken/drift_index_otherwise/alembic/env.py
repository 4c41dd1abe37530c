"""Runs the migrations of this service."""

from alembic_env import migrate
from models_db import Base

migrate(target_metadata=Base.metadata)
