"""The objects that env.py lets autogenerate see: `include_name` and `include_object`."""

import re


class Filters:
    """The filters that env.py configured, asked as autogenerate asks them."""

    def __init__(self, metadata, options, default_schema):
        self.metadata, self.options, self.default_schema = metadata, options, default_schema

    def is_visible(self, kind, schema, table, name, in_models, in_database, definition, columns):
        """Asks `include_name` and `include_object` as autogenerate does: `reflected` is
        what only the database has, `compare_to` the other side's object, if there is one.
        """
        place = None if schema == self.default_schema else schema
        described = self.table(place, schema, table)
        if described is None and place and not self.options.get("include_schemas"):
            return False
        parents = {
            "schema_name": place,
            "table_name": table,
            "schema_qualified_table_name": f"{place}.{table}" if place else table,
        }
        whole = described is None if kind != "table" else not in_models
        try:
            reflected = self.as_reflected(place, table, kind, name, definition, columns)
            asked = [(described, reflected[0], "table", table, whole, kind != "table" or in_database)]
            if kind != "table":
                own = member(described, kind, name) if in_models else None
                asked.append((own, reflected[1], kind, name, not in_models, in_database))
            return self.is_schema_included(place) and all(
                self.is_included(parents, *one) for one in asked
            )
        except Exception:
            return True  # a filter that cannot cope with what it is shown hides nothing

    def is_schema_included(self, place):
        include_name = self.options.get("include_name")
        return not include_name or include_name(place, "schema", {})

    def is_included(self, parents, described, reflected, kind, name, only_reflected, in_database):
        include_name = self.options.get("include_name")
        include_object = self.options.get("include_object")
        if kind == "table":  # its own name is none of its parents'
            parents = {key: value for key, value in parents.items() if key != "table_name"}
        if in_database and include_name and not include_name(name, kind, parents):
            return False
        shown = reflected if only_reflected or described is None else described
        other = reflected if in_database and not only_reflected else None
        return not include_object or include_object(shown, name, kind, only_reflected, other)

    def as_reflected(self, schema, table, kind, name, definition, columns):
        """A table as the database has it, and an object of it."""
        from sqlalchemy import Column, MetaData, Table

        whole = Table(table, MetaData(), schema=schema)
        for column, text in columns:
            whole.append_column(Column(column, type_of(text), nullable=" NOT NULL" not in text))
        if kind == "column":
            if name not in whole.c:
                whole.append_column(Column(name, type_of(definition)))
            return whole, whole.c[name]
        if kind == "index":
            return whole, index_of(whole, name, definition)
        if kind == "foreign_key_constraint":
            return whole, foreign_key_of(whole, name, definition, self.default_schema)
        return whole, unique_of(whole, name, definition) if kind == "unique_constraint" else None

    def table(self, place, schema, table):
        """The models' table of that name; in the default schema it may be qualified."""
        for metadata in self.metadata:
            for key in (f"{schema}.{table}",) if place else (table, f"{schema}.{table}"):
                if key in metadata.tables:
                    return metadata.tables[key]
        return None


NAME = r'"(?:[^"]|"")+"|[^\s",()]+'


def names(text):
    """The identifiers of `a, "b c"`."""
    found = re.findall(NAME, text)
    return [name[1:-1].replace('""', '"') if name[0] == '"' else name for name in found]


def type_of(text):
    """A column's type, as near as its name and length come to it."""
    from sqlalchemy.dialects.postgresql.base import ischema_names
    from sqlalchemy.types import NullType

    text = re.split(r" NOT NULL| DEFAULT | GENERATED | COLLATE ", text)[0]
    known = ischema_names.get(re.sub(r"\(.*?\)|\[\]", "", text).split(".")[-1], NullType)
    length = re.search(r"\((\d+)\)", text)
    try:
        return known(int(length.group(1))) if length else known()
    except TypeError:
        return known()


def index_of(whole, name, definition):
    """An index, of the columns that its keys name."""
    from sqlalchemy import Index, text

    keys = re.search(r" USING \w+ \((.*?)\)(?: INCLUDE | WHERE | NULLS | WITH |$)", definition)
    keys = keys.group(1) if keys else ""
    columns = [whole.c[one] for one in names(keys) if one in whole.c]
    return Index(name, *(columns or [text(keys)]), unique=" UNIQUE " in definition, _table=whole)


def unique_of(whole, name, definition):
    from sqlalchemy import UniqueConstraint

    inner = definition.partition("(")[2].partition(")")[0]
    unique = UniqueConstraint(*(one for one in names(inner) if one in whole.c), name=name)
    whole.append_constraint(unique)
    return unique


def foreign_key_of(whole, name, definition, default_schema):
    """A foreign key, with as much of the table that it references as it names."""
    from sqlalchemy import Column, ForeignKeyConstraint, Table
    from sqlalchemy.types import NullType

    found = re.match(r"FOREIGN KEY \((.*?)\) REFERENCES (.*?)\((.*?)\)", definition)
    own, target, others = found.groups() if found else ("", "", "")
    place = re.findall(r'"(?:[^"]|"")+"|[^".]+', target)
    schema, table = [names(one)[0] for one in place] if len(place) == 2 else (None, target)
    schema = None if schema == default_schema else schema
    if (schema, table) != (whole.schema, whole.name):
        columns = [Column(one, NullType()) for one in names(others)]
        Table(table, whole.metadata, *columns, schema=schema)
    prefix = f"{schema}.{table}" if schema else table
    key = ForeignKeyConstraint(names(own), [f"{prefix}.{one}" for one in names(others)], name=name)
    whole.append_constraint(key)
    return key


def member(table, kind, name):
    """A column, an index or a constraint of a model's table."""
    if table is None:
        return None
    if kind == "column":
        return table.columns.get(name)
    among = table.indexes if kind == "index" else table.constraints
    return next((one for one in among if one.name == name), None)
