"""Runs the migrations of this service."""

from alembic_env import migrate
from orders_models import Base

migrate(target_metadata=Base.metadata)
