"""Work of a service with its tables: `Running` makes its statements, and tries them.

A statement that is tried leaves nothing: it is taken back, whatever became of it.
"""

import os
import sys

from migration_harness_door import door
from migration_harness_models import is_metadata
from migration_harness_places import mapped
from migration_harness_recorder import recorder
from migration_harness_source import first_line, sqlstate_of

POINT = "migration_harness_running"
ROWS = 3  # so many rows are fetched


class Running:
    """The statements of the models that env.py names. They are made once, of the rows that
    are there then, and tried as often as that is asked for."""

    def __init__(self, own, given):
        self.own = own
        self.given = given
        self.metadata = []
        self.statements = None
        self.connection = None
        self.settings = None

    def run(self, context, is_last):
        found = context.opts.get("target_metadata")
        given = list(found) if isinstance(found, (list, tuple)) else [found]
        self.metadata = [one for one in given if found is not None and is_metadata(one)]
        self.connection = context.connection
        recorder.muted = True
        try:
            if self.statements is None:
                self.statements = [*self.made(), *map(of_the_team, self.given)]
                self.settings = self.settings_of(self.connection)
            results = self.results()
            mixed = list(self.mixed()) if is_last else []
        finally:
            recorder.muted = False
        return {
            "metadata": bool(self.metadata),
            "results": results,
            "mixed": mixed,
            "sources": self.places(),
        }

    def again(self):
        """The same on a further connection of env.py's engine, as env.py left that one: while a
        deployment is under way, another env.py would wait for what keeps it from running twice."""
        engine, options, settings = self.settings
        said = {}

        def run():
            with door.theirs(), engine.connect() as connection:
                self.connection = connection.execution_options(**options)
                recorder.muted = True
                try:
                    for setting, value in settings.items():
                        question = f"SELECT pg_catalog.set_config({quoted(setting)}, {quoted(value)}, false)"
                        self.executed(question)
                    said["results"] = self.results()
                finally:
                    recorder.muted = False
                    connection.rollback()
            engine.dispose()

        if getattr(engine.dialect, "is_async", False):
            import asyncio

            from sqlalchemy.util.concurrency import greenlet_spawn

            asyncio.run(greenlet_spawn(run))
        else:
            run()
        return said

    def settings_of(self, connection):
        """The settings that make a further connection like this one."""
        settings = {}
        for setting in ("search_path", "role"):
            question = f"SELECT pg_catalog.current_setting({quoted(setting)})"
            settings[setting] = self.executed(question)[0][0]
        return connection.engine, dict(connection.get_execution_options()), settings

    def results(self):
        return [{**self.tried(one), "number": number} for number, one in enumerate(self.statements)]

    def places(self):
        try:
            return dict(place for one in self.metadata for place in mapped(one, self.own))
        except Exception:
            return {}

    def tried(self, one):
        statement = one["statement"]
        if isinstance(statement, str):
            error = self.attempt(lambda: self.executed(statement))
        else:
            error = self.attempt(lambda: fetched(self.connection.execute(statement)))
        return self.said(one, error)

    def said(self, one, error):
        said = {key: value for key, value in one.items() if key != "statement"}
        if error is None:
            return {**said, "error": None}
        return {
            **said,
            "error": {
                "state": sqlstate_of(error),
                "type": type(error).__name__,
                "message": first_line(by_driver(error)),
            },
        }

    def attempt(self, run):
        """Runs something and takes it back; returns the exception it ended with."""
        point = self.command(f"SAVEPOINT {POINT}")
        if not point:  # where each statement is committed
            self.command("BEGIN")
        error = None
        try:
            with door.theirs():  # types may be of the service's making
                run()
        except Exception as raised:
            error = raised
        if point:
            self.command(f"ROLLBACK TO SAVEPOINT {POINT}")
            self.command(f"RELEASE SAVEPOINT {POINT}")
        else:
            self.command("ROLLBACK")
        return error

    def command(self, text):
        """Tells whether a command about the transaction was possible."""
        try:
            self.executed(text)
            return True
        except Exception:
            return False

    def executed(self, text):
        """The rows of a statement that the driver gets as it is."""
        cursor = self.connection.connection.cursor()
        try:
            cursor.execute(text)
            return cursor.fetchall() if cursor.description else []
        finally:
            cursor.close()

    # --- rows of the next release ---

    def mixed(self):
        """Reads rows with labels that the database has by now and the models do not know."""
        from sqlalchemy import Enum, select

        for table in (table for one in self.metadata for table in one.tables.values()):
            name = self.connection.dialect.identifier_preparer.format_table(table)
            for column in table.columns:
                if not isinstance(column.type, Enum) or not column.type.native_enum:
                    continue
                try:  # SQLAlchemy 1.4 and later
                    statement = select(column)
                except Exception:
                    statement = select([column])
                for label in self.labels(name, column):
                    error = self.attempt(lambda: self.read_with(name, column, label, statement))
                    if error is not None and not sqlstate_of(error):
                        one = {
                            "table": table.fullname,
                            "kind": "select",
                            "detail": f"label {label}",
                            "columns": [column.name],
                            "target": [],
                            "sql": " ".join(str(statement).split()),
                        }
                        yield self.said(one, error)

    def labels(self, table, column):
        """The labels of a column's type that its model does not know."""
        found = []
        question = (
            "SELECT e.enumlabel FROM pg_catalog.pg_enum e JOIN pg_catalog.pg_attribute a"
            f" ON a.atttypid = e.enumtypid WHERE a.attrelid = pg_catalog.to_regclass({quoted(table)})"
            f" AND a.attname = {quoted(column.name)} ORDER BY e.enumsortorder"
        )
        self.attempt(lambda: found.extend(row[0] for row in self.executed(question)))
        return [label for label in found if label not in column.type.enums]

    def read_with(self, table, column, label, statement):
        name = self.connection.dialect.identifier_preparer.quote(column.name)
        self.executed(f"UPDATE {table} SET {name} = {quoted(label)}")
        fetched(self.connection.execute(statement))

    # --- the statements ---

    def made(self):
        """Every statement that SQLAlchemy can make SQL of."""
        tables = [table for one in self.metadata for table in one.tables.values()]
        referred = {key.column.table for table in tables for key in keys_of(table)}
        for table in tables:
            for kind, detail, columns, statement, *target in self.of_table(table, table not in referred):
                try:
                    with door.theirs():
                        sql = str(statement.compile(dialect=self.connection.dialect))
                except Exception:
                    continue  # what has no SQL is never sent
                yield {
                    "table": table.fullname,
                    "kind": kind,
                    "detail": detail,
                    "columns": columns,
                    "target": target[0] if target else [],
                    "statement": statement,
                    "sql": " ".join(sql.split()),
                }

    def of_table(self, table, is_leaf):
        from sqlalchemy import delete, select, update

        columns = list(table.columns)
        names = [column.name for column in columns]
        try:  # SQLAlchemy 1.4 and later
            everything = select(*columns)
        except Exception:
            everything = select(columns)
        yield "select", "", names, everything.limit(ROWS)
        row = self.row_of(table, everything)
        if row is None:
            return
        yield from inserts(table, row)
        key = [column for column in columns if column.primary_key]
        if not key or any(row[column.name] is None for column in key):
            return

        def where(statement):
            for column in key:
                statement = statement.where(column == row[column.name])
            return statement

        for column in columns:
            if column.primary_key or column.computed is not None:
                continue
            for detail, value in values(column, row[column.name]):
                statement = where(update(table)).values({column: value})
                yield "update", detail, [column.name], statement
        if is_leaf:
            yield "delete", "", [], where(delete(table))

    def row_of(self, table, everything):
        """One row as the models read it, by column."""
        found = []

        def run():
            result = self.connection.execute(everything.limit(1))
            found.extend(tuple(row) for row in result.fetchall())

        if self.attempt(run) is not None or not found:
            return None
        return dict(zip((column.name for column in table.columns), found[0]))


def quoted(text):
    escaped = text.replace("'", "''")
    return f"'{escaped}'"


def of_the_team(one):
    """A statement that the team gives."""
    empty = {"kind": "given", "detail": "", "columns": [], "target": []}
    return {**empty, **one, "statement": one["sql"]}


def by_driver(error):
    """The exception of the driver: SQLAlchemy's adapter of an asynchronous one adds its class."""
    raised = getattr(error, "orig", None) or error
    cause = raised.__cause__
    return cause if cause is not None and sqlstate_of(cause) else raised


def fetched(result):
    if result.returns_rows:
        result.fetchall()


def keys_of(table):
    """The foreign keys of a table that lead somewhere."""
    for key in table.foreign_keys:
        try:
            key.column
        except Exception:
            continue
        yield key


def inserts(table, row):
    from sqlalchemy.dialects.postgresql import insert

    given = [column for column in table.columns if column.computed is None and not is_always(column)]
    everything = {column.name: row[column.name] for column in given}
    yield "insert", "", list(everything), insert(table).values(everything)
    needed = {column.name: row[column.name] for column in given if is_needed(column)}
    if needed:
        yield "insert", "needed", list(needed), insert(table).values(needed)
    nulls = {column.name: None for column in given if column.nullable and is_needed(column, True)}
    if nulls:
        yield "insert", "null", list(nulls), insert(table).values({**needed, **nulls})
    for columns in uniques(table):
        statement = insert(table).values(everything).on_conflict_do_nothing(index_elements=columns)
        yield "upsert", "", list(everything), statement, [column.name for column in columns]


def is_always(column):
    return bool(column.identity is not None and column.identity.always)


def is_needed(column, is_null=False):
    """Tells whether an object that sets no more than it has to sets this column."""
    # Of a composite key none is counted, unless it says so.
    is_counted = column is column.table._autoincrement_column
    has_default = column.default is not None or column.server_default is not None
    if is_counted or has_default or column.identity is not None:
        return False
    return column.nullable is is_null


def uniques(table):
    """The columns of each key that the models name."""
    from sqlalchemy import PrimaryKeyConstraint, UniqueConstraint

    for one in table.constraints:
        if isinstance(one, (PrimaryKeyConstraint, UniqueConstraint)) and len(one.columns):
            yield list(one.columns)
    for index in table.indexes:
        partial = index.dialect_options["postgresql"]["where"]
        if index.unique and partial is None and len(index.columns) == len(index.expressions):
            yield list(index.columns)


def values(column, present):
    """(what it is, value) of what the model lets the column be."""
    from sqlalchemy import Enum, String

    yield "", present
    if column.nullable and column.server_default is None and column.default is None:
        yield "null", None
    kind = column.type
    if type(kind).__module__.startswith("sqlmodel."):
        kind = getattr(kind, "impl", kind)  # its AutoString decorates a String
    if isinstance(kind, Enum):
        for label in kind.enums:
            value = kind._object_lookup.get(label, label) if kind.enum_class else label
            yield f"label {label}", value
    elif type(kind).__module__.startswith("sqlalchemy.") and isinstance(kind, String) and kind.length:
        yield f"{kind.length} characters", "x" * kind.length


def mapped_to(now, then):
    """Lets what is imported from below the directory `now` come from `then`, where that has it:
    entries of sys.path, and the finders of what was installed in place."""

    def moved(path):
        if not isinstance(path, str) or not (path == now or path.startswith(now + os.sep)):
            return path
        other = then + path[len(now) :]
        return other if os.path.exists(other) else path

    sys.path[:] = [moved(path) for path in sys.path]
    for finder in sys.meta_path:
        module = sys.modules.get(getattr(finder, "__module__", None))
        if module is None or not module.__name__.startswith("__editable__"):
            continue
        for name, path in list(getattr(module, "MAPPING", {}).items()):
            module.MAPPING[name] = moved(path)
        for name, paths in list(getattr(module, "NAMESPACES", {}).items()):
            module.NAMESPACES[name] = [moved(path) for path in paths]
    sys.path_importer_cache.clear()
