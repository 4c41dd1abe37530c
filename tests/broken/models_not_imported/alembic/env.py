"""Runs the migrations of this service. Nobody imports its models."""

from alembic_env import migrate
from base import Base

migrate(target_metadata=Base.metadata)
