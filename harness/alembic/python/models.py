"""The database that the models of a service describe: builds it, and says where its parts come from."""

from migration_harness_build import Build
from migration_harness_door import door
from migration_harness_filters import Filters
from migration_harness_places import mapped


class Models:
    """The metadata that env.py hands to Alembic, and what it lets autogenerate see.

    `describe` makes data of an exception; `own` tells the service's files from others.
    """

    def __init__(self, describe, own):
        self.describe, self.own = describe, own
        self.metadata, self.options, self.refused = [], {}, []
        self.mistaken = []  # what env.py hands over and is no metadata
        self.default_schema = None

    def build(self, context, foundation, schema):
        self.options = context.opts
        found = context.opts.get("target_metadata")
        if found is not None:
            given = list(found) if isinstance(found, (list, tuple)) else [found]
            self.metadata = [one for one in given if is_metadata(one)]
            self.mistaken = [mistaken(one) for one in given if not is_metadata(one)]
        with door.theirs(), context.begin_transaction(_per_migration=True):
            self.default_schema = enter(context.connection, schema)
            build = Build(
                context.connection, self.metadata, foundation, self.describe, self.default_schema
            )
            self.refused = door.ours(build.run)()

    def said(self):
        tables = {table.fullname for one in self.metadata for table in one.tables.values()}
        return {
            "metadata": bool(self.metadata),
            "mistaken": self.mistaken,
            "named": [name for one in self.metadata for name in named(one)],
            "sources": self.places(),
            "tables": sorted(tables),
            "refused": self.refused,
            "default_schema": self.default_schema,
            "merged": [keys for one in self.metadata for keys in merged(one)],
        }

    def places(self):
        """The class behind each table. What fails here costs the places, nothing else."""
        try:
            return dict(place for one in self.metadata for place in mapped(one, self.own))
        except Exception:
            return {}

    def filters(self):
        return Filters(self.metadata, self.options, self.default_schema)


def enter(connection, schema):
    """Brings the connection into the schema that it is in at head, and returns that: a
    revision may have made the schema, or set the database's search_path."""
    current = "SELECT pg_catalog.current_schema()"
    if schema:
        name = '"' + schema.replace('"', '""') + '"'
        connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {name}")
        if connection.exec_driver_sql(current).scalar() != schema:
            path = connection.exec_driver_sql("SHOW search_path").scalar()
            connection.exec_driver_sql(f"SET search_path TO {name}, {path}")
    return connection.exec_driver_sql(current).scalar()


def is_metadata(thing):
    try:
        return hasattr(thing, "tables") and hasattr(thing, "create_all")
    except Exception:
        return False


def mistaken(thing):
    """A thing in words, and the metadata that it holds, as one would write it."""
    is_class = issubclass(type(thing), type)
    name = thing.__name__ if is_class else type(thing).__name__
    holds = is_metadata(getattr(thing, "metadata", None))
    return {
        "what": f"the class {name}" if is_class else f"an instance of {name}",
        "instead": f"{name}.metadata" if is_class and holds else None,
    }


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


def merged(metadata):
    """Columns that have several keys, primary or unique: `CREATE TABLE` makes them one."""
    from sqlalchemy import PrimaryKeyConstraint, UniqueConstraint

    for table in metadata.tables.values():
        keys = [
            [column.name for column in one.columns]
            for one in table.constraints
            if isinstance(one, (PrimaryKeyConstraint, UniqueConstraint))
        ]
        for columns in keys:
            if keys.count(columns) > 1:
                yield {"schema": table.schema, "table": table.name, "columns": columns}
