"""Runs the migrations of this service, inside its application's context."""

from alembic_env import migrate
from application import push_context

push_context()
migrate()
