"""Runs the migrations of this service."""

from logging.config import fileConfig

from alembic import context
from alembic_env import migrate

fileConfig(context.config.config_file_name)

migrate()
