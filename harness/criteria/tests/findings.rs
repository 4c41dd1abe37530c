//! The findings about histories, upgrades, types, indexes and downgrades.

use pretty_assertions::assert_eq;
use rstest::rstest;

use super::evidence::{
    creation, criterion, outbox_of, raised, stairway, statement, titles, verdict,
};
use crate::alembic::transcript::{EnumCreation, Outcome};
use crate::criteria::{Blocker, Verdict};
use crate::evidence::catalog::{Change, Object};
use crate::testing::whole::{whole_evidence, whole_service};
use crate::testing::{file, graph, migrated, stepped, transcript};

#[test]
fn what_the_manifest_declares_is_not_judged() {
    let mut service = whole_service();
    service
        .not_applicable
        .insert("outbox_indexes".into(), "publishes no events".into());
    let mut evidence = whole_evidence();
    migrated(&mut evidence).outbox = None;
    let verdict = criterion("outbox_indexes").verdict(&service, &evidence);
    assert_eq!(
        verdict,
        Verdict::NotApplicable {
            reason: "publishes no events".into(),
            of_run: false,
        }
    );
}

#[test]
fn two_heads_are_named_with_their_fork_and_the_command() {
    let mut evidence = whole_evidence();
    evidence.history.graph = graph("r1 r2:r1 r3:r1");
    let Verdict::Fail(findings) = verdict("single_head", &evidence) else {
        panic!()
    };
    assert_eq!(findings[0].title, "2 heads: r2, r3");
    assert!(
        findings[0]
            .notes
            .iter()
            .any(|note| note.contains("fork after r1")),
        "{findings:?}"
    );
    assert!(
        findings[0].help.iter().any(|help| help
            .line("")
            .contains("alembic merge -m \"merge heads\" r2 r3")),
        "{findings:?}"
    );
}

#[test]
fn a_failed_upgrade_is_one_finding_and_blocks_the_rest() {
    let mut evidence = whole_evidence();
    for transcript in [
        &mut evidence.migrated.as_mut().unwrap().upgrade,
        &mut evidence.stepped.as_mut().unwrap().upgrade,
    ] {
        transcript.steps[1].seconds = None;
        transcript.statements.push(statement(
            7,
            "SELECT 1 FROM missing",
            Some(("42P01", "relation \"missing\" does not exist")),
        ));
        transcript.outcome =
            Outcome::Raised(raised("42P01", "relation \"missing\" does not exist"));
    }
    assert_eq!(
        titles(&verdict("upgrade_head", &evidence)),
        ["revision r2 cannot be upgraded: relation \"missing\" does not exist"]
    );
    for id in ["enum_types", "outbox_indexes"] {
        assert!(
            matches!(
                verdict(id, &evidence),
                Verdict::Blocked {
                    by: Blocker::Criterion("upgrade_head"),
                    ..
                }
            ),
            "{id}"
        );
    }
}

#[test]
fn an_upgrade_that_is_never_awaited_is_found() {
    let mut evidence = whole_evidence();
    migrated(&mut evidence).upgrade.steps[1].awaitable = true;
    assert!(titles(&verdict("upgrade_head", &evidence))[0].contains("nobody awaits it"));
}

#[test]
fn a_second_upgrade_must_run_nothing() {
    let mut evidence = whole_evidence();
    migrated(&mut evidence).second = Some(transcript("upgrade head", "r1 r2"));
    migrated(&mut evidence).versions = None;
    assert_eq!(
        titles(&verdict("upgrade_head", &evidence)),
        ["a second `alembic upgrade head` runs 2 revisions again"]
    );
}

#[rstest]
#[case::same_labels(creation("r2", &["a"], Some(&["a"]), Some(&["a"])), false)]
#[case::other_labels(creation("r2", &["a", "b"], Some(&["a"]), Some(&["a"])), true)]
#[case::other_order(creation("r2", &["b", "a"], Some(&["a", "b"]), Some(&["a", "b"])), true)]
#[case::dropped_in_between(creation("r2", &["b"], None, Some(&["b"])), false)]
#[case::dropped_by_the_same_statement(creation("r2", &["b"], Some(&["a"]), Some(&["b"])), false)]
fn a_guarded_second_creation(#[case] second: EnumCreation, #[case] red: bool) {
    let mut evidence = whole_evidence();
    migrated(&mut evidence).upgrade.enums =
        vec![creation("r1", &["a"], None, Some(&["a"])), second];
    assert_eq!(verdict("enum_types", &evidence).is_red(), red);
}

#[test]
fn a_type_created_twice_names_both_places() {
    let mut evidence = whole_evidence();
    let upgrade = &mut stepped(&mut evidence).upgrade;
    upgrade.enums = vec![
        creation("r1", &["a"], None, Some(&["a"])),
        creation("r2", &["a"], Some(&["a"]), None),
    ];
    upgrade.statements = vec![statement(
        2,
        "CREATE TYPE status AS ENUM ('a')",
        Some(("42710", "type \"status\" already exists")),
    )];
    upgrade.outcome = Outcome::Raised(raised("42710", "type \"status\" already exists"));
    upgrade.steps[1].seconds = None;
    let Verdict::Fail(findings) = verdict("enum_types", &evidence) else {
        panic!()
    };
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].title, "type \"status\" is created twice");
    let places: Vec<_> = findings[0]
        .marks
        .iter()
        .map(|mark| mark.place.file.clone())
        .collect();
    assert_eq!(places, [file("r2"), file("r1")]);
    assert!(matches!(
        verdict("upgrade_head", &evidence),
        Verdict::Blocked {
            by: Blocker::Criterion("enum_types"),
            ..
        }
    ));
    assert!(!verdict("outbox_indexes", &evidence).is_red());
}

#[rstest]
#[case::another_predicate(
    "CREATE INDEX ON public.event_outbox USING btree (a) WHERE (a IS NULL)",
    "is not what the convention says"
)]
#[case::unique(
    "CREATE UNIQUE INDEX ON public.event_outbox USING btree (a)",
    "is not what the convention says"
)]
fn an_index_that_drifted_is_compared(#[case] definition: &str, #[case] says: &str) {
    let mut evidence = whole_evidence();
    outbox_of(&mut evidence).actual[0].definition = definition.into();
    let Verdict::Fail(findings) = verdict("outbox_indexes", &evidence) else {
        panic!()
    };
    assert!(findings[0].title.contains(says), "{findings:?}");
    assert!(findings[0].comparison.is_some(), "{findings:?}");
}

#[test]
fn an_invalid_index_is_red() {
    let mut evidence = whole_evidence();
    outbox_of(&mut evidence).actual[0].valid = false;
    assert_eq!(
        titles(&verdict("outbox_indexes", &evidence)),
        ["index \"ix\" is invalid, so no query uses it"]
    );
}

pub(super) fn left(kind: &str, name: &str) -> Vec<Change> {
    let object = Object {
        schema: Some("public".into()),
        kind: kind.parse().unwrap(),
        name: name.into(),
        definition: String::new(),
    };
    vec![Change {
        before: None,
        after: Some(object),
    }]
}

#[test]
fn a_type_left_behind_names_its_revision_and_the_line_to_add() {
    let mut evidence = whole_evidence();
    let trip = &mut stairway(&mut evidence).trips[0];
    trip.left = left("enum type", "status");
    trip.again = None;
    trip.up
        .statements
        .push(statement(1, "CREATE TYPE status AS ENUM ('a')", None));
    let Verdict::Fail(findings) = verdict("downgrade", &evidence) else {
        panic!()
    };
    assert_eq!(
        findings[0].title,
        "the downgrade of revision r1 leaves enum type public.status behind"
    );
    assert!(
        findings[0].help[0].line("").contains("DROP TYPE status"),
        "{findings:?}"
    );
    assert_eq!(findings[0].marks[0].place.line, 9);
}

#[test]
fn an_extension_left_behind_is_a_note() {
    let mut evidence = whole_evidence();
    stairway(&mut evidence).trips[0].left = left("extension", "pg_trgm");
    let Verdict::Pass { notes } = verdict("downgrade", &evidence) else {
        panic!()
    };
    assert!(
        notes[0].contains("extension public.pg_trgm stays"),
        "{notes:?}"
    );
}

#[rstest]
#[case::raises(true, false)]
#[case::stale(false, true)]
fn a_one_way_revision_must_really_be_one(#[case] raises: bool, #[case] red: bool) {
    let mut service = whole_service();
    service
        .one_way
        .insert("r2".into(), "PostgreSQL cannot remove an enum label".into());
    let mut evidence = whole_evidence();
    if raises {
        let trip = &mut stairway(&mut evidence).trips[1];
        trip.down.as_mut().unwrap().outcome = Outcome::Raised(raised("0A000", "no"));
        trip.again = None;
    }
    assert_eq!(
        criterion("downgrade").verdict(&service, &evidence).is_red(),
        red
    );
}

#[test]
fn a_one_way_revision_that_is_not_there_is_red() {
    let mut service = whole_service();
    service.one_way.insert("r9".into(), "gone".into());
    let Verdict::Fail(findings) = criterion("downgrade").verdict(&service, &whole_evidence())
    else {
        panic!()
    };
    assert!(
        findings[0].title.contains("no such revision"),
        "{findings:?}"
    );
}
