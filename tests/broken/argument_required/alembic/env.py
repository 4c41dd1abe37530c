"""Migrates the schema of one tenant, which an argument names."""

from alembic import context
from alembic_env import migrate

tenant = context.get_x_argument(as_dictionary=True)["tenant"]

migrate(version_table=f"alembic_version_{tenant}")
