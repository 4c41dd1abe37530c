#![allow(clippy::unwrap_used)]

use pretty_assertions::assert_eq;

use super::*;
use crate::evidence::running::{Failure, State, StatementKind};
use crate::manifest::{Deployed, Justification};
use crate::testing;

fn service() -> Service {
    Service {
        deployed: Deployed::BaseRef("origin/main".into()),
        ..testing::service()
    }
}

fn tried(
    kind: StatementKind,
    detail: &str,
    columns: &[&str],
    state: &str,
    message: &str,
) -> TriedStatement {
    TriedStatement {
        number: 0,
        given: None,
        table: "essays".into(),
        kind,
        columns: columns.iter().map(|one| (*one).to_owned()).collect(),
        target: Vec::new(),
        detail: detail.into(),
        sql: "INSERT INTO essays (id, title) VALUES ($1, $2)".into(),
        is_warm: false,
        error: Some(Failure {
            state: Some(state.into()),
            class: "ProgrammingError".into(),
            message: message.into(),
        }),
    }
}

/// The end of a deployment; each statement is another one.
fn ended(failed: Vec<TriedStatement>) -> State {
    let numbered = failed.into_iter().enumerate();
    State {
        failed: numbered
            .map(|(number, one)| TriedStatement { number, ..one })
            .collect(),
        ..State::default()
    }
}

fn judged(broken: Vec<TriedStatement>) -> Verdict {
    let mut evidence = testing::evidence();
    let running = evidence.running.as_mut().unwrap();
    running.states = vec![ended(broken)];
    let columns = vec!["id".to_owned(), "title".to_owned()];
    running.tables.insert("essays".into(), columns);
    CRITERION.verdict(&service(), &evidence)
}

#[test]
fn one_reason_is_one_finding() {
    let text = "column essays.title does not exist";
    let quoted = "column \"title\" of relation \"essays\" does not exist";
    let verdict = judged(vec![
        tried(StatementKind::Select, "", &["id", "title"], "42703", text),
        tried(StatementKind::Insert, "", &["id", "title"], "42703", quoted),
        tried(StatementKind::Update, "", &["title"], "42703", quoted),
    ]);
    let told = testing::text(&verdict);
    assert!(
        told.contains("the running release (origin/main 4be1c07) cannot read, insert into and update essays any more"),
        "{told}"
    );
    assert!(told.contains("\"r2 essays.title gone\""), "{told}");
    assert_eq!(told.matches("cannot read").count(), 1, "{told}");
}

#[test]
fn a_column_that_the_models_do_not_know_needs_a_default() {
    let message = "null value in column \"channel\" of relation \"essays\" violates";
    let one = tried(
        StatementKind::Insert,
        "",
        &["id", "title"],
        "23502",
        message,
    );
    let told = testing::text(&judged(vec![one]));
    for part in [
        "cannot insert into essays any more",
        "which does not know channel",
        "give channel a default in this deployment",
        "\"r2 essays.channel required\"",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
}

#[test]
fn the_statement_that_requires_a_column_is_shown_and_not_a_later_one_that_names_it() {
    let mut evidence = testing::evidence();
    let message = "null value in column \"channel\" of relation \"essays\" violates";
    let one = tried(
        StatementKind::Insert,
        "",
        &["id", "title"],
        "23502",
        message,
    );
    evidence.running.as_mut().unwrap().states = vec![ended(vec![one])];
    let upgrade = &mut evidence.migrated.as_mut().unwrap().upgrade;
    for (line, sql) in [
        (41, "ALTER TABLE essays ALTER COLUMN channel SET NOT NULL"),
        (42, "CREATE INDEX i ON essays (channel)"),
    ] {
        let place = Place {
            revision: Some("r2".into()),
            ..Place::line(std::path::Path::new("r2.py"), line)
        };
        let number = upgrade.statements.len() as u64 + 100;
        upgrade
            .statements
            .push(testing::done(number, Some(place), sql));
    }
    let told = testing::text(&CRITERION.verdict(&service(), &evidence));
    assert!(told.contains("r2.py:41"), "{told}");
}

#[test]
fn what_does_not_get_through_with_rows_is_said_elsewhere() {
    let mut evidence = testing::evidence();
    let running = evidence.running.as_mut().unwrap();
    let raised = testing::raised("NotNullViolation", Some("23502"), "no");
    running.upgrade.as_mut().unwrap().outcome = crate::alembic::transcript::Outcome::Raised(raised);
    let told = testing::text(&CRITERION.verdict(&service(), &evidence));
    assert!(told.starts_with("blocked by rows: "), "{told}");
}

#[test]
fn what_is_missing_is_red() {
    let red = |take: fn(&mut Evidence)| {
        let mut evidence = testing::evidence();
        take(&mut evidence);
        CRITERION.verdict(&service(), &evidence).is_red()
    };
    assert!(!red(|_| {}));
    assert!(red(|evidence| evidence.running = None));
    assert!(red(
        |evidence| evidence.running.as_mut().unwrap().upgrade = None
    ));
    assert!(red(|evidence| evidence
        .running
        .as_mut()
        .unwrap()
        .deeds
        .clear()));
}

#[test]
fn an_accepted_line_that_nothing_shows_is_red_while_its_revision_is_pending() {
    let red = |key: &str| {
        let mut service = service();
        let line = Justification {
            reason: "asked".into(),
            inherited: false,
        };
        service.running.accepted.insert(key.into(), line);
        CRITERION.verdict(&service, &testing::evidence()).is_red()
    };
    assert!(red("r2 essays.title gone") && !red("r1 essays.title gone"));
    assert!(red("r9 essays.title gone"), "it is in no history");
}

/// Two transactions: the first takes a column away, and the second brings it back.
fn for_a_while() -> (Service, Evidence) {
    let mut evidence = testing::evidence();
    let running = evidence.running.as_mut().unwrap();
    running.plan.pending = vec!["r2".into(), "r3".into()];
    let text = "column essays.title does not exist";
    let failed = tried(StatementKind::Select, "", &["id", "title"], "42703", text);
    running.states = vec![
        State {
            after: Some(101),
            ..ended(vec![failed])
        },
        State::default(),
    ];
    let upgrade = running.upgrade.as_mut().unwrap();
    for (number, revision, sql) in [
        (101, "r2", "ALTER TABLE essays RENAME title TO name"),
        (102, "r3", "ALTER TABLE essays RENAME name TO title"),
    ] {
        let place = Place {
            revision: Some(revision.into()),
            ..Place::line(std::path::Path::new(&format!("{revision}.py")), 9)
        };
        upgrade
            .statements
            .push(testing::done(number, Some(place), sql));
    }
    (service(), evidence)
}

#[test]
fn what_fails_between_two_transactions_is_red_and_says_until_when() {
    let (service, evidence) = for_a_while();
    let told = testing::text(&CRITERION.verdict(&service, &evidence));
    for part in [
        "cannot read essays while the deployment is under way",
        "r2.py:9",
        "r3.py:9",
        "that lasts until revision r3",
        "\"r2 essays.title gone\"",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
}

#[test]
fn what_was_not_tried_between_two_transactions_is_not_green() {
    let (service, mut evidence) = for_a_while();
    let running = evidence.running.as_mut().unwrap();
    running.states[0].failed.clear();
    assert!(!CRITERION.verdict(&service, &evidence).is_red());
    evidence.running.as_mut().unwrap().states[0].untried = Some("it did not answer".into());
    assert!(CRITERION.verdict(&service, &evidence).is_red());
}

#[test]
fn times_that_are_not_tried_are_told() {
    let (service, mut evidence) = for_a_while();
    let running = evidence.running.as_mut().unwrap();
    running.states[0].failed.clear();
    running.states = vec![running.states[0].clone(); MOST_STATES + 1];
    let verdict = CRITERION.verdict(&service, &evidence);
    let first = format!("the first {MOST_STATES} were tried");
    let is_told = |notes: &[String]| notes.iter().any(|note| note.contains(&first));
    assert!(
        matches!(&verdict, Verdict::Pass { notes } if is_told(notes)),
        "{verdict:?}"
    );
}

#[test]
fn rows_of_the_next_release_are_a_note_and_red_where_the_manifest_says_so() {
    let mut evidence = testing::evidence();
    let one = tried(
        StatementKind::Select,
        "label post",
        &["kind"],
        "",
        "'post' is not among",
    );
    evidence.running.as_mut().unwrap().mixed = vec![one];
    let mut service = service();
    let verdict = CRITERION.verdict(&service, &evidence);
    assert!(!verdict.is_red());
    service.running.is_mixed = true;
    let told = testing::text(&CRITERION.verdict(&service, &evidence));
    for part in ["whose kind is post", "\"r2 essays.kind label post\""] {
        assert!(told.contains(part), "{part}\n{told}");
    }
}

#[test]
fn a_statement_of_the_team_is_named_by_its_place() {
    let given = TriedStatement {
        table: "sql/claim.sql".into(),
        given: Some(crate::evidence::running::Class {
            file: "sql/claim.sql".into(),
            line: 3,
        }),
        ..tried(
            StatementKind::Given,
            "",
            &[],
            "42703",
            "column e.title does not exist",
        )
    };
    let told = testing::text(&judged(vec![given]));
    for part in [
        "cannot execute sql/claim.sql:3 any more",
        "keep title in this deployment",
        "\"r2 sql/claim.sql title gone\"",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
}
