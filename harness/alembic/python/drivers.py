"""Statements that a service gives to a driver itself, past SQLAlchemy.

From SQLAlchemy the recorder hears what SQLAlchemy executes. What is left are the cursors
and connections of drivers, whose methods are wrapped as they are imported: a call is a
statement of the service unless it was SQLAlchemy or the harness that made it. So each
statement is recorded once, and Python's frames tell where it comes from.

A driver is a function below that names the methods that take a statement, where its text
is, and how rows are read on the same connection.
"""

import functools
import sys

from migration_harness_probe import COMMITS, SKIP, TRY
from migration_harness_recorder import (
    advance,
    advance_async,
    as_sent,
    commits_itself,
    error_of,
    recorder,
    session_of,
)
from migration_harness_source import place_of

# A driver calls itself: who called it first decides.
DRIVERS = {"psycopg", "psycopg2", "psycopg2cffi", "asyncpg", "pg8000"}


def caller(frame):
    """The innermost frame outside of drivers; None where it is not the service's."""
    while frame is not None:
        package = (frame.f_globals.get("__name__") or "").partition(".")[0]
        if package not in DRIVERS:
            ours = package == "sqlalchemy" or package.startswith("migration_harness_")
            return None if ours else frame
        frame = frame.f_back
    return None


def first(cursor, statement, *_, **__):
    return statement


def recorded(kind, names, ask, text=first, way=None, parameters=None):
    """Has these methods of a class say what they execute. `parameters` finds those that a
    driver puts in place of `%s`."""
    for name in names:
        method = getattr(kind, name, None)
        if method is not None and not hasattr(method, "migration_harness"):
            setattr(kind, name, saying(method, ask, text, way or called, parameters))


def saying(method, ask, text, way, parameters):
    @functools.wraps(method)
    def call(self, *args, **kwargs):
        work = functools.partial(method, self, *args, **kwargs)
        frame = caller(sys._getframe(1))
        if frame is None:
            return work()
        sql = said(text, parameters, self, args, kwargs)
        steps = recorder.statement(sql, place_of(frame), self, session_of(self))
        asking = functools.partial(ask, self)
        if recorder.probe is not None:
            repeatable = not any(hasattr(one, "__next__") for one in (*args, *kwargs.values()))
            asking = PROBING.get(way, untried)(asking, self, work if repeatable else None)
        return way(work, steps, asking)

    call.migration_harness = True
    return call


def given(cursor, statement, parameters=None, *_, vars=None, params=None, **__):
    """The parameters of a call; None where there are none, and a `%` is a `%`."""
    return next((one for one in (parameters, vars, params) if one is not None), None)


def said(text, parameters, self, args, kwargs):
    """The text of a statement: SQL, bytes, or what a driver composes of parts."""
    try:
        sql = text(self, *args, **kwargs)
        if hasattr(sql, "as_string"):
            sql = sql.as_string(self)
        sql = sql.decode("utf-8", "replace") if isinstance(sql, bytes) else str(sql)
        found = parameters and parameters(self, *args, **kwargs)
        return sql if found is None else as_sent(self, sql, found)
    except Exception:
        return "(a statement that its driver alone can read)"


# --- ways in which a probe is answered ---------------------------------------------


def untried(ask, thing, work):
    """A statement that is not tried first."""
    return lambda step: None if step is COMMITS else ask(step)


def tried(ask, thing, work):
    def answer(step):
        if step is COMMITS:
            return commits_itself(getattr(thing, "connection", thing))
        if step is not TRY:
            return ask(step)
        return SKIP if work is None else error_of(work)

    return answer


def tried_async(ask, thing, work):
    async def answer(step):
        if step is COMMITS:
            inner = getattr(thing, "connection", None) or getattr(thing, "_connection", thing)
            return commits_itself(inner)
        if step is not TRY:
            return await ask(step)
        if work is None:
            return SKIP
        try:
            await work()
        except Exception as error:
            return error
        return None

    return answer


# --- ways in which a method runs a statement -------------------------------------


def called(work, steps, ask):
    advance(steps, None, ask)
    try:
        value = work()
    except BaseException as error:
        advance(steps, error, ask)
        raise
    advance(steps, None, ask)
    return value


async def awaited(work, steps, ask):
    await advance_async(steps, None, ask)
    try:
        value = await work()
    except BaseException as error:
        await advance_async(steps, error, ask)
        raise
    await advance_async(steps, None, ask)
    return value


async def awaited_if_it_fails(work, steps, ask):
    """Prepares a statement: what executes it says so itself."""
    try:
        return await work()
    except BaseException as error:
        await advance_async(steps, None, ask)
        await advance_async(steps, error, ask)
        raise


def iterated(work, steps, ask):
    advance(steps, None, ask)
    try:
        yield from work()
    except GeneratorExit:
        advance(steps, None, ask)  # nobody wants more rows
        raise
    except BaseException as error:
        advance(steps, error, ask)
        raise
    advance(steps, None, ask)


async def iterated_async(work, steps, ask):
    await advance_async(steps, None, ask)
    try:
        async for row in work():
            yield row
    except GeneratorExit:
        await advance_async(steps, None, ask)
        raise
    except BaseException as error:
        await advance_async(steps, error, ask)
        raise
    await advance_async(steps, None, ask)


class Entered:
    """A statement that goes on while a context is entered, as psycopg's COPY does."""

    def __init__(self, work, steps, ask):
        self.inner, self.steps, self.ask = work(), steps, ask

    def __enter__(self):
        advance(self.steps, None, self.ask)
        try:
            return self.inner.__enter__()
        except BaseException as error:
            advance(self.steps, error, self.ask)
            raise

    def __exit__(self, kind, error, trace):
        try:
            value = self.inner.__exit__(kind, error, trace)
        except BaseException as late:
            advance(self.steps, late, self.ask)
            raise
        advance(self.steps, error, self.ask)
        return value

    async def __aenter__(self):
        await advance_async(self.steps, None, self.ask)
        try:
            return await self.inner.__aenter__()
        except BaseException as error:
            await advance_async(self.steps, error, self.ask)
            raise

    async def __aexit__(self, kind, error, trace):
        try:
            value = await self.inner.__aexit__(kind, error, trace)
        except BaseException as late:
            await advance_async(self.steps, late, self.ask)
            raise
        await advance_async(self.steps, error, self.ask)
        return value


PROBING = {called: tried, awaited: tried_async}


# --- drivers ---------------------------------------------------------------------


def rows(cursor, question):
    try:
        cursor.execute(question)
        return cursor.fetchall()
    finally:
        cursor.close()


def copy_of(direction):
    return lambda cursor, file, table, *_, **__: f"COPY {table} {direction}"


def procedure(cursor, name, *_, **__):
    return f"SELECT * FROM {name}(...)"


def record_like_psycopg2(kind, ask):
    """The part that psycopg2 and psycopg2cffi have alike."""
    recorded(kind, ("execute", "executemany"), ask, parameters=given)
    recorded(kind, ("copy_expert",), ask)
    recorded(kind, ("callproc",), ask, procedure)
    recorded(kind, ("copy_from",), ask, copy_of("FROM STDIN"))
    recorded(kind, ("copy_to",), ask, copy_of("TO STDOUT"))


def psycopg2(module):
    """Its classes are C's and cannot be changed, so connections make cursors of ours."""
    import psycopg2.extensions as plain

    def ask(cursor, question):
        return rows(cursor.connection.cursor(cursor_factory=plain.cursor), question)

    @functools.lru_cache(maxsize=None)
    def cursors(kind):
        ours = alike(kind)
        record_like_psycopg2(ours, ask)
        return ours

    @functools.lru_cache(maxsize=None)
    def connections(kind):
        def cursor(self, name=None, cursor_factory=None, **kwargs):
            factory = cursor_factory or self.cursor_factory or plain.cursor
            ours = cursors(factory) if isinstance(factory, type) else factory
            return kind.cursor(self, name, cursor_factory=ours, **kwargs)

        ours = alike(kind)
        ours.cursor = cursor
        return ours

    connect = module._connect

    @functools.wraps(connect)
    def _connect(dsn, connection_factory=None, **kwargs):
        factory = connection_factory or plain.connection
        ours = connections(factory) if isinstance(factory, type) else factory
        return connect(dsn, connection_factory=ours, **kwargs)

    module._connect = _connect


def alike(kind):
    """A class that looks like the one it is made of."""
    looks = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
    return type(kind.__name__, (kind,), looks)


def psycopg2cffi(module):
    from psycopg2cffi._impl.cursor import Cursor

    def ask(cursor, question):
        return rows(cursor.connection.cursor(cursor_factory=Cursor), question)

    record_like_psycopg2(Cursor, ask)


def psycopg(module):
    from psycopg.rows import tuple_row

    def ask(cursor, question):
        return rows(cursor.connection.cursor(row_factory=tuple_row), question)

    async def ask_async(cursor, question):
        async with cursor.connection.cursor(row_factory=tuple_row) as asking:
            await asking.execute(question)
            return await asking.fetchall()

    for kind in (module.Cursor, module.ServerCursor):
        recorded(kind, ("execute", "executemany"), ask, parameters=given)
        recorded(kind, ("stream",), ask, way=iterated, parameters=given)
        recorded(kind, ("copy",), ask, way=Entered, parameters=given)
    for kind in (module.AsyncCursor, module.AsyncServerCursor):
        recorded(kind, ("execute", "executemany"), ask_async, way=awaited, parameters=given)
        recorded(kind, ("stream",), ask_async, way=iterated_async, parameters=given)
        recorded(kind, ("copy",), ask_async, way=Entered, parameters=given)


def asyncpg(module):
    from asyncpg.cursor import BaseCursor
    from asyncpg.prepared_stmt import PreparedStatement

    async def ask(connection, question):
        return await connection.fetch(question)

    async def ask_connection(thing, question):
        return await thing._connection.fetch(question)

    def of_itself(thing, *_, **__):
        return thing._query

    def out_of(connection, source, *_, **__):
        return f"COPY ({source}) TO STDOUT" if " " in source else f"COPY {source} TO STDOUT"

    def into(connection, table_name, *_, **__):
        return f"COPY {table_name} FROM STDIN"

    direct = ("execute", "executemany", "fetch", "fetchmany", "fetchrow", "fetchval")
    connection = module.connection.Connection
    recorded(connection, direct, ask, way=awaited)
    recorded(connection, ("copy_from_table", "copy_from_query"), ask, out_of, awaited)
    recorded(connection, ("copy_to_table", "copy_records_to_table"), ask, into, awaited)
    recorded(connection, ("prepare",), ask, way=awaited_if_it_fails)
    recorded(PreparedStatement, direct[1:], ask_connection, of_itself, awaited)
    recorded(BaseCursor, ("_bind", "_bind_exec"), ask_connection, of_itself, awaited)


def pg8000_cursors(module):
    def ask(cursor, question):
        return rows(cursor.connection.cursor(), question)

    def arguments(cursor, statement, arguments=(), *_, **__):
        return arguments  # a `%` is written twice even where there are none

    recorded(module.Cursor, ("execute", "executemany"), ask, parameters=arguments)
    recorded(module.Cursor, ("callproc",), ask, procedure)


def pg8000_native(module):
    recorded(module.Connection, ("run",), lambda connection, question: connection.run(question))


def adapted(*names, parameters=None):
    """SQLAlchemy's own cursors over a driver that is asynchronous."""

    def record(module):
        def ask(cursor, question):
            return rows(cursor._adapt_connection.cursor(), question)

        for name in names:
            if hasattr(module, name):
                methods = ("execute", "executemany")
                recorded(getattr(module, name), methods, ask, parameters=parameters)

    return record


def fitting(record):
    """Leaves alone what has a driver's name and is none, or a version that is made otherwise."""

    def after(module):
        try:
            record(module)
        except (ImportError, AttributeError):
            pass

    return after


DIALECTS = "sqlalchemy.dialects.postgresql."
# The patch for each module, applied once it was imported.
STATEMENTS = {
    "psycopg2": psycopg2,
    "psycopg2cffi": psycopg2cffi,
    "psycopg": psycopg,
    "asyncpg": asyncpg,
    "pg8000.dbapi": pg8000_cursors,
    "pg8000.legacy": pg8000_cursors,
    "pg8000.native": pg8000_native,
    DIALECTS + "asyncpg": adapted("AsyncAdapt_asyncpg_cursor", "AsyncAdapt_asyncpg_ss_cursor"),
    DIALECTS + "psycopg": adapted(
        "AsyncAdapt_psycopg_cursor", "AsyncAdapt_psycopg_ss_cursor", parameters=given
    ),
}
