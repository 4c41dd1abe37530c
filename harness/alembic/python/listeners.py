"""What is listened to: SQLAlchemy's and Alembic's events, and connections."""

import functools
import os
import time

from migration_harness_channel import channel, unseen
from migration_harness_guard import connected_to, guard
from migration_harness_recorder import recorder
from migration_harness_revisions import revisions
from migration_harness_source import source


def check_connection_parameters(dialect, record, cargs, cparams):
    """Refuses a connection before it is opened, when its parameters tell."""
    if dialect.name != "postgresql":
        guard.refuse(f"a {dialect.name} database", None, None, None)
    if cargs and isinstance(cargs[0], str):
        return  # a connection string: the driver's own check, and the token, decide
    guard.check(cparams)


def check_token(connection, record):
    """Refuses an open connection that cannot show the token, before it is used."""
    if token_of(connection) != guard.target.token:
        guard.refuse("a database without the token", *connected_to(connection))
    record.info["migration_harness"] = guard.target.token


def token_of(connection):
    """What the database shows; it is asked as directly as the driver lets us."""
    question = "SELECT current_setting('migration_harness.token', true)"
    if hasattr(getattr(connection, "driver_connection", None), "fetchval"):  # asyncpg
        return connection.run_async(lambda driver: driver.fetchval(question))
    cursor = connection.cursor()
    cursor.execute(question)
    shown = cursor.fetchone()
    cursor.close()
    connection.rollback()
    return shown and shown[0]


def check_taken(connection, record, taken):
    """The same for a connection that was open before anything was listened to."""
    if record.info.get("migration_harness") != guard.target.token:
        check_token(connection, record)


def listen():
    from alembic.runtime import migration
    from sqlalchemy import event
    from sqlalchemy.dialects import postgresql
    from sqlalchemy.engine import Engine
    from sqlalchemy.pool import Pool

    event.listen(Engine, "do_connect", check_connection_parameters)
    event.listen(Pool, "connect", check_token)
    event.listen(Pool, "checkout", check_taken)
    event.listen(Engine, "before_cursor_execute", unseen(recorder.before))
    event.listen(Engine, "after_cursor_execute", unseen(recorder.after))
    event.listen(Engine, "handle_error", unseen(recorder.failed))
    event.listen(Engine, "engine_connect", lambda conn, *_: recorder.engines.add(conn.engine))
    guard.watch()

    generator = getattr(postgresql.ENUM, "DDLGenerator", None) or postgresql.ENUM.EnumGenerator
    create = generator.visit_enum
    generator.visit_enum = lambda self, enum: recorder.enum_through(create, self, enum)

    original_step = migration.RevisionStep.__init__

    def step(self, revision_map, revision, is_upgrade):
        if not hasattr(revision.module, "upgrade" if is_upgrade else "downgrade"):
            announce(revision, is_upgrade)
        original_step(self, revision_map, revision, is_upgrade)
        function = revisions.function(revision, "upgrade" if is_upgrade else "downgrade")
        self.migration_fn = reported(function, revision, is_upgrade)

    migration.RevisionStep.__init__ = step

    original_context = migration.MigrationContext.__init__

    def context(self, *args, **kwargs):
        original_context(self, *args, **kwargs)
        recorder.contexts.append(
            {"version_table": self.version_table, "schema": self.version_table_schema}
        )

    migration.MigrationContext.__init__ = context


def announce(revision, is_upgrade):
    channel.send(
        event="step",
        revision=revision.revision,
        direction="upgrade" if is_upgrade else "downgrade",
        file=os.path.join(source.directory, str(revision.path)),
        message=revision.doc,
    )


def reported(function, revision, is_upgrade):
    """A revision's upgrade or downgrade that says when it starts and ends."""

    @functools.wraps(function)
    def run(*args, **kwargs):
        announce(revision, is_upgrade)
        start = time.perf_counter()
        value = function(*args, **kwargs)
        awaitable = hasattr(value, "__await__")
        if awaitable:
            value.close()
        channel.send(event="stepped", seconds=time.perf_counter() - start, awaitable=awaitable)
        return value

    return run
