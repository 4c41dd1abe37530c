//! The lines that are proposed for a `downgrade()`.

mod errors;
mod renames;

use pretty_assertions::assert_eq;
use rstest::rstest;

use super::{advice, line, made_at};
use crate::alembic::transcript::{Outcome, Transcript};
use crate::criteria::downgrade::changes::was_and_is;
use crate::evidence::catalog::Object;
use crate::evidence::stairway::RoundTrip;
use crate::testing::{change, done, object, place, raised, transcript};

/// A revision that ran these statements.
fn trip(up: &str, down: &str) -> RoundTrip {
    let with = |command: &str, sql: &str, line: u32| {
        let mut transcript = transcript(command, "r2");
        transcript
            .statements
            .push(done(1, Some(place("r2", line)), sql));
        transcript
    };
    RoundTrip {
        revision: "r2".to_owned(),
        up: with("upgrade", up, 10),
        up_after_others: None,
        down: Some(with("downgrade", down, 30)),
        left: Vec::new(),
        again: None,
        lost: Vec::new(),
    }
}

/// The one line for one change, without what every one begins with.
fn proposed(trip: &RoundTrip, before: Option<Object>, after: Option<Object>) -> String {
    let change = change(before, after);
    let line = line(trip, &change, &[&change]).unwrap_or_default();
    line.strip_prefix("in downgrade(): ")
        .unwrap_or(&line)
        .to_owned()
}

fn in_schema(schema: &str, object: Object) -> Object {
    Object {
        schema: Some(schema.to_owned()),
        ..object
    }
}

fn raising(class: &str, sqlstate: Option<&str>, message: &str) -> Transcript {
    let mut down = transcript("downgrade", "r2");
    down.outcome = Outcome::Raised(raised(class, sqlstate, message));
    down
}

#[rstest]
#[case(
    "enum type",
    "status",
    r#"at the end, after the tables: op.execute("DROP TYPE status")"#,
    r#"at the end, after the tables: op.execute("DROP TYPE own.status")"#
)]
#[case(
    "composite type",
    "pair",
    r#"at the end, after the tables: op.execute("DROP TYPE pair")"#,
    r#"at the end, after the tables: op.execute("DROP TYPE own.pair")"#
)]
#[case(
    "domain",
    "points",
    r#"at the end, after the tables: op.execute("DROP DOMAIN points")"#,
    r#"at the end, after the tables: op.execute("DROP DOMAIN own.points")"#
)]
#[case(
    "table",
    "essays",
    r#"op.drop_table("essays")"#,
    r#"op.drop_table("essays", schema="own")"#
)]
#[case(
    "column",
    "essays.title",
    r#"op.drop_column("essays", "title")"#,
    r#"op.drop_column("essays", "title", schema="own")"#
)]
#[case(
    "constraint",
    "essays.key",
    r#"op.drop_constraint("key", "essays")"#,
    r#"op.drop_constraint("key", "essays", schema="own")"#
)]
#[case(
    "index",
    "ix",
    r#"op.drop_index("ix")"#,
    r#"op.drop_index("ix", schema="own")"#
)]
#[case(
    "trigger",
    "essays.Log",
    r#"op.execute('''DROP TRIGGER "Log" ON essays''')"#,
    r#"op.execute('''DROP TRIGGER "Log" ON own.essays''')"#
)]
#[case(
    "policy",
    "essays.own",
    r#"op.execute("DROP POLICY own ON essays")"#,
    r#"op.execute("DROP POLICY own ON own.essays")"#
)]
#[case(
    "schema",
    "own",
    r#"op.execute("DROP SCHEMA own")"#,
    r#"op.execute("DROP SCHEMA own")"#
)]
#[case(
    "function",
    "f(integer)",
    r#"op.execute("DROP FUNCTION f(integer)")"#,
    r#"op.execute("DROP FUNCTION own.f(integer)")"#
)]
#[case(
    "collation",
    "public.german",
    r#"op.execute("DROP COLLATION public.german")"#,
    r#"op.execute("DROP COLLATION public.german")"#
)]
#[case(
    "comment",
    "table public.essays",
    r#"op.execute("COMMENT ON TABLE public.essays IS NULL")"#,
    r#"op.execute("COMMENT ON TABLE public.essays IS NULL")"#
)]
#[case(
    "comment",
    "table column public.essays.id",
    r#"op.execute("COMMENT ON COLUMN public.essays.id IS NULL")"#,
    r#"op.execute("COMMENT ON COLUMN public.essays.id IS NULL")"#
)]
#[case(
    "view",
    "titles",
    r#"op.execute("DROP VIEW titles")"#,
    r#"op.execute("DROP VIEW own.titles")"#
)]
#[case(
    "sequence",
    "Ids",
    r#"op.execute('''DROP SEQUENCE "Ids"''')"#,
    r#"op.execute('''DROP SEQUENCE own."Ids"''')"#
)]
fn what_is_left_is_dropped(
    #[case] kind: &str,
    #[case] name: &str,
    #[case] expected: &str,
    #[case] elsewhere: &str,
) {
    let nothing = trip("SELECT 1", "SELECT 1");
    let left = object(kind, name, "");
    assert_eq!(proposed(&nothing, None, Some(left.clone())), expected);
    assert_eq!(
        proposed(&nothing, None, Some(in_schema("own", left))),
        elsewhere
    );
}

#[rstest]
#[case(
    "index",
    "ix",
    "CREATE INDEX ix\n  ON public.essays USING btree (a)",
    r#"create it again: op.execute("CREATE INDEX ix ON public.essays USING btree (a)")"#
)]
#[case(
    "constraint",
    "essays.key",
    "UNIQUE (title)",
    r#"create it again: op.execute("ALTER TABLE essays ADD CONSTRAINT key UNIQUE (title)")"#
)]
#[case(
    "column",
    "essays.title",
    "text NOT NULL",
    r#"create it again: op.execute("ALTER TABLE essays ADD COLUMN title text NOT NULL")"#
)]
#[case("table", "essays", "", "create table public.essays again, as it was")]
fn what_is_gone_is_made_again(
    #[case] kind: &str,
    #[case] name: &str,
    #[case] definition: &str,
    #[case] expected: &str,
) {
    let nothing = trip("SELECT 1", "SELECT 1");
    assert_eq!(
        proposed(&nothing, Some(object(kind, name, definition)), None),
        expected
    );
}

#[test]
fn what_downgrade_drops_and_is_older_is_left_alone() {
    let dropping = trip("SELECT 1", "ALTER TABLE essays DROP COLUMN title");
    let gone = object("column", "essays.title", "text");
    assert_eq!(
        proposed(&dropping, Some(gone), None),
        "leave column public.essays.title alone, it is older than this revision"
    );
}

#[rstest]
#[case(
    "enum type",
    "status",
    "a, b",
    "a, c, b",
    "PostgreSQL cannot take a label back: make the type again without it and move the columns over"
)]
#[case(
    "enum type",
    "status",
    "a, c, b",
    "a, b, c",
    "give enum type public.status its labels in the order that they had: a, c, b"
)]
#[case(
    "enum type",
    "status",
    "a, b",
    "a, c",
    "make enum type public.status `a, b` again"
)]
#[case(
    "constraint",
    "essays.key",
    "UNIQUE (a)",
    "UNIQUE (b)",
    r#"op.execute("ALTER TABLE essays DROP CONSTRAINT key, ADD CONSTRAINT key UNIQUE (a)")"#
)]
#[case(
    "index",
    "ix",
    "CREATE INDEX ix ON a (b)",
    "CREATE INDEX ix ON a (c)",
    r#"drop index public.ix and create it again: op.execute("CREATE INDEX ix ON a (b)")"#
)]
#[case(
    "view",
    "titles",
    "SELECT 1",
    "SELECT 2",
    "replace view public.titles by what it was"
)]
#[case(
    "function",
    "f()",
    "SELECT 1",
    "SELECT 2",
    "replace function public.f() by what it was"
)]
#[case(
    "column",
    "essays.title",
    "text",
    "integer",
    r#"op.execute("ALTER TABLE essays ALTER COLUMN title TYPE text USING title::text")"#
)]
#[case(
    "column",
    "essays.title",
    "text NOT NULL DEFAULT ''::text",
    "text",
    r#"op.execute("ALTER TABLE essays ALTER COLUMN title SET NOT NULL, ALTER COLUMN title SET DEFAULT ''::text")"#
)]
#[case(
    "column",
    "essays.status",
    "text",
    "status NOT NULL DEFAULT 'a'::status",
    r#"op.execute("ALTER TABLE essays ALTER COLUMN status DROP DEFAULT, ALTER COLUMN status TYPE text USING status::text, ALTER COLUMN status DROP NOT NULL")"#
)]
#[case(
    "column",
    "essays.id",
    "integer NOT NULL GENERATED ALWAYS AS IDENTITY",
    "integer NOT NULL",
    "make column public.essays.id `integer NOT NULL GENERATED ALWAYS AS IDENTITY` again"
)]
#[case(
    "table",
    "essays",
    "",
    "UNLOGGED",
    "take `UNLOGGED` back from table public.essays"
)]
fn what_is_other_is_put_back(
    #[case] kind: &str,
    #[case] name: &str,
    #[case] before: &str,
    #[case] after: &str,
    #[case] expected: &str,
) {
    let nothing = trip("SELECT 1", "SELECT 1");
    let of = |definition: &str| Some(object(kind, name, definition));
    assert_eq!(proposed(&nothing, of(before), of(after)), expected);
}

#[rstest]
#[case::whole("a", "b", "was `a`, is `b`")]
#[case::longer("a", "a\nb", "was nothing, is `b`")]
#[case::shorter("a\nb", "a", "was `b`, is nothing")]
#[case::in_the_middle("a\nb\nc\nd", "a\nx\ny\nc\nd", "was `b`, is `x y`")]
#[case::at_the_start("a\nb", "x\nb", "was `a`, is `x`")]
#[case::twice_the_same("a\na", "a\na\na", "was nothing, is `a`")]
fn only_lines_that_differ_are_shown(#[case] was: &str, #[case] is: &str, #[case] expected: &str) {
    let of = |definition: &str| object("view", "v", definition);
    assert_eq!(
        was_and_is(&of(was), &of(is)),
        format!("view public.v: {expected}")
    );
}

#[test]
fn half_a_statement_is_not_typed() {
    let check = |labels: usize| {
        let labels = vec!["'draft'"; labels].join(", ");
        object(
            "constraint",
            "essays.status",
            &format!("CHECK (status IN ({labels}))"),
        )
    };
    let nothing = trip("SELECT 1", "SELECT 1");
    let typed = proposed(&nothing, Some(check(30)), None);
    assert!(typed.ends_with("'draft'))\")"), "{typed}");
    let described = proposed(&nothing, Some(check(60)), None);
    assert_eq!(
        described,
        "create constraint public.essays.status again, as it was"
    );
}

#[test]
fn a_query_changes_no_column() {
    let mut up = transcript("upgrade", "r2");
    for (number, line, sql) in [
        (1, 10, "SELECT count(*) FROM essays WHERE title IS NULL"),
        (2, 11, "DELETE FROM essays WHERE title IS NULL"),
        (3, 12, "ALTER TABLE essays ALTER COLUMN title SET NOT NULL"),
    ] {
        up.statements
            .push(done(number, Some(place("r2", line)), sql));
    }
    let title = |definition: &str| Some(object("column", "essays.title", definition));
    let changed = change(title("text"), title("text NOT NULL"));
    assert_eq!(made_at(&up, &changed), Some(place("r2", 12)));
}

#[rstest]
#[case::operator_class(
    "operator class",
    "public.by_length USING btree",
    "CREATE OPERATOR CLASS by_length FOR TYPE text USING btree AS OPERATOR 1 <"
)]
#[case::operator_family(
    "operator family",
    "public.by_length USING btree",
    "CREATE OPERATOR FAMILY by_length USING btree"
)]
#[case::quoted(
    "text search dictionary",
    "public.\"My words\"",
    "CREATE TEXT SEARCH DICTIONARY \"My words\" (TEMPLATE = simple)"
)]
#[case::aggregate(
    "aggregate",
    "longest(text)",
    "CREATE AGGREGATE longest (text) (SFUNC = longer, STYPE = text)"
)]
fn the_statement_that_made_an_object_of_a_kind(
    #[case] kind: &str,
    #[case] name: &str,
    #[case] sql: &str,
) {
    let mut up = transcript("upgrade", "r2");
    up.statements.push(done(1, Some(place("r2", 10)), sql));
    let left = change(None, Some(object(kind, name, "")));
    assert_eq!(made_at(&up, &left), Some(place("r2", 10)));
}

#[test]
fn a_long_definition_is_cut() {
    let of = |length: usize| object("view", "v", &"x".repeat(length));
    let whole = format!(
        "view public.v: was `{}`, is `{} ...`",
        "x".repeat(160),
        "x".repeat(160)
    );
    assert_eq!(was_and_is(&of(160), &of(161)), whole);
}

#[rstest]
#[case::of_both(
    "ALTER TABLE works ADD COLUMN title text",
    "ALTER TABLE essays ADD COLUMN title text",
    11
)]
#[case::of_the_name(
    "ALTER TABLE works ADD COLUMN title text",
    "ALTER TABLE essays ADD COLUMN id int",
    10
)]
fn the_statement_that_made_an_object(#[case] first: &str, #[case] second: &str, #[case] line: u32) {
    let mut up = transcript("upgrade", "r2");
    up.statements
        .push(done(1, None, "ALTER TABLE essays ADD COLUMN title text"));
    up.statements.push(done(2, Some(place("r2", 10)), first));
    up.statements.push(done(3, Some(place("r2", 11)), second));
    let left = change(None, Some(object("column", "essays.title", "text")));
    assert_eq!(made_at(&up, &left), Some(place("r2", line)));
}
