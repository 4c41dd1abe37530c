"""Runs the migrations of this service, each in a transaction of its own."""

from alembic_env import migrate
from orders_models import Base

migrate(target_metadata=Base.metadata, transaction_per_migration=True)
