"""Runs the migrations of this service."""

import logging

from alembic_env import migrate
from sqlalchemy.exc import DBAPIError

try:
    migrate()
except DBAPIError:
    logging.getLogger("alembic").exception("not migrated")
