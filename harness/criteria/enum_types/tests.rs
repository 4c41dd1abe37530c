//! Tests of what counts as a second creation of a type, and of its findings.

use pretty_assertions::assert_eq;
use rstest::rstest;

use super::CRITERION;
use crate::alembic::transcript::{EnumCreation, EnumSource, Outcome, Place, Statement, Transcript};
use crate::testing::{
    done, evidence, found, migrated, place, raised, refused, stepped, transcript,
};

fn labels(list: &str) -> Vec<String> {
    list.split_whitespace().map(str::to_owned).collect()
}

/// `status` is asked for with some labels; it had others, or was not there.
fn creation(
    revision: &str,
    asked: &str,
    before: Option<&str>,
    after: Option<&str>,
) -> EnumCreation {
    EnumCreation {
        name: "status".to_owned(),
        schema: None,
        labels: labels(asked),
        before: before.map(labels),
        after: after.map(labels),
        place: Some(place(revision, 5)),
        how: EnumSource::Sql,
        number: Some(if revision == "r1" { 1 } else { 2 }),
    }
}

fn first() -> EnumCreation {
    creation("r1", "a", None, Some("a"))
}

const CREATE: &str = "CREATE TYPE status AS ENUM ('a')";

fn exists(number: u64, place: Option<Place>, sql: &str) -> Statement {
    let message =
        "<class 'asyncpg.exceptions.DuplicateObjectError'>: type \"status\" already exists";
    refused(number, place, sql, "42710", message)
}

/// `upgrade head` with these attempts and statements.
fn enum_transcript(enums: Vec<EnumCreation>, statements: Vec<Statement>) -> Transcript {
    let mut transcript = transcript("upgrade head", "r1 r2");
    if statements
        .iter()
        .any(|one| crate::criteria::duplicate_creation::refusal(one).is_some())
    {
        transcript.outcome = Outcome::Raised(raised("ProgrammingError", Some("42710"), "exists"));
    }
    transcript.enums = enums;
    transcript.statements.extend(statements);
    transcript
}

fn of(transcript: Transcript) -> String {
    let mut evidence = evidence();
    migrated(&mut evidence).upgrade = transcript;
    found(&CRITERION, &evidence)
}

#[rstest]
#[case::by_sqlalchemy(EnumSource::Create, r#"type "status" is created twice
-> r2.py:5 of r2: created again here, by SQLAlchemy (revision r2)
-> r1.py:5 of r1: first created here (revision r1)
= postgresql: 42710 type "status" already exists
? the type exists already: a column says postgresql.ENUM(..., name="status", create_type=False), and a create() of its own is not needed"#)]
#[case::by_a_statement(
    EnumSource::Sql,
    r#"type "status" is created twice
-> r2.py:5 of r2: created again here (revision r2)
-> r1.py:5 of r1: first created here (revision r1)
= postgresql: 42710 type "status" already exists
? remove the second CREATE TYPE status; the first one is enough"#
)]
fn a_type_that_exists_is_created(#[case] how: EnumSource, #[case] expected: &str) {
    let again = EnumCreation {
        how,
        ..creation("r2", "a", Some("a"), None)
    };
    let statements = vec![
        done(1, Some(place("r1", 5)), CREATE),
        exists(2, Some(place("r2", 5)), CREATE),
    ];
    assert_eq!(
        of(enum_transcript(vec![first(), again], statements)),
        expected
    );
}

#[test]
fn a_type_is_created_with_other_labels() {
    let again = creation("r2", "a b", Some("a"), None);
    let statements = vec![exists(2, Some(place("r2", 5)), CREATE)];
    assert_eq!(
        of(enum_transcript(vec![first(), again], statements)),
        r#"type "status" is created twice
-> r2.py:5 of r2: created again here (revision r2)
-> r1.py:5 of r1: first created here (revision r1)
- a
- b
+ a
= postgresql: 42710 type "status" already exists
= this revision asks for ('a', 'b'); the type has ('a')
? remove the second CREATE TYPE status
? where a label is new, add it in a revision of its own: ALTER TYPE status ADD VALUE '...'"#
    );
}

#[test]
fn a_guard_hides_other_labels() {
    let again = EnumCreation {
        how: EnumSource::Checkfirst,
        number: None,
        ..creation("r2", "a b", Some("a"), Some("a"))
    };
    assert_eq!(
        of(enum_transcript(vec![first(), again], Vec::new())),
        r#"type "status" is created again with other labels, and a guard hides it
-> r2.py:5 of r2: created again here, with checkfirst=True (revision r2)
-> r1.py:5 of r1: first created here (revision r1)
- a
- b
+ a
= this revision asks for ('a', 'b'); the type has ('a')
? drop the guarded creation; where a label is new, add it in a revision of its own: ALTER TYPE status ADD VALUE '...'
? where it may stay for a while: in services/a.toml, [enum_types.accepted] "status" = "<reason>""#
    );
}

#[rstest]
#[case::the_labels_it_has("a", Some("a"), Some("a"), false)]
#[case::others("a b", Some("a"), Some("a"), true)]
#[case::others_that_it_has_then("b", Some("a"), Some("b"), false)]
#[case::nobody_could_look_afterwards("b", Some("a"), None, false)]
#[case::those_it_had_but_not_any_more("a", Some("a"), Some("b"), false)]
#[case::it_was_gone("b", None, Some("c"), false)]
fn a_guarded_creation(
    #[case] asked: &str,
    #[case] before: Option<&str>,
    #[case] after: Option<&str>,
    #[case] red: bool,
) {
    let told = of(enum_transcript(
        vec![first(), creation("r2", asked, before, after)],
        Vec::new(),
    ));
    assert_eq!(told != "pass", red, "{told}");
}

#[test]
fn only_stepping_shows_it() {
    let again = creation("r2", "a", Some("a"), None);
    let mut evidence = evidence();
    let twice = enum_transcript(
        vec![first(), again],
        vec![exists(2, Some(place("r2", 5)), CREATE)],
    );
    stepped(&mut evidence).upgrade = twice.clone();
    assert_eq!(
        found(&CRITERION, &evidence),
        r#"type "status" is created twice
-> r2.py:5 of r2: created again here (revision r2)
-> r1.py:5 of r1: first created here (revision r1)
= postgresql: 42710 type "status" already exists
= `upgrade head` on an empty database hides it, because one Alembic context remembers the types it created; a database that was deployed before this revision fails
? remove the second CREATE TYPE status; the first one is enough"#
    );
    migrated(&mut evidence).upgrade = twice;
    let told = found(&CRITERION, &evidence);
    assert_eq!(told.matches("is created twice").count(), 1, "{told}");
}

#[test]
fn each_type_and_each_place_is_a_finding() {
    let other = |creation: EnumCreation| EnumCreation {
        name: "kind".to_owned(),
        ..creation
    };
    let again = |revision: &str| EnumCreation {
        number: None,
        ..creation(revision, "b", Some("a"), Some("a"))
    };
    let enums = vec![
        first(),
        other(first()),
        again("r2"),
        other(again("r2")),
        again("r2"),
        again("r3"),
    ];
    let told = of(enum_transcript(enums, Vec::new()));
    let titles: Vec<&str> = told
        .lines()
        .filter(|line| line.starts_with("type "))
        .collect();
    let of = |name: &str| {
        format!("type \"{name}\" is created again with other labels, and a guard hides it")
    };
    assert_eq!(titles, [of("status"), of("kind"), of("status")]);
}

#[rstest]
#[case::its_own(Some("here"), Some("here"), "r1.py:5")]
#[case::that_of_another(Some("there"), Some("here"), "r0.py:5")]
#[case::one_is_not_named(None, Some("here"), "r1.py:5")]
#[case::the_other_is_not_named(Some("here"), None, "r1.py:5")]
fn the_first_one_is_in_the_same_schema(
    #[case] earlier: Option<&str>,
    #[case] later: Option<&str>,
    #[case] place: &str,
) {
    let within = |schema: Option<&str>, creation: EnumCreation| EnumCreation {
        schema: schema.map(str::to_owned),
        ..creation
    };
    let enums = vec![
        within(later, creation("r0", "a", None, Some("a"))),
        within(earlier, first()),
        within(
            later,
            EnumCreation {
                number: None,
                ..creation("r2", "b", Some("a"), Some("a"))
            },
        ),
    ];
    let told = of(enum_transcript(enums, Vec::new()));
    assert!(told.contains(&format!("-> {place} ")), "{told}");
}

#[rstest]
#[case::another_type(EnumCreation { name: "kind".to_owned(), ..creation("r2", "a", None, Some("a")) })]
#[case::one_that_did_nothing(creation("r2", "a", Some("a"), Some("a")))]
#[case::one_that_failed(creation("r2", "a", None, None))]
fn what_did_not_create_it_is_not_shown(#[case] between: EnumCreation) {
    let again = EnumCreation {
        number: None,
        ..creation("r3", "b", Some("a"), Some("a"))
    };
    let told = of(enum_transcript(vec![first(), between, again], Vec::new()));
    assert!(
        told.contains("-> r1.py:5 of r1: first created here"),
        "{told}"
    );
    assert!(!told.contains("r2.py"), "{told}");
}

#[rstest]
#[case::a_statement("CREATE TYPE status AS ENUM ('a')", "first created here")]
#[case::a_domain("CREATE DOMAIN status AS text", "first created here")]
#[case::a_function(
    "CREATE FUNCTION f() AS 'CREATE TYPE status AS ENUM (''a'')'",
    "this function creates it"
)]
#[case::a_procedure(
    "CREATE PROCEDURE f() AS 'CREATE TYPE status AS ENUM (''a'')'",
    "this function creates it"
)]
#[case::another_name("ALTER TYPE old_status RENAME TO status", "a type gets this name here")]
fn where_the_type_comes_from(#[case] sql: &str, #[case] says: &str) {
    let again = creation("r2", "a", Some("a"), None);
    let statements = vec![
        done(1, Some(place("r1", 7)), sql),
        exists(2, Some(place("r2", 5)), CREATE),
        done(3, Some(place("r3", 9)), CREATE),
    ];
    let told = of(enum_transcript(vec![again], statements));
    assert!(
        told.contains(&format!("\n-> r1.py:7 of r1: {says} (revision r1)\n")),
        "{told}"
    );
    assert!(!told.contains("r3.py"), "{told}");
}

/// A refusal that no attempt was seen of.
#[rstest]
#[case::of_a_function(
    "SELECT f()",
    r#"type "status" is created twice
-> r2.py:5 of r2: created again here (revision r2)
= postgresql: 42710 type "status" already exists
= the statement: SELECT f()
= no other statement of this run was seen creating it
? remove the second CREATE TYPE status; the first one is enough"#
)]
#[case::of_a_name(
    "ALTER TYPE old_status RENAME TO status",
    r#"type "status" exists already, so no other can be renamed to it
-> r2.py:5 of r2: renamed here (revision r2)
= postgresql: 42710 type "status" already exists
= the statement: ALTER TYPE old_status RENAME TO status
= no other statement of this run was seen creating it
? drop the old type in the revision that replaced it: DROP TYPE status"#
)]
fn a_refusal_that_came_as_a_surprise(#[case] sql: &str, #[case] expected: &str) {
    let statements = vec![exists(2, Some(place("r2", 5)), sql)];
    assert_eq!(of(enum_transcript(Vec::new(), statements)), expected);
}

#[test]
fn a_long_statement_is_cut() {
    let of_length = |length: usize| {
        let sql = format!("SELECT\n  {}", "x".repeat(length - "SELECT ".len()));
        of(enum_transcript(Vec::new(), vec![exists(2, None, &sql)]))
    };
    let whole = format!("\n= the statement: SELECT {}\n", "x".repeat(153));
    assert!(of_length(160).contains(&whole), "{}", of_length(160));
    let cut = format!("\n= the statement: SELECT {} ...\n", "x".repeat(153));
    assert!(of_length(161).contains(&cut), "{}", of_length(161));
}

#[rstest]
#[case::a_type("CREATE TYPE status AS ENUM ('a')", "42710", true)]
#[case::another_error("CREATE TYPE status AS ENUM ('a')", "42501", false)]
#[case::a_table("CREATE TABLE status (id int)", "42710", false)]
#[case::a_view("CREATE VIEW status AS SELECT 1", "42710", false)]
#[case::a_table_that_is_renamed("ALTER TABLE a RENAME TO status", "42710", false)]
fn what_postgresql_refuses_as_a_second_type(
    #[case] sql: &str,
    #[case] sqlstate: &str,
    #[case] refuses: bool,
) {
    let statement = refused(2, None, sql, sqlstate, "type \"status\" already exists");
    assert_eq!(
        crate::criteria::duplicate_creation::refusal(&statement).is_some(),
        refuses
    );
}
