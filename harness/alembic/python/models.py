"""What the models of a service describe: builds it, and says where it comes from."""

import os
import re
import sys
from contextlib import nullcontext


class Models:
    """The metadata that env.py hands to Alembic, and what it lets autogenerate see.

    `describe` makes data of an exception; `own` tells the service's files from others.
    """

    def __init__(self, describe, own):
        self.describe, self.own = describe, own
        self.metadata, self.options, self.refused = [], {}, []

    def build(self, context, extensions, functions):
        self.options = context.opts
        found = context.opts.get("target_metadata")
        if found is not None:
            self.metadata = list(found) if isinstance(found, (list, tuple)) else [found]
        with context.begin_transaction(_per_migration=True):
            self.refused = create_models(
                context.connection, self.metadata, extensions, functions, self.describe
            )

    def said(self):
        tables = {table.fullname for one in self.metadata for table in one.tables.values()}
        return {
            "metadata": bool(self.metadata),
            "named": [name for one in self.metadata for name in named(one)],
            "sources": dict(place for one in self.metadata for place in mapped(one, self.own)),
            "tables": sorted(tables),
            "refused": self.refused,
        }

    def is_visible(self, kind, schema, table, name, in_models, in_database):
        """Asks `include_name` and `include_object` as autogenerate does: `reflected` is
        what only the database has, `compare_to` the other side's object, if there is one.
        """
        default = schema == "public"
        described = self.table(schema, table)
        if described is None and not default and not self.options.get("include_schemas"):
            return False
        parents = {
            "schema_name": None if default else schema,
            "table_name": table,
            "schema_qualified_table_name": table if default else f"{schema}.{table}",
        }
        reflected = as_reflected(schema, table, kind, name)
        whole = described is None if kind != "table" else not in_models
        asked = [(described, reflected[0], "table", table, whole, kind != "table" or in_database)]
        if kind != "table":
            own = member(described, kind, name) if in_models else None
            asked.append((own, reflected[1], kind, name, not in_models, in_database))
        try:
            return all(self.is_included(parents, *one) for one in asked)
        except Exception:
            return True  # a filter that cannot cope with what it is shown hides nothing

    def is_included(self, parents, described, reflected, kind, name, only_reflected, in_database):
        include_name = self.options.get("include_name")
        include_object = self.options.get("include_object")
        if in_database and include_name and not include_name(name, kind, parents):
            return False
        shown = reflected if only_reflected or described is None else described
        other = reflected if in_database and not only_reflected else None
        return not include_object or include_object(shown, name, kind, only_reflected, other)

    def table(self, schema, table):
        """The models' table of that name."""
        for metadata in self.metadata:
            for key in (f"{schema}.{table}", table) if schema == "public" else (f"{schema}.{table}",):
                if key in metadata.tables:
                    return metadata.tables[key]
        return None


def create_models(connection, metadata, extensions, functions, describe):
    """`create_all`, on top of what models rely on and cannot describe: extensions,
    functions, schemas, and types whose creation is left to the migrations. Returns the
    indexes that PostgreSQL refuses."""
    from sqlalchemy.exc import DBAPIError

    def quote(name):
        return '"' + name.replace('"', '""') + '"'

    for name in extensions:
        connection.exec_driver_sql(f"CREATE EXTENSION IF NOT EXISTS {quote(name)} CASCADE")
    tables = [table for one in metadata for table in one.tables.values()]
    for schema in sorted({table.schema for table in tables if table.schema}):
        connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}")
    connection.exec_driver_sql("SET LOCAL check_function_bodies = off")
    doubled = connection.dialect.paramstyle in ("pyformat", "format")
    for definition in functions:
        try:
            with savepoint(connection):
                connection.exec_driver_sql(
                    definition.replace("%", "%%") if doubled else definition
                )
        except DBAPIError:
            continue  # it speaks of a table that is not there yet, so no default needs it
    for table in tables:
        for column in table.columns:
            kind = getattr(column.type, "item_type", column.type)
            if getattr(kind, "create_type", True) is False:
                kind.create(connection, checkfirst=True)
    return [refused for one in metadata for refused in create_all(connection, one, describe)]


def create_all(connection, metadata, describe):
    """`create_all`; where an index is refused, once more without those that are. Where
    each statement is committed there is no going back, so it raises then."""
    from sqlalchemy.exc import DBAPIError

    attempt = savepoint(connection)
    try:
        with attempt:
            metadata.create_all(bind=connection)
        return []
    except DBAPIError as error:
        if isinstance(attempt, nullcontext) or not is_index(error):
            raise
    with Indexes(connection, describe) as indexes:
        metadata.create_all(bind=connection)
    return indexes.refused


def savepoint(connection):
    """What can be taken back by itself, where a transaction is open."""
    from sqlalchemy.exc import DBAPIError

    try:
        return connection.begin_nested()
    except DBAPIError:  # 25P01, no active transaction: the engine commits each statement
        return nullcontext()


def is_index(error):
    return re.match(r"\s*CREATE (UNIQUE )?INDEX ", error.statement or "") is not None


class Indexes:
    """While it is entered, an index that PostgreSQL refuses is left out and noted."""

    def __init__(self, connection, describe):
        self.connection, self.describe, self.refused = connection, describe, []

    def __enter__(self):
        from sqlalchemy.sql.ddl import SchemaGenerator

        self.generator, self.create = SchemaGenerator, SchemaGenerator.visit_index
        SchemaGenerator.visit_index = lambda *words, **named: self.attempt(*words, **named)
        return self

    def __exit__(self, *raised):
        self.generator.visit_index = self.create

    def attempt(self, generator, index, *words, **named):
        from sqlalchemy.exc import DBAPIError

        try:
            with savepoint(self.connection):
                self.create(generator, index, *words, **named)
        except DBAPIError as error:
            self.refused.append(
                {
                    "schema": index.table.schema or "public",
                    "name": index.name,
                    "statement": " ".join(error.statement.split()),
                    "error": self.describe(error),
                }
            )


def as_reflected(schema, table, kind, name):
    """A table as the database has it, and an object of it, as far as a name tells."""
    from sqlalchemy import Column, Index, MetaData, Table, UniqueConstraint
    from sqlalchemy.types import NullType

    whole = Table(table, MetaData(), schema=None if schema == "public" else schema)
    column = Column(name if kind == "column" else "id", NullType())
    whole.append_column(column)
    if kind == "column":
        return whole, column
    if kind == "index":
        return whole, Index(name, column)
    return whole, UniqueConstraint(column, name=name) if kind != "table" else None


def member(table, kind, name):
    """A column, an index or a constraint of a model's table."""
    if table is None:
        return None
    if kind == "column":
        return table.columns.get(name)
    among = table.indexes if kind == "index" else table.constraints
    return next((one for one in among if one.name == name), None)


def named(metadata):
    """Names of constraints and indexes that the models give, by hand or by convention."""
    from sqlalchemy.sql.elements import conv
    from sqlalchemy.sql.schema import DEFAULT_NAMING_CONVENTION

    by_default = metadata.naming_convention == DEFAULT_NAMING_CONVENTION
    for table in metadata.tables.values():
        for thing in (*table.constraints, *table.indexes):
            name = thing.name
            if isinstance(name, str) and not (by_default and isinstance(name, conv)):
                yield f"{table.name}.{name}"


def mapped(metadata, own):
    """(table, place of the class that is mapped to it), as far as classes are found."""
    import inspect

    tables = {id(table): table.fullname for table in metadata.tables.values()}
    for module in list(sys.modules.values()):
        name = getattr(module, "__file__", None)
        if not name or not own(name):
            continue
        for value in list(vars(module).values()):
            key = tables.get(id(getattr(value, "__table__", None)))
            if isinstance(value, type) and key and value.__module__ == module.__name__:
                try:
                    lines, line = inspect.getsourcelines(value)
                except (OSError, TypeError):
                    lines, line = [], 1
                yield key, {"file": os.path.normpath(name), "line": line, "columns": attributes(lines, line)}


def attributes(lines, first):
    """Lines of a class at which an attribute is assigned or annotated, by its name."""
    found = {}
    for offset, text in enumerate(lines):
        match = re.match(r"\s+(\w+)\s*[:=]", text)
        if match:
            found.setdefault(match.group(1), first + offset)
    return found
