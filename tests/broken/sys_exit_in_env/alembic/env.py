"""Runs the migrations of this service."""

import os
import sys

from alembic_env import migrate

if "MIGRATIONS_ENABLED" not in os.environ:
    sys.exit("MIGRATIONS_ENABLED is not set")

migrate()
