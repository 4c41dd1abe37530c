//! Tests of the findings about an upgrade that fails.
#![allow(clippy::unwrap_used)]

use pretty_assertions::assert_eq;

use crate::postgres::activity::Wait;
use rstest::rstest;

use super::{failed_at, hint};
use crate::alembic::transcript::{
    Exception, Outcome, Place, Statement, StatementOutcome, Transcript,
};
use crate::criteria::upgrade_head::CRITERION;
use crate::testing::{
    done, evidence, file, found, frame, migrated, place, raised, refused, stepped, stopped,
    transcript,
};

/// The findings where `upgrade head` is `transcript`, and stepping went alike.
fn of(transcript: Transcript) -> String {
    let mut evidence = evidence();
    migrated(&mut evidence).second = None;
    migrated(&mut evidence).upgrade = transcript;
    evidence.stepped = None;
    found(&CRITERION, &evidence)
}

/// `upgrade head` whose second revision raises.
fn raising(error: Exception) -> Transcript {
    stopped("upgrade head", "r1 r2", Outcome::Raised(error))
}

/// The same at a statement that PostgreSQL refuses.
fn refusing(sqlstate: &str, sql: &str) -> Transcript {
    let mut transcript = raising(raised(
        "ProgrammingError",
        Some(sqlstate),
        "(psycopg.errors.Some) it cannot be done",
    ));
    let created = done(8, Some(place("r1", 9)), "CREATE TABLE essays (id int)");
    transcript.statements.push(created);
    transcript.statements.push(refused(
        9,
        Some(place("r2", 12)),
        sql,
        sqlstate,
        "it cannot be done",
    ));
    transcript
}

#[rstest]
#[case::of_the_revision(
    Some("r2"),
    "revision r2 cannot be upgraded: ValueError: no such school
-> r2.py:20 of r2: ValueError here
= see the notes
= seen in `alembic upgrade head`
? everything Python printed: output.txt"
)]
#[case::of_another_file(
    None,
    "revision r2 cannot be upgraded: ValueError: no such school
-> r2.py:1 of r2: ValueError here
= see the notes
= seen in `alembic upgrade head`
? everything Python printed: output.txt"
)]
fn a_revision_that_raises(#[case] revision: Option<&str>, #[case] expected: &str) {
    let mut error = raised("ValueError", None, "no such school\n\n  see the notes  ");
    error.frames = vec![
        frame("/root/a/versions/r2.py", 20, revision),
        frame("/root/a/models.py", 7, None),
    ];
    assert_eq!(of(raising(error)), expected);
}

#[test]
fn what_raises_outside_of_any_revision() {
    let mut error = raised("ImportError", None, "no module named b");
    error.frames = vec![
        frame("/root/a/env.py", 3, None),
        frame("/root/a/models.py", 7, None),
    ];
    let mut transcript = transcript("upgrade head", "");
    transcript.outcome = Outcome::Raised(error);
    assert_eq!(
        of(transcript),
        "`alembic upgrade` raises ImportError: no module named b
-> models.py:7: ImportError here
= seen in `alembic upgrade head`
? everything Python printed: output.txt"
    );
}

#[test]
fn what_sqlalchemy_repeats_is_left_out() {
    let mut transcript = refusing("42P01", "SELECT 1\n  FROM b");
    transcript.outcome = Outcome::Raised(raised(
        "ProgrammingError",
        Some("42P01"),
        "(psycopg.errors.UndefinedTable) relation \"b\" does not exist\nLINE 1: SELECT 1\n\n              ^\n[SQL: SELECT 1]\n[parameters: {}]\n(Background on this error at: https://sqlalche.me)",
    ));
    assert_eq!(
        of(transcript),
        r#"revision r2 cannot be upgraded: relation "b" does not exist
-> r2.py:12 of r2: UndefinedTable here
= postgresql: 42P01 relation "b" does not exist
= LINE 1: SELECT 1
= seen in `alembic upgrade head`
= the statement: SELECT 1 FROM b
= no revision creates b, as far as their calls spell it out
? where b was there before the history, as what create_all built, say so: baseline = { sql = "<file>" } in the manifest, for instance from `pg_dump --schema-only` of such a database, or baseline = { models = "<commit>" }, which create_all built
? where tables were there before the history: let a new first revision create those, and set down_revision of r1 to it
? everything Python printed: output.txt"#
    );
}

#[test]
fn only_the_beginning_of_a_long_statement_is_shown() {
    let of_lines = |count: usize| {
        let lines: Vec<String> = (1..=count).map(|line| format!("  line {line}\n")).collect();
        of(refusing("XX000", &lines.join("\n")))
    };
    assert!(
        of_lines(4).contains("= the statement: line 1 line 2 line 3 line 4\n"),
        "{}",
        of_lines(4)
    );
    assert!(
        of_lines(5).contains("= the statement: line 1 line 2 line 3 line 4 ...\n"),
        "{}",
        of_lines(5)
    );
}

#[rstest]
#[case(
    "55P04",
    "commit the new label before it is used: put ALTER TYPE ... ADD VALUE into `with op.get_context().autocommit_block():`"
)]
#[case(
    "42P07",
    "the relation exists already: two revisions create it, or it is created by env.py"
)]
#[case(
    "42710",
    "the object exists already: look for an earlier revision that creates it"
)]
#[case("0A000", "PostgreSQL does not offer this in the version that was used")]
#[case(
    "25001",
    "it cannot run in a transaction: use `with op.get_context().autocommit_block():`"
)]
fn an_error_with_one_usual_cause(#[case] sqlstate: &str, #[case] advice: &str) {
    let transcript = refusing(sqlstate, "SELECT 1");
    assert_eq!(hint(&transcript), Some(advice));
    let told = of(transcript);
    assert!(
        told.contains(&format!("\n? {advice}\n? everything Python printed")),
        "{told}"
    );
}

#[test]
fn a_type_that_a_view_holds_on_to_is_changed_without_the_view() {
    let alters = "ALTER TABLE orders ALTER email TYPE text";
    let advice = hint(&refusing("0A000", alters)).unwrap_or_default();
    assert!(
        advice.ends_with("drop that before, and create it again after"),
        "{advice}"
    );
}

/// Tables that no revision creates may, beside one that was created before, still be from before the history; a column of
/// one that was not created is.
#[rstest]
#[case::table("42P01", "was there before the history, as what create_all built")]
#[case::column("42703", "")]
fn a_history_that_begins_on_tables_from_before_it(#[case] sqlstate: &str, #[case] beside: &str) {
    let mut transcript = refusing(sqlstate, "ALTER TABLE users ADD COLUMN age int");
    let told = of(transcript.clone());
    assert_eq!(told.contains("baseline"), !beside.is_empty(), "{told}");
    assert!(told.contains(beside), "{told}");
    transcript
        .statements
        .retain(|one| !one.sql.contains("CREATE TABLE"));
    let told = of(transcript);
    assert!(
        told.contains("? no revision before this one creates a table: "),
        "{told}"
    );
    assert!(told.contains("baseline = { sql = \"<file>\" }"), "{told}");
}

#[rstest]
#[case::too_long_a_text("22001")]
#[case::another("XX000")]
fn an_error_with_many_causes(#[case] sqlstate: &str) {
    let transcript = refusing(sqlstate, "INSERT INTO essays VALUES ('long')");
    assert_eq!(hint(&transcript), None);
    assert_eq!(of(transcript).matches("\n? ").count(), 1);
}

#[rstest]
#[case::no_upgrade(
    "NotImplementedError",
    "",
    "? write the upgrade, or remove the revision"
)]
#[case::offline(
    "AttributeError",
    "'NoneType' object has no attribute 'as_sql'",
    "? env.py prepares for `--sql` only: where context.is_offline_mode() is false, give context.configure a connection"
)]
#[case::another("ValueError", "no", "= seen in `alembic upgrade head`")]
fn what_python_raises_by_design(#[case] class: &str, #[case] message: &str, #[case] says: &str) {
    let told = of(raising(raised(class, None, message)));
    let (before, _) = told.rsplit_once('\n').unwrap();
    assert!(before.ends_with(says), "{told}");
}

/// Every revision ran; PostgreSQL refuses a statement after that.
fn refusing_afterwards(statement: Statement) -> String {
    let mut transcript = transcript("upgrade head", "r1 r2");
    transcript.statements.pop();
    transcript.statements.push(statement);
    let message = "(psycopg.errors.Some) value too long";
    transcript.outcome = Outcome::Raised(raised("DataError", Some("22001"), message));
    of(transcript)
}

#[test]
fn an_id_that_the_version_table_does_not_hold() {
    let sql = "UPDATE alembic_version SET version_num='r2'";
    let told = refusing_afterwards(refused(9, None, sql, "22001", "value too long"));
    assert_eq!(
        told,
        r#"revision r2 ran, but cannot be written to the version table: value too long
-> r2.py:3 of r2: this id
= postgresql: 22001 value too long
= seen in `alembic upgrade head`
= the statement: UPDATE alembic_version SET version_num='r2'
? the version table holds 32 characters: give the revision a shorter id
? everything Python printed: output.txt"#
    );
}

#[rstest]
#[case::of_a_revision(
    Some(place("r2", 12)),
    "UPDATE alembic_version SET version_num='r2'",
    "`alembic upgrade` raises Some: value too long
-> r2.py:12 of r2: Some here
= postgresql: 22001 value too long
= seen in `alembic upgrade head`
= the statement: UPDATE alembic_version SET version_num='r2'
? everything Python printed: output.txt"
)]
#[case::of_another_table(
    None,
    "UPDATE essays SET title='r2'",
    "`alembic upgrade` raises Some: value too long
= postgresql: 22001 value too long
= seen in `alembic upgrade head`
= the statement: UPDATE essays SET title='r2'
? everything Python printed: output.txt"
)]
fn what_is_not_alembics_own(
    #[case] place: Option<Place>,
    #[case] sql: &str,
    #[case] expected: &str,
) {
    assert_eq!(
        refusing_afterwards(refused(9, place, sql, "22001", "value too long")),
        expected
    );
}

#[rstest]
#[case::a_statement_that_python_caught(None, 20)]
#[case::what_postgresql_said(Some("42P01"), 12)]
fn where_it_failed(#[case] sqlstate: Option<&str>, #[case] line: u32) {
    let mut error = raised("ValueError", sqlstate, "no");
    error.frames = vec![frame("/root/a/versions/r2.py", 20, Some("r2"))];
    let mut transcript = refusing("42P01", "SELECT 1");
    transcript.outcome = Outcome::Raised(error);
    assert_eq!(failed_at(&transcript), Some(place("r2", line)));
}

#[test]
fn an_error_of_postgresql_whose_statement_nobody_saw() {
    let mut error = raised("ProgrammingError", Some("42P01"), "no");
    error.frames = vec![frame("/root/a/versions/r2.py", 20, Some("r2"))];
    assert_eq!(failed_at(&raising(error)), Some(place("r2", 20)));
}

#[test]
fn a_revision_that_has_no_such_function() {
    let mut error = raised("AttributeError", None, "module has no attribute 'upgrade'");
    error.frames = vec![frame("/root/a/env.py", 9, None)];
    assert_eq!(failed_at(&raising(error)), Some(place("r2", 1)));
}

fn timed_out(python: &[&str], database: &[&str]) -> Transcript {
    let owned = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
    let outcome = Outcome::TimedOut {
        limit: 3.0,
        python: owned(python),
        database: owned(database),
        waits: vec![Wait {
            waiter: 8,
            holder: 7,
        }],
    };
    stopped("upgrade head", "r1 r2", outcome)
}

#[test]
fn a_statement_that_takes_too_long() {
    let mut transcript = timed_out(&[], &["active, 3 s: blocked by pid 7"]);
    transcript.statements.push(Statement {
        outcome: StatementOutcome::Unfinished,
        session: Some(8),
        ..done(9, Some(place("r2", 12)), "SELECT pg_sleep(600)")
    });
    let held = Statement {
        session: Some(7),
        ..done(8, Some(place("r2", 11)), "LOCK t")
    };
    transcript.statements.insert(0, held);
    assert_eq!(of(transcript), "`alembic upgrade head` took longer than 3 s, in revision r2
-> r2.py:12 of r2: this statement was running
-> r2.py:11 of r2: pid 7, which holds it up, ran this last
= the statement: SELECT pg_sleep(600)
= postgresql: active, 3 s: blocked by pid 7
= pid 7 ran last, and has not ended its transaction: LOCK t
? two connections to one database wait for each other: run both statements on op.get_bind(), or by op.execute
? if it is only slow, raise `timeouts.upgrade` in the manifest
? everything Python printed: output.txt");
}

#[test]
fn python_that_takes_too_long() {
    let python = [
        "Thread 0x1 (most recent call first):",
        "  File \"/usr/lib/python3.11/time.py\", line 1 in sleep",
        "  File \"/root/a/.venv/site-packages/sqlalchemy/engine.py\", line 2 in run",
        "  File \"/root/a/versions/r2.py\", line 20 in upgrade",
        "  File \"<frozen runpy>\", line 3 in run",
        "  File \"/root/a/env.py\", line 4 in run",
    ];
    assert_eq!(
        of(timed_out(&python, &["idle"])),
        r#"`alembic upgrade head` took longer than 3 s, in revision r2
-> r2.py:20 of r2: Python was here
= postgresql: idle
= python, innermost first: File "/root/a/versions/r2.py", line 20 in upgrade
= python, innermost first: File "/root/a/env.py", line 4 in run
= pid 7, which holds it up, was opened past SQLAlchemy or by another process
? if it is only slow, raise `timeouts.upgrade` in the manifest
? everything Python printed: output.txt"#
    );
}

#[test]
fn an_interpreter_that_ends() {
    let lines = (1..=7).map(|line| format!("line {line}"));
    let outcome = Outcome::Ended {
        how: "exited with status 3".to_owned(),
        output: lines.collect(),
    };
    assert_eq!(
        of(stopped("upgrade head", "r1 r2", outcome.clone())),
        "the interpreter exited with status 3 during `alembic upgrade head`, in revision r2
-> r2.py:1-end of r2: this revision was running
= python: line 2
= python: line 3
= python: line 4
= python: line 5
= python: line 6
= python: line 7
? a migration must raise, never end the process
? everything Python printed: output.txt"
    );
    let mut before = transcript("upgrade head", "");
    before.outcome = outcome;
    assert!(
        of(before)
            .starts_with("the interpreter exited with status 3 during `alembic upgrade head`\n")
    );
}

#[test]
fn a_failure_that_both_ways_show_is_one_finding() {
    let mut evidence = evidence();
    let failing = refusing("42P01", "SELECT 1");
    migrated(&mut evidence).upgrade = failing.clone();
    migrated(&mut evidence).second = None;
    stepped(&mut evidence).upgrade = failing;
    let told = found(&CRITERION, &evidence);
    assert_eq!(told.matches("cannot be upgraded").count(), 1, "{told}");
    stepped(&mut evidence)
        .upgrade
        .statements
        .last_mut()
        .unwrap()
        .place = Some(Place::line(&file("r1"), 2));
    let told = found(&CRITERION, &evidence);
    assert_eq!(told.matches("cannot be upgraded").count(), 2, "{told}");
}
