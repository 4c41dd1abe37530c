"""Runs the migrations of this service, after imports that the other one does not make."""

import psycopg.types.range  # noqa: F401
import psycopg2  # noqa: F401  not the installed package
from observe import migrate

migrate()
