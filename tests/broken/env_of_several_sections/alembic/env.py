"""Migrates the databases that the configuration names, as `alembic init -t multidb` does."""

import re

from alembic import context
from sqlalchemy import engine_from_config, pool

config = context.config

for name in re.split(r",\s*", config.get_main_option("databases")):
    engine = engine_from_config(config.get_section(name), poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
