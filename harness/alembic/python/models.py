"""What the models of a service describe: builds it, and says where it comes from."""

from migration_harness_build import Build
from migration_harness_door import door
from migration_harness_places import mapped


class Models:
    """The metadata that env.py hands to Alembic, and what it lets autogenerate see.

    `describe` makes data of an exception; `own` tells the service's files from others.
    """

    def __init__(self, describe, own):
        self.describe, self.own = describe, own
        self.metadata, self.options, self.refused = [], {}, []

    def build(self, context, foundation):
        self.options = context.opts
        found = context.opts.get("target_metadata")
        if found is not None:
            self.metadata = list(found) if isinstance(found, (list, tuple)) else [found]
        with door.theirs(), context.begin_transaction(_per_migration=True):
            build = Build(context.connection, self.metadata, foundation, self.describe)
            self.refused = door.ours(build.run)()

    def said(self):
        tables = {table.fullname for one in self.metadata for table in one.tables.values()}
        return {
            "metadata": bool(self.metadata),
            "named": [name for one in self.metadata for name in named(one)],
            "sources": self.places(),
            "tables": sorted(tables),
            "refused": self.refused,
        }

    def places(self):
        """The class behind each table. What fails here costs the places, nothing else."""
        try:
            return dict(place for one in self.metadata for place in mapped(one, self.own))
        except Exception:
            return {}

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
