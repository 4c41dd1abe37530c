"""Runs the migrations of this service."""

import logging

from alembic_env import migrate
from sqlalchemy.exc import ProgrammingError

try:
    migrate()
except ProgrammingError as error:
    if "already exists" not in str(error):
        raise
    logging.getLogger("alembic").warning("the tables are there already")
