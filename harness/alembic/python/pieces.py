"""Creates a table that PostgreSQL refuses piece by piece, and notes the pieces that it
refuses: columns, their defaults, constraints. See `Build`."""


def create_in_pieces(build, create, error):
    """Makes what `create`, a `CreateTable`, would make, as far as it can be made."""
    dialect = build.connection.dialect
    table, compiler = create.element, dialect.ddl_compiler(dialect, None)
    columns = {column.name: specification(column, dialect) for column in table.columns}
    columns = {name: text for name, text in columns.items() if text}
    begin = " ".join(["CREATE", *table._prefixes, "TABLE", dialect.identifier_preparer.format_table(table)])
    begin += compiler.create_table_suffix(table)
    end = compiler.post_create_table(table)

    def say(text):
        return build.try_hard(lambda: in_its_own_words(build, text))

    if say(f"{begin} ({', '.join(columns.values())}) {end}") is not None:
        if say(f"{begin} () {end}") is not None:
            build.absent.add(table)
            build.note("table", table, table.name, f"{begin} {end}", error)
            return
        for name, text in columns.items():
            create_column(build, say, table.columns[name], text)
    for constraint in inline(create, compiler):
        text = compiler.process(constraint)
        refused = say(f"{alter(build, table)} ADD {text}") if text else None
        if refused is not None:
            build.note_constraint(constraint, text, refused)


def create_column(build, say, column, text):
    """One column; without its default where that is what is refused."""
    refused = say(f"{alter(build, column.table)} ADD COLUMN {text}")
    if refused is None:
        return
    kept = {name: getattr(column, name, None) for name in ("server_default", "computed", "identity")}
    try:
        for name in kept:
            setattr(column, name, None)
        plain = specification(column, build.connection.dialect)
    finally:
        for name, value in kept.items():
            setattr(column, name, value)
    if say(f"{alter(build, column.table)} ADD COLUMN {plain}") is not None:
        build.absent.add((column.table, column.name))
    name = build.connection.dialect.identifier_preparer.format_column(column)
    build.note("column", column.table, f"{column.table.name}.{column.name}", text[len(name) :], refused)


def in_its_own_words(build, text):
    """Executes what a compiler wrote, which is escaped for the driver already."""
    build.laying, before = True, build.laying
    try:
        build.connection.exec_driver_sql(text)
    finally:
        build.laying = before


def specification(column, dialect):
    from sqlalchemy.schema import CreateColumn

    return CreateColumn(column).compile(dialect=dialect).string


def alter(build, table):
    return f"ALTER TABLE {build.connection.dialect.identifier_preparer.format_table(table)}"


def inline(create, compiler):
    """The constraints that CREATE TABLE would have in it, keys first."""
    table, foreign = create.element, create.include_foreign_key_constraints
    others = [one for one in table._sorted_constraints if one is not table.primary_key]
    for one in [table.primary_key, *others]:
        rule = getattr(one, "_create_rule", None)
        is_foreign = hasattr(one, "elements")
        left_out = is_foreign and (one.use_alter or foreign is not None and one not in foreign)
        if not left_out and (rule is None or rule(compiler)):
            yield one


def constraint_name(constraint):
    """Its name, or the one that PostgreSQL would give it."""
    if constraint.name:
        return str(constraint.name)
    columns = [column.name for column in constraint.columns]
    kind = type(constraint).__name__
    if kind == "PrimaryKeyConstraint":
        return f"{constraint.table.name}_pkey"
    endings = {"UniqueConstraint": "key", "ForeignKeyConstraint": "fkey", "CheckConstraint": "check"}
    return "_".join([constraint.table.name, *columns, endings.get(kind, "excl")])


def natives(kind, dialect):
    """The types of PostgreSQL with a name of their own behind a column's type."""
    from sqlalchemy.types import TypeDecorator

    kind = getattr(kind, "item_type", kind)
    if not hasattr(kind, "create_type"):
        kind = kind.dialect_impl(dialect)
    if isinstance(kind, TypeDecorator):
        yield from natives(kind.impl, dialect)
    elif hasattr(kind, "create_type") and kind.name:
        yield kind
