"""Enum types that a statement creates, and the labels that one has."""

import re


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def question_of(schema, name):
    """A SELECT for the labels that an enum type has now; it reads only the catalog."""
    where = (
        f"n.nspname = {quoted(schema)}" if schema else "pg_catalog.pg_type_is_visible(t.oid)"
    )
    return (
        "SELECT e.enumlabel FROM pg_catalog.pg_type t"
        " JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace"
        " LEFT JOIN pg_catalog.pg_enum e ON e.enumtypid = t.oid"
        f" WHERE t.typtype = 'e' AND t.typname = {quoted(name)} AND {where}"
        " ORDER BY e.enumsortorder"
    )


def labels_in(rows):
    """The labels in its rows; None where there is no such type, or nobody could look."""
    return [row[0] for row in rows if row[0] is not None] if rows else None


COMMENT = re.compile(r"('(?:[^']|'')*')|(\"[^\"]*\")|--[^\n]*|/\*.*?\*/", re.S)
NAME = r'(?:"(?:[^"]|"")+"|[A-Za-z_][\w$]*)'
CREATE_ENUM = re.compile(
    rf"\bcreate\s+type\s+(?:({NAME})\s*\.\s*)?({NAME})\s+as\s+enum\s*"
    r"\(\s*((?:'(?:[^']|'')*'\s*,?\s*)*)\)",
    re.I,
)
LABEL = re.compile(r"'((?:[^']|'')*)'")


def unquoted(name):
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()


def created_enums(statement):
    """(schema or None, name, labels) of each CREATE TYPE ... AS ENUM in a statement,
    also inside a DO block and inside a string that the block executes."""
    if "enum" not in statement.lower():
        return []
    text = COMMENT.sub(lambda m: m.group(1) or m.group(2) or " ", statement)
    found = CREATE_ENUM.findall(text) or CREATE_ENUM.findall(text.replace("''", "'"))
    return [
        (
            unquoted(schema) if schema else None,
            unquoted(name),
            [label.replace("''", "'") for label in LABEL.findall(labels)],
        )
        for schema, name, labels in found
    ]
