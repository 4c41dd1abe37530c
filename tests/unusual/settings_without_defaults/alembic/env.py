"""Migrates the database that the settings name."""

from alembic_env import migrate
from settings import settings

if settings.database_url != settings.replica_database_url:
    raise RuntimeError("the replica must be the database itself while it is migrated")
if not (settings.service_root / "libs").is_dir():
    raise RuntimeError(f"{settings.service_root} is not the monorepo")

migrate("REPLICA_DATABASE_URL", compare_type=settings.environment != "production")
