"""Runs the migrations of this service."""

from alembic_env import migrate

migrate(transaction_per_migration=True)
