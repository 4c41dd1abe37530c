#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use pretty_assertions::assert_eq;
use rstest::rstest;

use super::{Creation, Source};
use crate::patch::{Edit, edited};

fn source(text: &str) -> Source {
    Source::parse(Path::new("a.py"), text.as_bytes()).unwrap()
}

fn after(text: &str, edits: Option<Vec<Edit>>) -> String {
    let edits = edits.unwrap_or_default();
    String::from_utf8(edited(text.as_bytes(), &edits).unwrap()).unwrap()
}

#[rstest]
#[case::a_string(
    "revision = 'b'\ndown_revision = 'a' # why\n",
    "revision = 'b'\ndown_revision = 'x' # why\n"
)]
#[case::line_ends(
    "revision = \"b\"\r\ndown_revision = None\r\n",
    "revision = \"b\"\r\ndown_revision = \"x\"\r\n"
)]
#[case::annotated(
    "revision: str = \"b\"\ndown_revision: str | None = \"a\"\n",
    "revision: str = \"b\"\ndown_revision: str | None = \"x\"\n"
)]
#[case::several(
    "revision = \"b\"\ndown_revision = (\"a\", \"c\")\n",
    "revision = \"b\"\ndown_revision = \"x\"\n"
)]
#[case::docstring(
    "\u{feff}\"\"\"M.\n\nRevision ID: b\nRevises: a\nCreate Date: 1\n\"\"\"\nrevision = 'b'\ndown_revision = 'a'\n",
    "\u{feff}\"\"\"M.\n\nRevision ID: b\nRevises: x\nCreate Date: 1\n\"\"\"\nrevision = 'b'\ndown_revision = 'x'\n"
)]
#[case::computed(
    "revision = 'b'\ndown_revision = before()\n",
    "revision = 'b'\ndown_revision = before()\n"
)]
fn parents_are_written_in_the_files_own_style(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(
        after(text, source(text).with_parents(&["x".to_owned()])),
        expected
    );
}

#[test]
fn several_parents_are_a_tuple() {
    let text = "revision = 'b'\ndown_revision = 'a'\n";
    let parents = ["x".to_owned(), "y".to_owned()];
    let expected = "revision = 'b'\ndown_revision = ('x', 'y')\n";
    assert_eq!(after(text, source(text).with_parents(&parents)), expected);
}

#[test]
fn an_id_is_changed_in_the_docstring_too() {
    let text = "\"\"\"M.\n\nRevision ID: b\n\"\"\"\nrevision = 'b'\ndown_revision = 'a'\n";
    assert_eq!(
        after(text, source(text).with_id("c")),
        text.replace("'b'", "'c'").replace(": b", ": c")
    );
}

const REVISION: &str = "\
import sqlalchemy as sa
from alembic import op

revision = \"b\"
down_revision = \"a\"


def upgrade():
    op.create_table(
        \"essays\",
        sa.Column(\"status\", sa.Enum(\"draft\", name=\"status\"), nullable=False),  # why
    )
    op.execute(\"ALTER TYPE status ADD VALUE 'final'\")


def downgrade():
    # first the type
    op.execute(\"DROP TYPE status\")
    op.drop_table(\"essays\")
";

#[test]
fn a_column_leaves_its_type_to_others() {
    let Some(Creation::Column(edits)) = source(REVISION).without_creation("status", 9..=12, false)
    else {
        panic!("no column")
    };
    let expected = REVISION
        .replace(
            "sa.Enum(\"draft\", name=\"status\")",
            "postgresql.ENUM(\"draft\", name=\"status\", create_type=False)",
        )
        .replace(
            "import op\n",
            "import op\nfrom sqlalchemy.dialects import postgresql\n",
        );
    assert_eq!(after(REVISION, Some(edits)), expected);
    assert_eq!(
        source(REVISION).without_creation("other", 9..=12, false),
        None
    );
}

#[rstest]
#[case::alembics_own_order(
    "from alembic import op\nimport sqlalchemy as sa\n",
    "from alembic import op\nimport sqlalchemy as sa\n+"
)]
#[case::sorted(
    "import sqlalchemy as sa\nfrom alembic import op\nfrom sqlmodel import x\n\nfrom app import y\n",
    "import sqlalchemy as sa\nfrom alembic import op\n+from sqlmodel import x\n\nfrom app import y\n"
)]
#[case::in_a_block_of_its_own(
    "import sqlalchemy as sa\n\nfrom alembic import op\n",
    "import sqlalchemy as sa\n+\nfrom alembic import op\n"
)]
fn an_import_stands_where_sorted_ones_do(#[case] imports: &str, #[case] expected: &str) {
    let text = format!("{imports}x = sa.Enum(\"a\", name=\"t\")\n");
    let Some(Creation::Column(edits)) = source(&text).without_creation("t", 90..=90, false) else {
        panic!("no column")
    };
    let line = "from sqlalchemy.dialects import postgresql\n";
    let after = after(&text, Some(edits));
    assert_eq!(
        after.split("x = ").next(),
        Some(&*expected.replace('+', line))
    );
}

#[test]
fn a_call_that_creates_a_type_is_taken_out() {
    let text = "from sqlalchemy.dialects.postgresql import ENUM\n\n\ndef upgrade():\n    status = ENUM(\"a\", name=\"status\")\n    status.create(op.get_bind())\n";
    let Some(Creation::Call(edits)) = source(text).without_creation("status", 6..=6, false) else {
        panic!("no call")
    };
    let expected = text.replace("    status.create(op.get_bind())\n", "");
    assert_eq!(after(text, Some(edits)), expected);
    let other = source(text).without_creation("status", 6..=6, true);
    let Some(Creation::Call(edits)) = other else {
        panic!("no call")
    };
    let everywhere = expected.replace("\"status\")", "\"status\", create_type=False)");
    assert_eq!(after(text, Some(edits)), everywhere);
    let column = source(text).without_creation("status", 9..=9, false);
    let Some(Creation::Column(edits)) = column else {
        panic!("no column")
    };
    let expected = text.replace("\"status\")", "\"status\", create_type=False)");
    assert_eq!(after(text, Some(edits)), expected);
}

#[test]
fn statements_are_moved_and_added() {
    let moved = source(REVISION).moved_to_end(18, "downgrade");
    let expected = REVISION.replace(
        "    op.execute(\"DROP TYPE status\")\n    op.drop_table(\"essays\")\n",
        "    op.drop_table(\"essays\")\n    op.execute(\"DROP TYPE status\")\n",
    );
    assert_eq!(after(REVISION, moved), expected);
    let lines = [
        "op.drop_index(\"i\")".to_owned(),
        "op.execute(\"x\")".to_owned(),
    ];
    let added = source(REVISION).with_lines("downgrade", &lines);
    let expected = format!("{REVISION}    op.drop_index(\"i\")\n    op.execute(\"x\")\n");
    assert_eq!(after(REVISION, added), expected);
    let empty = "def downgrade():\r\n    pass\r\n";
    let added = source(empty).with_lines("downgrade", &lines);
    let expected = "def downgrade():\r\n    op.drop_index(\"i\")\r\n    op.execute(\"x\")\r\n";
    assert_eq!(after(empty, added), expected);
    assert_eq!(
        source("def downgrade(): pass\n").with_lines("downgrade", &lines),
        None
    );
}

#[test]
fn a_statement_gets_a_block_of_its_own() {
    let block = "with op.get_context().autocommit_block():";
    let edits = source(REVISION).within(13, block);
    let statement = "    op.execute(\"ALTER TYPE";
    let expected = REVISION.replace(
        statement,
        &format!("    {block}\n        op.execute(\"ALTER TYPE"),
    );
    assert_eq!(after(REVISION, edits), expected);
}

#[test]
fn the_only_statement_of_a_block_becomes_pass() {
    let text = "def downgrade():\n    op.execute(\n        \"x\"\n    )  # why\n";
    let expected = "def downgrade():\n    pass  # why\n";
    assert_eq!(after(text, source(text).without_statement(3)), expected);
    let two = "def downgrade():\n    a(); b()\n";
    assert_eq!(source(two).without_statement(2), None);
}
