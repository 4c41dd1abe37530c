//! Advice about the error that a downgrade ended with.

use pretty_assertions::assert_eq;

use super::*;

const UNDO: &str = "let downgrade() undo, in reverse, what upgrade() does";
const NOT_THERE: &str =
    "downgrade() names something that is not there: compare it with the name that upgrade() gives";
const THERE: &str = "it is there already: upgrade() did not take it away";
const ROWS: &str = "rows stand in the way: say in downgrade() what becomes of them";
const OF_PYTHON: &str = "mend that line: Python stops there, whatever the database holds";
const NAME: &str = "give the constraint a name, the same in upgrade() and downgrade(), or the metadata a naming_convention";

#[rstest]
#[case::depends(
    "2BP01",
    "drop what depends on it first: downgrade() undoes upgrade() in reverse order"
)]
#[case::no_object("42704", NOT_THERE)]
#[case::no_table("42P01", NOT_THERE)]
#[case::no_column("42703", NOT_THERE)]
#[case::no_function("42883", NOT_THERE)]
#[case::no_schema("3F000", NOT_THERE)]
#[case::table("42P07", THERE)]
#[case::object("42710", THERE)]
#[case::column("42701", THERE)]
#[case::schema("42P06", THERE)]
#[case::foreign_key("23503", ROWS)]
#[case::unique("23505", ROWS)]
#[case::label(
    "55P04",
    "commit the new label before it is used: put ALTER TYPE ... ADD VALUE into `with op.get_context().autocommit_block():`"
)]
#[case::another("XX000", UNDO)]
fn what_to_do_about_postgresqls_error(#[case] sqlstate: &str, #[case] expected: &str) {
    assert_eq!(
        advice(&raising("ProgrammingError", Some(sqlstate), "no")),
        expected
    );
}

#[rstest]
#[case::not_written("NotImplementedError", "", "write the downgrade")]
#[case::attribute("AttributeError", "'NoneType' has no attribute 'name'", OF_PYTHON)]
#[case::name("NameError", "name 'postgresql' is not defined", OF_PYTHON)]
#[case::another_error("ValueError", "no 'downgrade' here", UNDO)]
#[case::no_name("ValueError", "Constraint must have a name", NAME)]
#[case::nameless(
    "CompileError",
    "Can't emit DROP CONSTRAINT for constraint; it has no name",
    NAME
)]
#[case::of_something_else("ValueError", "the school has no name", UNDO)]
#[case::a_constraint("ValueError", "no such constraint", UNDO)]
fn what_to_do_about_pythons_error(
    #[case] class: &str,
    #[case] message: &str,
    #[case] expected: &str,
) {
    assert_eq!(advice(&raising(class, None, message)), expected);
}

#[test]
fn what_to_do_about_a_downgrade_that_did_not_raise() {
    assert_eq!(advice(&transcript("downgrade", "r2")), UNDO);
}
