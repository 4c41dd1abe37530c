//! Tests of the findings about an upgrade that does not last, or builds two databases.
#![allow(clippy::unwrap_used)]

use pretty_assertions::assert_eq;
use rstest::rstest;

use super::CRITERION;
use crate::alembic::transcript::{Exception, Outcome};
use crate::evidence::Evidence;
use crate::testing::{
    evidence, found, frame, migrated, object, raised, refused, stepped, transcript,
};

#[test]
fn an_upgrade_that_is_not_awaited() {
    let mut evidence = evidence();
    migrated(&mut evidence).upgrade.steps[1].awaitable = true;
    assert_eq!(
        found(&CRITERION, &evidence),
        "revision r2 does nothing: its upgrade() is async and nobody awaits it
-> r2.py:1-end of r2 [async def upgrade]: this revision
= Alembic calls upgrade() and throws away the coroutine that it returns
? write `def upgrade() -> None:`; env.py already runs it inside the async connection"
    );
}

#[test]
fn a_second_upgrade_that_runs_something() {
    let mut evidence = evidence();
    migrated(&mut evidence).second = Some(transcript("upgrade head", "r2"));
    assert_eq!(
        found(&CRITERION, &evidence),
        "a second `alembic upgrade head` runs revision r2 again
= they ran again: r2"
    );
}

#[test]
fn a_first_upgrade_that_was_not_committed() {
    let mut evidence = evidence();
    migrated(&mut evidence).second = Some(transcript("upgrade head", "r1 r2"));
    migrated(&mut evidence).versions = Some(Vec::new());
    assert_eq!(found(&CRITERION, &evidence), "a second `alembic upgrade head` runs 2 revisions again
= the first one exited without an error, yet the version table holds nothing
? env.py does not commit: use `with context.begin_transaction():`, and `async with engine.begin()` where it is async");
}

#[test]
fn a_first_upgrade_whose_error_was_caught() {
    let mut evidence = evidence();
    let first = migrated(&mut evidence);
    first.second = Some(transcript("upgrade head", "r1 r2"));
    first.versions = None;
    let (sql, message) = ("INSERT INTO alembic_version", "it exists already");
    let failed = refused(7, None, sql, "42710", message);
    first.upgrade.statements.push(failed);
    assert_eq!(
        found(&CRITERION, &evidence),
        "a second `alembic upgrade head` runs 2 revisions again
= the first one exited without an error, yet the version table holds nothing
= a statement failed in it, and env.py goes on: it exists already
= the statement: INSERT INTO alembic_version
? let env.py raise that error: a deployment takes the exit status 0 for success"
    );
}

#[test]
fn a_process_that_ends_itself_before_anything_is_committed() {
    let mut evidence = evidence();
    let first = migrated(&mut evidence);
    first.second = Some(transcript("upgrade head", "r1 r2"));
    first.versions = None;
    first.upgrade.exited = Some(Exception {
        frames: vec![frame("/root/a/env.py", 9, None)],
        ..raised("SystemExit", None, "0")
    });
    assert_eq!(
        found(&CRITERION, &evidence),
        "a second `alembic upgrade head` runs 2 revisions again
-> env.py:9: the process ends here, with exit status 0
= the first one exited without an error, yet the version table holds nothing
= `alembic` exits with status 0 as well, which a deployment takes for success
? let env.py end where its work is done, and raise where it cannot be done"
    );
}

#[test]
fn a_second_upgrade_that_fails() {
    let mut evidence = evidence();
    let second = migrated(&mut evidence).second.as_mut().unwrap();
    second.outcome = Outcome::Raised(raised("ValueError", None, "once is enough"));
    assert_eq!(
        found(&CRITERION, &evidence),
        "`alembic upgrade` raises ValueError: once is enough
= seen in `alembic upgrade head`
= the first one succeeded; this is the second, on the same database
? everything Python printed: output.txt"
    );
}

#[rstest]
#[case::nothing(&[], "upgraded stepped, the version table holds nothing, not the head r2
? see whether env.py commits, and whether a revision writes to the version table")]
#[case::several(&["r1", "r2"], "upgraded stepped, the version table holds r1, r2, not the head r2
? see whether env.py commits, and whether a revision writes to the version table")]
fn the_version_table_holds_something_else(#[case] versions: &[&str], #[case] expected: &str) {
    let mut evidence = evidence();
    let versions = versions.iter().map(|id| (*id).to_owned()).collect();
    stepped(&mut evidence).versions = Some(versions);
    assert_eq!(found(&CRITERION, &evidence), expected);
}

#[test]
fn revisions_that_never_ran() {
    let mut evidence = evidence();
    migrated(&mut evidence).upgrade = transcript("upgrade head", "r2");
    assert_eq!(found(&CRITERION, &evidence), "`alembic upgrade head` succeeds, but never ran r1
? see whether env.py stamps the database or creates the tables itself; then the revisions prove nothing");
    migrated(&mut evidence).upgrade = transcript("upgrade head", "");
    assert_eq!(
        found(&CRITERION, &evidence),
        "`alembic upgrade head` succeeds, but never ran r1, r2
? see whether env.py calls context.run_migrations() where context.is_offline_mode() is false"
    );
}

#[rstest]
#[case::nothing(|_: &mut Evidence| (), "pass")]
#[case::the_second(|evidence: &mut Evidence| migrated(evidence).second = None, "blocked by evidence: the transcript of the second `upgrade head` is missing, so nothing was judged")]
#[case::a_catalog(|evidence: &mut Evidence| migrated(evidence).catalog = None, "blocked by evidence: the catalog at head is missing, so nothing was judged")]
#[case::the_other_catalog(|evidence: &mut Evidence| stepped(evidence).catalog = None, "blocked by evidence: the catalog at head is missing, so nothing was judged")]
fn what_is_missing(#[case] take: fn(&mut Evidence), #[case] told: &str) {
    let mut evidence = evidence();
    take(&mut evidence);
    assert_eq!(found(&CRITERION, &evidence), told);
}

#[test]
fn nothing_ran_because_there_is_no_history() {
    let mut evidence = evidence();
    evidence.history.raised = Some(raised("KeyError", None, "'r0'"));
    migrated(&mut evidence).upgrade = transcript("upgrade head", "");
    assert_eq!(
        found(&CRITERION, &evidence),
        "blocked by single_head: `alembic upgrade head` finds no revision to run"
    );
}

#[test]
fn two_ways_that_build_two_databases() {
    let mut evidence = evidence();
    let index = |definition: &str| object("index", "ix", definition);
    migrated(&mut evidence).catalog.as_mut().unwrap().objects = vec![
        object("table", "a", ""),
        index("ON a (b)"),
        object("table", "c", ""),
    ];
    stepped(&mut evidence).catalog.as_mut().unwrap().objects = vec![
        index("ON a (c)"),
        object("table", "c", ""),
        object("table", "d", ""),
    ];
    assert_eq!(found(&CRITERION, &evidence), "`upgrade head` in one go and revision by revision build different databases (3 objects differ)
= index public.ix: in one go `ON a (b)`, stepped `ON a (c)`
= table public.a: only in one go
= table public.d: only stepped
? look for state that survives between revisions of one run: metadata, module globals, search_path");
    migrated(&mut evidence).catalog.as_mut().unwrap().objects = vec![object("table", "c", "")];
    stepped(&mut evidence).catalog.as_mut().unwrap().objects = Vec::new();
    assert_eq!(found(&CRITERION, &evidence), "`upgrade head` in one go and revision by revision build different databases (1 object differs)
= table public.c: only in one go
? look for state that survives between revisions of one run: metadata, module globals, search_path");
}
