"""Runs the migrations of this service."""

from alembic_env import migrate

migrate()
