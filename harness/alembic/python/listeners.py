"""Listeners to SQLAlchemy's and Alembic's events, and to connections."""

import functools
import os
import sys
import time

from migration_harness_asked import asked
from migration_harness_channel import channel
from migration_harness_door import door
from migration_harness_drivers import STATEMENTS, fitting
from migration_harness_guard import connected_to, guard
from migration_harness_imported import after_imports
from migration_harness_recorder import raw, recorder, session_of
from migration_harness_revisions import revisions
from migration_harness_source import connecting_place, described, line_of, own_place, source


def check_connection_parameters(dialect, record, cargs, cparams):
    """Refuses a connection before it is opened, when its parameters tell."""
    if dialect.name != "postgresql":
        guard.refuse({"dialect": dialect.name})
    if cargs and isinstance(cargs[0], str):
        return  # a connection string: the driver's own check, and the token, decide
    guard.check(cparams)


def check_token(connection, record):
    """Refuses an open connection that cannot show the token, before it is used."""
    if token_of(connection) != guard.target.token:
        guard.refuse("untokened", *connected_to(connection))
    if not recorder.is_patient:
        wait_no_longer(connection)
    record.info["migration_harness"] = guard.target.token
    record.info["migration_harness_session"] = session = session_of(connection)
    channel.send(event="connected", session=session, place=connecting_place(sys._getframe(1)))


def wait_no_longer(connection):
    """Lets go: who holds the lock may wait for the harness, which waits for this connection."""
    cursor = connection.cursor()
    cursor.execute("SELECT pg_catalog.set_config('lock_timeout', '2s', false)")
    cursor.fetchall()
    cursor.close()
    connection.commit()


def token_of(connection):
    """The token that the database shows; it is asked for as directly as the driver lets us."""
    question = "SELECT current_setting('migration_harness.token', true)"
    with door.theirs():  # the driver's, and whatever stands in its place
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

    event.listen(Engine, "do_connect", door.ours(check_connection_parameters))
    event.listen(Pool, "connect", door.ours(check_token))
    event.listen(Pool, "checkout", door.ours(check_taken))
    event.listen(Engine, "before_cursor_execute", door.ours(recorder.before))
    event.listen(Engine, "after_cursor_execute", door.ours(recorder.after))
    event.listen(Engine, "handle_error", door.ours(recorder.failed))
    event.listen(Engine, "engine_connect", lambda conn, *_: recorder.engines.add(conn.engine))
    guard.watch()
    after_imports({name: fitting(record) for name, record in STATEMENTS.items()})

    generator = getattr(postgresql.ENUM, "DDLGenerator", None) or postgresql.ENUM.EnumGenerator
    create = generator.visit_enum
    through = door.ours(recorder.enum_through)
    generator.visit_enum = lambda self, enum: through(create, self, enum)

    original_step = migration.RevisionStep.__init__

    @door.ours
    def step(self, revision_map, revision, is_upgrade):
        if not hasattr(revision.module, "upgrade" if is_upgrade else "downgrade"):
            announce(revision, is_upgrade)
        with door.theirs():
            original_step(self, revision_map, revision, is_upgrade)
        function = revisions.function(revision, "upgrade" if is_upgrade else "downgrade")
        self.migration_fn = reported(function, revision, is_upgrade)

    migration.RevisionStep.__init__ = step

    original_context = migration.MigrationContext.__init__

    @door.ours
    def context(self, *args, **kwargs):
        with door.theirs():
            original_context(self, *args, **kwargs)
        configured(self, sys._getframe(1))
        self.migration_harness = {
            "version_table": self.version_table,
            "schema": self.version_table_schema,
        }
        recorder.contexts.append(self.migration_harness)

    migration.MigrationContext.__init__ = context
    asked.watch()

    noted = door.ours(note_schema)
    original_heads = migration.MigrationContext.get_current_heads

    def heads(self):
        found = original_heads(self)
        noted(self)
        return found

    migration.MigrationContext.get_current_heads = heads


def note_schema(context):
    """Notes the schema that the connection is in. Alembic has just asked it something, so
    that one more question begins no transaction."""
    driver = getattr(context.connection, "connection", None)
    if driver is None or "default_schema" in context.migration_harness:
        return
    cursor = driver.cursor()
    cursor.execute("SELECT pg_catalog.current_schema()")
    context.migration_harness["default_schema"] = cursor.fetchone()[0]
    cursor.close()


def configured(context, frame):
    """A context that env.py made; in a transaction that is open already, Alembic leaves
    the commit to whoever began it (`MigrationContext.begin_transaction`)."""
    connection = context.connection
    recorder.connection = raw(connection) if connection is not None else None
    if getattr(connection, "in_transaction", bool)():
        channel.send(event="open_transaction", place=own_place(frame))


def announce(revision, is_upgrade):
    function = getattr(revision.module, "upgrade" if is_upgrade else "downgrade", None)
    channel.send(
        event="step",
        revision=revision.revision,
        direction="upgrade" if is_upgrade else "downgrade",
        file=os.path.join(source.directory, str(revision.path)),
        message=revision.doc,
        line=line_of(function, revision.module),
        is_unwritten=function is None,
    )


@door.ours
def raised(error):
    channel.send(event="step_raised", error=described(error))


def reported(function, revision, is_upgrade):
    """A revision's upgrade or downgrade that says when it starts and ends."""

    @door.ours
    @functools.wraps(function)
    def run(*args, **kwargs):
        announce(revision, is_upgrade)
        start = time.perf_counter()
        try:
            with door.theirs():
                value = function(*args, **kwargs)
        except BaseException as error:
            raised(error)  # env.py may catch it
            raise
        awaitable = hasattr(type(value), "__await__")
        if awaitable and hasattr(type(value), "close"):
            value.close()
        channel.send(event="stepped", seconds=time.perf_counter() - start, awaitable=awaitable)
        return value

    return run
