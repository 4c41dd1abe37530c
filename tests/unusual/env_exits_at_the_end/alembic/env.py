"""Runs the migrations of this service."""

import sys

from alembic_env import migrate

migrate()
sys.exit(0)
