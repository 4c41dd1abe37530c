"""Runs the migrations of this service, in the context that the `flask` command pushes."""

from alembic import context
from flask import current_app

extension = current_app.extensions["migrate"]

with extension.db.engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=extension.db.metadata,
        version_table=context.config.get_main_option("version_table"),
        **extension.configure_args,
    )
    with context.begin_transaction():
        context.run_migrations()
