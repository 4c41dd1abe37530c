"""Migrates one tenant, which `alembic -x tenant=...` names."""

from alembic import context
from sqlalchemy import engine_from_config, pool

config = context.config
tenant = context.get_x_argument(as_dictionary=True).get("tenant", "public")
verbose = getattr(config.cmd_opts, "x", None) is not None

engine = engine_from_config(
    config.get_section(config.config_ini_section, {}), poolclass=pool.NullPool, echo=verbose
)
with engine.connect() as connection:
    context.configure(
        connection=connection, version_table_schema=tenant, transaction_per_migration=True
    )
    with context.begin_transaction():
        context.run_migrations()
