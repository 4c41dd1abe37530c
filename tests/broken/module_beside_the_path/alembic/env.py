"""Runs the migrations of this service."""

import essay_rules  # noqa: F401
from alembic_env import migrate

migrate()
