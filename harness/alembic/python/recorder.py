"""The service's work in the database, as messages: `Recorder`."""

import functools
import sys
import time
import weakref

from migration_harness_channel import channel
from migration_harness_door import door
from migration_harness_enums import created_enums, labels_in, question_of
from migration_harness_probe import COMMITS, TRY
from migration_harness_source import first_line, place_of, sqlstate_of

SQL_KEPT = 4000  # characters of a statement that are reported


RUN = object()  # what a statement asks for when it is its turn


class Recorder:
    """Makes messages of what SQLAlchemy, Alembic and drivers say that they do.

    Every statement goes through `statement`, a generator: it yields questions, whose rows
    it wants sent, and once `RUN`. Who drives it asks on the connection that the statement
    runs on, before and after it, because only that one sees what its transaction did.
    """

    def __init__(self):
        self.number = 0
        self.running = {}  # id of SQLAlchemy's cursor -> its statement
        self.in_enum = False
        self.engines = weakref.WeakSet()
        self.contexts = []
        self.connection = None  # the driver's, of the context that env.py made last
        self.is_patient = True  # whether connections wait for locks as long as it takes
        self.muted = False  # while the harness lays what is nobody's statement
        self.probe = None  # where it is measured what statements lock and read
        self.commits = None  # where the harness looks between transactions

    def statement(self, sql, place, thing, session, beside=False):
        if self.commits is not None:
            self.commits.before(thing)
        self.number += 1
        number = self.number
        channel.send(
            event="statement",
            number=number,
            sql=sql[:SQL_KEPT],
            place=place,
            session=session,
            beside=beside,
        )
        creations = []
        for schema, name, labels in () if self.in_enum else created_enums(sql):
            before = labels_in((yield question_of(schema, name)))
            creation = {"name": name, "schema": schema, "labels": labels, "before": before}
            creations.append({**creation, "place": place, "how": "sql"})
        probe, is_over = self.probe, False
        if probe is not None:
            is_over = yield from probe.before(number, sql)
        start = time.perf_counter()
        error = yield RUN
        seconds = time.perf_counter() - start
        if error is None:
            channel.send(event="done", number=number, seconds=seconds)
        else:
            state, message = sqlstate_of(error), first_line(error)
            channel.send(event="failed", number=number, sqlstate=state, message=message)
        if self.commits is not None and error is None:
            self.commits.after(number, sql, place, thing)
        if probe is not None and error is None:
            yield from probe.after(number, sql, is_over)
        for creation in creations:
            after = None
            if error is None:
                after = labels_in((yield question_of(creation["schema"], creation["name"])))
            channel.send(event="enum", number=number, after=after, **creation)

    def before(self, conn, cursor, statement, parameters, context, executemany):
        if self.muted:
            return
        given = statement
        alone = not parameters and context and context.execution_options.get("no_parameters")
        if conn.dialect.paramstyle in ("format", "pyformat") and not alone:
            statement = as_sent(cursor, statement, parameters)
        session = conn.info.get("migration_harness_session")
        beside = self.connection is not None and raw(conn) not in (None, self.connection)
        steps = self.statement(statement, place_of(sys._getframe(1)), raw(conn), session, beside)
        asking = functools.partial(ask, cursor)
        if self.probe is not None:
            arguments = () if alone or parameters is None else (parameters,)
            method = "executemany" if executemany else "execute"
            asking = Asking(raw(conn), lambda cursor: getattr(cursor, method)(given, *arguments))
        self.running[id(cursor)] = steps, asking
        advance(steps, None, asking)

    def after(self, conn, cursor, statement, parameters, context, executemany):
        self.ended(cursor, None)

    def failed(self, context):
        cursor = getattr(context.execution_context, "cursor", None)
        self.ended(cursor, context.original_exception)

    def ended(self, cursor, error):
        steps, asking = self.running.pop(id(cursor), (None, None))
        if steps is not None:
            advance(steps, error, asking)

    def enum_through(self, create, generator, enum):
        """`ENUM.create`, also where `checkfirst` keeps it from running anything."""
        raw = getattr(generator.connection, "connection", None)
        if self.muted or raw is None or not enum.name:
            with door.theirs():
                return create(generator, enum)
        cursor = raw.cursor()
        creation = {
            "name": str(enum.name),
            "schema": enum.schema and str(enum.schema),
            "labels": [str(label) for label in enum.enums],
            "place": place_of(sys._getframe(1)),
            "how": "checkfirst" if generator.checkfirst else "create",
        }
        question = question_of(creation["schema"], creation["name"])
        creation["before"] = labels_in(answer(cursor, question))
        number, self.in_enum = self.number, True
        after = None
        try:
            with door.theirs():
                create(generator, enum)
            after = labels_in(answer(cursor, question))
        finally:
            self.in_enum = False
            ran = self.number if self.number != number else None
            channel.send(event="enum", number=ran, after=after, **creation)


class Asking:
    """Answers on cursors of its own, so that a statement keeps the rows of its cursor."""

    def __init__(self, connection, run):
        self.connection, self.run = connection, run

    def __call__(self, step):
        if step is COMMITS:
            return commits_itself(self.connection)
        cursor = self.connection.cursor()
        try:
            if step is not TRY:
                return ask(cursor, step)
            return error_of(functools.partial(self.run, cursor))
        finally:
            cursor.close()


def error_of(run):
    try:
        run()
    except Exception as error:
        return error
    return None


def commits_itself(connection):
    """Tells whether a driver's connection commits each statement by itself; None where it does
    not say."""
    if hasattr(connection, "is_in_transaction"):  # asyncpg
        return not connection.is_in_transaction()
    return getattr(connection, "autocommit", None)


def raw(connection):
    """The driver's connection below one of SQLAlchemy's; None where it has none now."""
    try:
        pooled = connection.connection
        return getattr(pooled, "dbapi_connection", None) or pooled.connection
    except Exception:
        return None


def session_of(thing):
    """The server's process behind a connection, or whatever has one; None where its driver
    does not say. Found by what drivers' connections have, since SQLAlchemy wraps some."""
    for name in ("driver_connection", "_connection", "connection", "_adapt_connection"):
        inner = getattr(thing, name, None)
        if inner is not None and inner is not thing:
            return session_of(inner)
    try:
        if hasattr(thing, "get_server_pid"):  # asyncpg
            return thing.get_server_pid()
        if hasattr(thing, "_backend_key_data"):  # pg8000
            return int.from_bytes(thing._backend_key_data[:4], "big")
        if hasattr(thing, "get_backend_pid"):  # psycopg2
            return thing.get_backend_pid()
        return thing.info.backend_pid  # psycopg
    except Exception:
        return None


def as_sent(cursor, statement, parameters):
    """A statement with parameters as the server gets it: `%%` is a `%`. Where it may make an
    enum type, or is several, with the parameters that the client itself puts in, as psycopg2
    does."""
    is_asked = "enum" in statement.lower() or ";" in statement
    if parameters and is_asked and hasattr(cursor, "mogrify"):
        try:
            sent = cursor.mogrify(statement, parameters)
            return sent.decode("utf-8", "replace") if isinstance(sent, bytes) else sent
        except Exception:
            pass  # the driver is about to say what is wrong with it
    return statement.replace("%%", "%")


def ask(cursor, question):
    cursor.execute(question)
    return cursor.fetchall()


def answer(cursor, question):
    """The rows; None where the connection cannot say."""
    try:
        return ask(cursor, question)
    except Exception:
        return None


def advance(steps, value, ask):
    """Answers a statement's questions until it is to run, or is done with."""
    try:
        step = sent(steps, value)
        while step is not RUN:
            try:
                found = ask(step)
            except Exception:
                found = None
            step = sent(steps, found)
    except Exception as error:
        door.blame(error)


async def advance_async(steps, value, ask):
    """The same where a connection answers asynchronously."""
    try:
        step = sent(steps, value)
        while step is not RUN:
            try:
                found = await ask(step)
            except Exception:
                found = None
            step = sent(steps, found)
    except Exception as error:
        door.blame(error)


def sent(steps, value):
    try:
        return steps.send(value)
    except StopIteration:
        return RUN


recorder = Recorder()
