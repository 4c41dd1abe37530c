//! The criterion that explains what the others cannot judge.

mod enumeration;

use pretty_assertions::assert_eq;
use rstest::rstest;

use super::{FailureKind, attribution};
use crate::alembic::transcript::{Outcome, Transcript};
use crate::criteria::{enum_types, model_drift};
use crate::evidence::Evidence;
use crate::testing::{
    evidence, found, graph, migrated, place, raised, refused, service, stepped, stopped, transcript,
};

fn raising(sqlstate: Option<&str>, message: &str) -> Transcript {
    let outcome = Outcome::Raised(raised("ProgrammingError", sqlstate, message));
    stopped("upgrade head", "r1 r2", outcome)
}

fn creating_twice() -> Transcript {
    let message = "type \"status\" already exists";
    let mut transcript = raising(Some("42710"), message);
    let sql = "CREATE TYPE status AS ENUM ('a')";
    let statement = refused(9, Some(place("r2", 5)), sql, "42710", message);
    transcript.statements.push(statement);
    transcript
}

fn timed_out() -> Transcript {
    let outcome = Outcome::TimedOut {
        limit: 3.0,
        python: Vec::new(),
        database: Vec::new(),
        waits: Vec::new(),
    };
    stopped("upgrade head", "r1 r2", outcome)
}

fn ended() -> Transcript {
    let outcome = Outcome::Ended {
        how: "exited with status 3".to_owned(),
        output: Vec::new(),
    };
    stopped("upgrade head", "r1 r2", outcome)
}

fn not_awaited() -> Transcript {
    let mut transcript = transcript("upgrade head", "r1 r2");
    transcript.steps[1].awaitable = true;
    transcript
}

#[rstest]
#[case::raised(raising(None, "no"), "upgrade_head: ProgrammingError: no")]
#[case::a_type_created_twice(
    creating_twice(),
    "enum_types: ProgrammingError: type \"status\" already exists"
)]
#[case::timed_out(timed_out(), "upgrade_head: `upgrade head` took longer than 3 s")]
#[case::ended(
    ended(),
    "upgrade_head: during `upgrade head`, Python exited with status 3"
)]
#[case::not_all_ran(
    transcript("upgrade head", "r2"),
    "upgrade_head: `alembic upgrade head` never ran r1"
)]
#[case::not_awaited(
    not_awaited(),
    "upgrade_head: revision r2 does nothing: its upgrade() is async and nobody awaits it"
)]
fn an_upgrade_on_which_nothing_can_be_built(#[case] upgrade: Transcript, #[case] because: &str) {
    let mut evidence = evidence();
    migrated(&mut evidence).upgrade = upgrade;
    assert_eq!(
        found(&model_drift::CRITERION, &evidence),
        format!("blocked by {because}")
    );
}

#[test]
fn an_upgrade_that_does_not_last() {
    let mut evidence = evidence();
    migrated(&mut evidence).second = Some(transcript("upgrade head", "r2"));
    assert_eq!(
        found(&model_drift::CRITERION, &evidence),
        "blocked by upgrade_head: a second `alembic upgrade head` runs revision r2 again"
    );
}

#[test]
fn several_heads_that_were_reached_can_be_built_on() {
    let mut evidence = evidence();
    evidence.history.graph = graph("r1 r2");
    migrated(&mut evidence).heads = Some(transcript("upgrade heads", "r1 r2"));
    assert_eq!(found(&model_drift::CRITERION, &evidence), "pass");
}

#[test]
fn files_that_are_no_graph() {
    let mut evidence = evidence();
    evidence.history.graph = graph("r1 r2:r1 r2:r1");
    assert_eq!(
        found(&model_drift::CRITERION, &evidence),
        "blocked by single_head: 2 files declare revision r2"
    );
}

#[rstest]
#[case::at_once(|evidence: &mut Evidence| migrated(evidence).upgrade.statements.clear(), "upgrade head")]
#[case::stepped(|evidence: &mut Evidence| stepped(evidence).upgrade.statements.clear(), "upgrade, one revision at a time")]
fn statements_that_nobody_saw(#[case] clear: fn(&mut Evidence), #[case] command: &str) {
    let mut evidence = evidence();
    clear(&mut evidence);
    let missing = format!(
        "blocked by evidence: every statement of `alembic {command}` (does the service undo \
         SQLAlchemy's events?) is missing, so nothing was judged"
    );
    assert_eq!(found(&enum_types::CRITERION, &evidence), missing);
}

/// The criterion that reports why an upgrade stopped.
fn reporter(evidence: &Evidence) -> &'static str {
    let service = service();
    let attribution = attribution(&service, evidence);
    let stopped = attribution.failures.iter().find(|failure| {
        !matches!(
            failure.kind,
            FailureKind::NoGraph | FailureKind::NotLoaded | FailureKind::SeveralHeads
        )
    });
    stopped.map_or("nobody", |failure| failure.reporter)
}

#[rstest]
#[case::not_loaded(|evidence: &mut Evidence| evidence.history.raised = Some(raised("KeyError", None, "'r0'")), "single_head")]
#[case::no_graph(|evidence: &mut Evidence| evidence.history.graph = graph("r1 r2:r1,gone"), "nobody")]
#[case::two_heads(|evidence: &mut Evidence| evidence.history.graph = graph("r1 r2"), "upgrade_head")]
fn a_broken_history_explains_why_nothing_ran(
    #[case] break_it: fn(&mut Evidence),
    #[case] expected: &str,
) {
    let mut evidence = evidence();
    migrated(&mut evidence).upgrade = stopped("upgrade head", "", raising(None, "no").outcome);
    assert_eq!(reporter(&evidence), "upgrade_head");
    break_it(&mut evidence);
    assert_eq!(reporter(&evidence), expected);
    migrated(&mut evidence).upgrade = raising(None, "no");
    assert_eq!(reporter(&evidence), "upgrade_head");
    migrated(&mut evidence).upgrade = creating_twice();
    assert_eq!(reporter(&evidence), "enum_types");
}
