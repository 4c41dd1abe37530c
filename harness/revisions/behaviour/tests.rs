#![allow(clippy::unwrap_used)]

use pretty_assertions::assert_eq;
use rstest::rstest;

use super::{Difference, difference};

const REVISION: &str = r#""""Orders

Revises: r1
"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa

revision: str = "r2"
down_revision: Union[str, None] = "r1"

TABLE = 'orders'


def upgrade() -> None:
    # The table.
    op.create_table(TABLE, sa.Column("id", sa.Integer(), primary_key=True))
    if True:
        op.execute("UPDATE orders SET a = 1")
    else:
        op.execute("UPDATE orders SET a = 2")


def downgrade() -> None:
    op.drop_table(TABLE)
"#;

fn edited(old: &str, new: &str) -> Option<Difference> {
    assert!(REVISION.contains(old), "{old}");
    let after = REVISION.replace(old, new);
    difference(REVISION.as_bytes(), after.as_bytes(), false)
}

#[rstest]
#[case::docstring("Orders\n", "Orders of customers\n")]
#[case::comment("# The table.", "# The table of orders, see elsewhere.")]
#[case::no_comment("    # The table.\n", "")]
#[case::quotes("'orders'", "\"orders\"")]
#[case::joined("'orders'", "\"ord\" \"ers\"")]
#[case::layout(
    "op.drop_table(TABLE)",
    "op.drop_table(\n        TABLE,  # that one\n    )"
)]
#[case::parentheses("TABLE = 'orders'", "TABLE = (\n    'orders'\n)")]
#[case::annotation("def upgrade() -> None", "def upgrade()")]
#[case::modern_annotation("Union[str, None]", "str | None")]
#[case::no_annotation("revision: str = ", "revision = ")]
#[case::unused_import("from typing import Sequence, Union\n", "")]
#[case::imports_sorted(
    "from alembic import op\nimport sqlalchemy as sa",
    "import sqlalchemy as sa\nfrom alembic import op"
)]
#[case::future("from typing", "from __future__ import annotations\nfrom typing")]
#[case::docstring_of_a_function("    # The table.", "    \"\"\"Makes the table.\"\"\"")]
#[case::pass("    op.drop_table(TABLE)\n", "    pass\n    op.drop_table(TABLE)\n")]
#[case::place("down_revision: Union[str, None] = \"r1\"", "down_revision = \"r0\"")]
#[case::windows("\n", "\r\n")]
fn what_does_the_same_is_no_difference(#[case] old: &str, #[case] new: &str) {
    assert_eq!(edited(old, new), None);
}

#[rstest]
#[case::constant("'orders'", "'order'", 13, false)]
#[case::argument("sa.Integer()", "sa.BigInteger()", 18, false)]
#[case::text("SET a = 1", "SET a = 3", 20, false)]
#[case::condition("if True", "if False", 19, false)]
#[case::branch("SET a = 2", "SET a = 4", 22, false)]
#[case::gone("    op.drop_table(TABLE)", "    pass", 25, true)]
#[case::downgrade("drop_table(TABLE)", "drop_table(TABLE, if_exists=True)", 26, true)]
#[case::default("def upgrade()", "def upgrade(engine=None)", 16, false)]
#[case::decorator("def upgrade()", "@twice\ndef upgrade()", 16, false)]
#[case::project_import(
    "import sqlalchemy as sa",
    "import sqlalchemy as sa\nimport orders.models",
    9,
    false
)]
#[case::other_name("import sqlalchemy as sa", "import orders.types as sa", 8, false)]
#[case::out_of_the_branch("    else:\n        op.execute", "    op.execute", 19, false)]
fn what_does_something_else_is_one(
    #[case] old: &str,
    #[case] new: &str,
    #[case] line: u32,
    #[case] is_downgrade: bool,
) {
    let found = edited(old, new).unwrap();
    assert_eq!(
        (found.line, found.is_downgrade),
        (line, is_downgrade),
        "{found:?}"
    );
}

/// The same words for both, where both do the same.
#[test]
fn a_difference_is_told_in_lines_that_differ() {
    let after = REVISION.replace("'orders'", "\"orders\"").replace(
        "op.drop_table(TABLE)",
        "op.drop_table(\n        TABLE,\n        if_exists=True,\n    )",
    );
    let found = difference(REVISION.as_bytes(), after.as_bytes(), false).unwrap();
    let only = |one: &str, other: &str| -> Vec<String> {
        let lines = one
            .lines()
            .filter(|line| !other.lines().any(|it| it == *line));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(
        only(&found.before, &found.after),
        ["    op.drop_table(TABLE)"]
    );
    assert_eq!(
        only(&found.after, &found.before),
        [
            "    op.drop_table(",
            "        TABLE,",
            "        if_exists=True,",
            "    )"
        ]
    );
}

#[test]
fn the_header_counts_where_only_python_knows_it() {
    let (one, other) = (b"down_revision = a()\n", b"down_revision = b()\n");
    assert_eq!(difference(one, other, false), None);
    assert!(difference(one, other, true).is_some());
}

#[test]
fn what_is_no_python_is_compared_as_text() {
    let found = difference(b"a\n\xff\n", b"a\n\xfe\n", false).unwrap();
    assert_eq!((found.line, found.after.as_str()), (2, "a\n\\xfe\n"));
    let found = difference(b"\xff\n1", b"\xff\n2", false).unwrap();
    assert_eq!(found.line, 2);
}
