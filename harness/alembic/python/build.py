"""Builds the models of a service in an empty database: `Build`.

Each statement of `create_all` is tried by itself, so that what PostgreSQL refuses costs
what it would have made, and the rest is compared. What models lean on and cannot say
(schemas, domains, functions) is laid when a statement is refused for its absence and not
before: models may bring it themselves, by events of their own.
"""

import re

from migration_harness_door import door
from migration_harness_pieces import constraint_name, create_in_pieces, natives
from migration_harness_recorder import recorder
from migration_harness_source import sqlstate_of
from migration_harness_unwritten import leaving_out

# https://www.postgresql.org/docs/current/errcodes-appendix.html: undefined object, function,
# table (which a sequence is), column and schema; the same, and a cursor's, that are there.
MISSING = {"42704", "42883", "42P01", "42703", "3F000"}
THERE = {"42710", "42723", "42P07", "42P06"}
DEFINES = re.compile(r"\s*(CREATE|ALTER|COMMENT|DROP|GRANT)\b", re.I)
# An index that is built beside the traffic of others is an index.
CONCURRENTLY = re.compile(r"(\s*CREATE\s+(?:UNIQUE\s+)?INDEX\s+)CONCURRENTLY\s", re.I)
# What tables, indexes and types of the same name are is another's lack, not there already.
OWN = {"CreateTable", "CreateIndex", "AddConstraint", "CreateEnumType", "CreateDomainType"}


class Build:
    """One `create_all`. `foundation` is what the migrated database has of what models lean
    on; `describe` makes data of an exception; `schema` is where tables without one go."""

    def __init__(self, connection, metadata, foundation, describe, schema):
        self.connection, self.metadata = connection, metadata
        self.foundation, self.describe = foundation, describe
        self.tables = [table for one in metadata for table in one.tables.values()]
        self.default = schema or "public"
        self.laid = self.laying = False
        self.refused = []
        self.absent = set()  # tables, and (table, column), that could not be made

    def run(self):
        from sqlalchemy import event

        listener = door.ours(self.execute)
        event.listen(self.connection.engine, "do_execute", listener)
        try:
            with leaving_out(self.connection.dialect, self.leave_out), door.theirs():
                for metadata in self.metadata:
                    metadata.create_all(bind=self.connection)
        finally:
            event.remove(self.connection.engine, "do_execute", listener)
        return self.refused

    def execute(self, cursor, statement, parameters, context):
        """In the place of the driver's `execute`; None leaves it to the driver."""
        if self.laying or not (getattr(context, "isddl", False) or DEFINES.match(statement)):
            return None
        element = getattr(getattr(context, "compiled", None), "statement", None)
        if table_of(element) in self.absent or not statement:
            return True
        text = CONCURRENTLY.sub(r"\1", statement)
        error = self.try_hard(lambda: context.dialect.do_execute(cursor, text, parameters, context))
        if error is None or self.is_there(element, error):
            return True
        if not self.refuse(element, text, error):
            with door.theirs():
                raise error
        return True

    def try_hard(self, run):
        """Tries it, and once more on what models lean on, if that may be what it lacks."""
        error = self.attempt(run)
        if error is not None and not self.laid and sqlstate_of(error) in MISSING:
            self.lay()
            error = self.attempt(run)
        return error

    def attempt(self, run):
        """Runs something that is taken back by itself where it fails; returns the error.
        Where each statement is committed, it is all there is to take back."""
        from sqlalchemy.exc import DBAPIError

        errors = (DBAPIError, self.connection.dialect.dbapi.Error)
        point = self.command("SAVEPOINT migration_harness", errors)
        try:
            run()
        except errors as error:
            if point:
                self.command("ROLLBACK TO SAVEPOINT migration_harness", errors)
            return error
        if point:
            self.command("RELEASE SAVEPOINT migration_harness", errors)
        return None

    def command(self, text, errors):
        """Tells whether a command about the transaction was possible: 25P01, there is none."""
        cursor = self.connection.connection.cursor()
        try:
            cursor.execute(text)
            return True
        except errors:
            return False
        finally:
            cursor.close()

    def is_there(self, element, error):
        """Tells whether models ask for what was laid: it is what they wanted."""
        return self.laid and type(element).__name__ not in OWN and sqlstate_of(error) in THERE

    # --- what models lean on ---

    def lay(self):
        """Lays what the migrated database has of it, in whatever order that goes; what
        cannot be laid speaks of tables, so no model leans on it. Types that models describe
        are made as they describe them."""
        self.laid = self.laying = recorder.muted = True
        try:
            self.attempt(lambda: self.say("SET check_function_bodies = off"))
            pending = self.pending()
            while pending:
                errors = [(one, self.attempt(one[1])) for one in pending]
                left = [(one, error) for one, error in errors if error is not None]
                if len(left) == len(pending):
                    break
                pending = [one for one, _ in left]
            else:
                return
            for (kind, _), error in left:
                if kind is not None:
                    self.note_type(kind, f"CREATE TYPE {kind.name}", error)
        finally:
            self.laying = recorder.muted = False

    def pending(self):
        """(type of the models or None, what makes it) of all that is to be laid."""
        types = {}
        for table in self.tables:
            for column in table.columns:
                with door.theirs():  # a type may be of the service's making
                    found = list(natives(column.type, self.connection.dialect))
                types.update(((kind.schema or self.default, kind.name), kind) for kind in found)
        entries = [
            (None, self.saying(f"CREATE SCHEMA IF NOT EXISTS {self.quoted(schema)}"))
            for schema in sorted({table.schema for table in self.tables if table.schema})
        ]
        for one in self.foundation:
            if one["kind"] != "type" or (one["schema"], one["name"]) not in types:
                entries.append((None, self.saying(one["statement"])))
        for kind in types.values():
            if kind.create_type is False:
                entries.append((kind, lambda kind=kind: kind.create(self.connection, checkfirst=True)))
        return entries

    def quoted(self, name):
        return self.connection.dialect.identifier_preparer.quote_identifier(name)

    def saying(self, statement):
        return lambda: self.say(statement)

    def say(self, statement):
        doubled = self.connection.dialect.paramstyle in ("pyformat", "format")
        self.connection.exec_driver_sql(statement.replace("%", "%%") if doubled else statement)

    # --- what PostgreSQL refuses ---

    def refuse(self, element, statement, error):
        """Notes what is not made; False for what only whoever issued it understands."""
        from sqlalchemy.schema import DDLElement

        made = type(element).__name__
        if made == "CreateTable":
            create_in_pieces(self, element, error)
        elif made == "CreateIndex":
            index = element.element
            self.note("index", index.table, index.name, statement, error, columns_of(index))
        elif made == "AddConstraint":
            self.note_constraint(element.element, statement, error)
        elif made in ("CreateEnumType", "CreateDomainType"):
            self.note_type(element.element, statement, error)
        elif isinstance(element, DDLElement):
            self.note("statement", None, "", statement, error)
        else:
            return False
        return True

    def leave_out(self, element, error):
        """Notes what SQLAlchemy can make no SQL of; raises what is not known to be left out.
        Returns what is written in its place: nothing, or an empty statement."""
        made, part = type(element).__name__, None
        if made == "CreateColumn":
            column = element.element
            if (column.table, column.name) not in self.absent:
                self.absent.add((column.table, column.name))
                self.note("column", column.table, f"{column.table.name}.{column.name}", "", error)
        elif hasattr(element, "_create_rule"):
            self.note_constraint(element, "", error)
        elif made in ("CreateEnumType", "CreateDomainType") and not element.element.name:
            part = ""  # the column of that type says so
        elif made != "CreateTable" and self.refuse(element, "", error):
            part = ""
        else:
            with door.theirs():
                raise error
        return part

    def note_constraint(self, constraint, statement, error):
        named = constraint_name(constraint)
        columns = columns_of(constraint)
        for element in getattr(constraint, "elements", ()):
            columns += [(element.column.table, element.column.name), element.column.table]
        text = re.sub(r'^\s*(ALTER TABLE \S+ ADD )?(CONSTRAINT ("[^"]*"|\S+) )?', "", statement)
        self.note("constraint", constraint.table, f"{constraint.table.name}.{named}", text, error, columns)

    def note_type(self, kind, statement, error):
        what = "domain" if type(kind).__name__ == "DOMAIN" else "enum type"
        self.note(what, None, kind.name, statement, error, schema=kind.schema)

    def note(self, kind, table, name, statement, error, needs=(), schema=None):
        """`needs` are columns, and tables, without which it cannot be."""
        schema = table.schema if table is not None else schema
        self.refused.append(
            {
                "kind": kind,
                "schema": schema or self.default,
                "name": str(name),
                "statement": " ".join(statement.split()),
                "error": self.describe(error),
                "follows": any(one in self.absent for one in needs),
            }
        )


def table_of(element):
    """The table of an index, a constraint or a comment."""
    about = getattr(element, "element", None)
    return about if hasattr(about, "primary_key") and not hasattr(about, "table") else getattr(about, "table", None)


def columns_of(thing):
    return [(thing.table, column.name) for column in thing.columns]
