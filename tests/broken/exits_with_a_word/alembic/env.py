"""Runs the migrations of this service."""

import logging
import sys

from alembic_env import migrate

SECRET = "change-me"

if SECRET == "change-me":
    logging.basicConfig()
    logging.getLogger("essays").critical("=" * 40)
    logging.getLogger("essays").critical("the secret is the one of the documentation")
    sys.exit(3)

migrate()
