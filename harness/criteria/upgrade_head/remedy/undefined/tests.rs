//! The advice about a table or a column that is not there.
#![allow(clippy::unwrap_used)]

use pretty_assertions::assert_eq;
use rstest::rstest;

use super::Lack;
use crate::alembic::declared::Declaration;
use crate::alembic::transcript::{Outcome, Statement};
use crate::criteria::upgrade_head::CRITERION;
use crate::testing::{done, evidence, found, graph, migrated, place, raised, refused, stopped};

#[rstest]
#[case("42P01", r#"relation "essays" does not exist"#, None, "essays")]
#[case("42P01", r#"relation "app.essays" does not exist"#, None, "essays")]
#[case("42703", r#"column "title" does not exist"#, None, "title")]
#[case("42703", "column essays.title does not exist", Some("essays"), "title")]
#[case(
    "42703",
    r#"column "title" of relation "essays" does not exist"#,
    Some("essays"),
    "title"
)]
#[case("42703", "", None, "")]
fn names_of_what_is_lacking(
    #[case] state: &str,
    #[case] message: &str,
    #[case] table: Option<&str>,
    #[case] name: &str,
) {
    let error = raised("ProgrammingError", Some(state), message);
    let statement = done(1, None, "SELECT 1");
    let lack = Lack::new(&error, &statement);
    assert_eq!((lack.table, lack.name), (table, name));
}

fn declaration(revision: &str, line: u32, table: Option<&str>, name: &str) -> Declaration {
    Declaration {
        place: place(revision, line),
        revision: revision.to_owned(),
        name: name.to_owned(),
        is_column: table.is_some(),
        table: table.map(str::to_owned),
    }
}

/// The places and the advice where `r2` of `history` lacks the table `essays`.
fn of(history: &str, before: Vec<Statement>, declared: Vec<Declaration>) -> String {
    let message = r#"relation "essays" does not exist"#;
    let error = raised("ProgrammingError", Some("42P01"), message);
    let mut transcript = stopped("upgrade head", "r1 r2", Outcome::Raised(error));
    transcript.statements = before;
    let sql = "SELECT * FROM essays";
    transcript
        .statements
        .push(refused(9, Some(place("r2", 12)), sql, "42P01", message));
    let mut evidence = evidence();
    evidence.history.graph = graph(history);
    evidence.stepped = None;
    let migrated = migrated(&mut evidence);
    migrated.second = None;
    migrated.upgrade = transcript;
    migrated.declared = declared;
    let told = found(&CRITERION, &evidence);
    let lines = told.lines().skip(2).filter(|line| {
        let general = [
            "= postgresql",
            "= seen in",
            "= the statement:",
            "? everything",
        ];
        !general.iter().any(|start| line.starts_with(start))
    });
    lines.collect::<Vec<_>>().join("\n")
}

const HISTORY: &str = "r1 r2:r1 r3:r2";

#[rstest]
#[case::later(HISTORY, "r3", r#"-> r3.py:16 of r3: created only here, by revision r3
= revision r3 comes later: a revision that works with today's models sees what its own time did not have
? name here only what is there by now: sa.table("<table>", sa.column("id"), ...) in place of the model
? or move what needs it into a revision after r3"#)]
#[case::on_another_branch(
    "r1 r2:r1 r3:r1",
    "r3",
    r#"-> r3.py:16 of r3: created only here, by revision r3
= revision r3 is on another branch, which nothing says comes first
? say so in this revision: depends_on = "r3""#
)]
#[case::in_the_same(
    HISTORY,
    "r2",
    "-> r2.py:16 of r2: essays is created only here
? move this up: what uses it has to come after it"
)]
#[case::not_for_certain(
    HISTORY,
    "r1",
    "-> r1.py:16 of r1: revision r1 would create essays
? see why revision r1 did not: what stands around the call in a/versions/r1.py"
)]
fn what_a_revision_declares(#[case] history: &str, #[case] by: &str, #[case] expected: &str) {
    let declared = vec![
        declaration(by, 15, Some("essays"), "essays"),
        declaration(by, 16, None, "essays"),
    ];
    // Files that form no single line are single_head's to explain, but for this text.
    let told = of(history, Vec::new(), declared);
    assert_eq!(told, expected);
}

#[rstest]
#[case::dropped(vec![done(2, Some(place("r1", 9)), "DROP TABLE essays")], "-> r1.py:8 of r1: essays is created here
-> r1.py:9 of r1: essays is dropped here
? use essays before it is dropped, or drop it later")]
#[case::hidden(vec![done(2, Some(place("r1", 9)), "SET search_path TO app")], "-> r1.py:8 of r1: essays is created here
-> r1.py:9 of r1: search_path is set here, and stays so
= essays is there, but in a schema that search_path no longer names
? take that line out (pg_dump writes it into every dump), or set search_path back at the end of the same upgrade()")]
#[case::elsewhere(
    Vec::new(),
    "-> r1.py:8 of r1: essays is created here
? see in which schema essays is created, and in which one it is looked for"
)]
fn what_was_created_and_is_not_seen(#[case] since: Vec<Statement>, #[case] expected: &str) {
    let made = done(1, Some(place("r1", 8)), "CREATE TABLE app.essays (id int)");
    let before = std::iter::once(made).chain(since).collect();
    assert_eq!(of(HISTORY, before, Vec::new()), expected);
}

#[test]
fn another_connection_sees_nothing_of_it() {
    let made = Statement {
        beside: true,
        ..done(1, Some(place("r1", 8)), "CREATE TABLE essays (id int)")
    };
    assert_eq!(
        of(HISTORY, vec![made], Vec::new()),
        "-> r1.py:8 of r1: essays is created here
= the statement ran on a second connection, which sees nothing of a transaction that is not committed
? run it on the migration's own connection: op.get_bind(), or op.execute"
    );
}

#[test]
fn a_name_that_is_misspelt() {
    let declared = vec![declaration("r1", 8, None, "essay")];
    assert_eq!(
        of(HISTORY, Vec::new(), declared),
        "-> r1.py:8 of r1: revision r1 creates essay\n? did you mean \"essay\"?"
    );
}
