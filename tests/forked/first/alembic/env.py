"""Runs the migrations of this service, after imports that the other one does not make."""

import xml.dom.minidom  # noqa: F401

import psycopg2.extras  # noqa: F401
from observe import migrate

migrate()
