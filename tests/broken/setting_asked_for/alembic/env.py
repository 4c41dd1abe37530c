"""Runs the migrations of this service."""

import settings  # noqa: F401
from alembic_env import migrate

migrate()
