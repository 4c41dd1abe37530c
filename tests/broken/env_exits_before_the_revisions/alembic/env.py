"""Runs the migrations of this service."""

import os
import sys

from alembic_env import migrate

if "MIGRATIONS_ENABLED" not in os.environ:
    print("nothing to do")
    sys.exit(0)

migrate()
