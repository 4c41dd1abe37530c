"""Migration steps for enum types that PostgreSQL has no single statement for."""

from collections.abc import Sequence
from typing import NamedTuple

from alembic import op


class EnumColumn(NamedTuple):
    """A column of an enum type, with the label it defaults to."""

    table: str
    name: str
    default: str | None = None


def restore_enum_labels(
    type_name: str, labels: Sequence[str], columns: Sequence[EnumColumn]
) -> None:
    """Take an enum type back to `labels`, for a downgrade of ADD VALUE.

    PostgreSQL cannot drop a label, so the type is built anew and every column
    that uses it is cast over. Rows must hold none of the removed labels.
    """
    retired = f"{type_name}_retired"
    label_list = ", ".join(f"'{label}'" for label in labels)
    op.execute(f"ALTER TYPE {type_name} RENAME TO {retired}")
    op.execute(f"CREATE TYPE {type_name} AS ENUM ({label_list})")
    for column in columns:
        alter = f"ALTER TABLE {column.table} ALTER COLUMN {column.name}"
        if column.default is not None:
            op.execute(f"{alter} DROP DEFAULT")
        op.execute(f"{alter} TYPE {type_name} USING {column.name}::text::{type_name}")
        if column.default is not None:
            op.execute(f"{alter} SET DEFAULT '{column.default}'")
    op.execute(f"DROP TYPE {retired}")
