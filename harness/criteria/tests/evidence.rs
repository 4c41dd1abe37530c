//! Criteria on hand-built evidence: green where all is well, and red as soon as the
//! evidence is taken away, whatever the criterion.

use rstest::rstest;

use crate::alembic::transcript::{
    EnumCreation, EnumSource, Exception, Outcome, Statement, StatementOutcome,
};
use crate::criteria::{self, Blocker, Criterion, Verdict};
use crate::evidence::notes::Content;
use crate::evidence::outbox::Outbox;
use crate::evidence::{Evidence, Models, Part, Stairway, Stepped};
use crate::testing::whole::{accepted, merge, notes, whole_evidence, whole_service};
use crate::testing::{self, graph, migrated, place, stepped, transcript};

pub(super) fn criterion(id: &str) -> &'static Criterion {
    criteria::ALL
        .iter()
        .find(|criterion| criterion.id == id)
        .unwrap()
}

pub(super) fn verdict(id: &str, evidence: &Evidence) -> Verdict {
    criterion(id).verdict(&whole_service(), evidence)
}

pub(super) fn titles(verdict: &Verdict) -> Vec<String> {
    match verdict {
        Verdict::Fail(findings) => findings
            .iter()
            .map(|finding| finding.title.clone())
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn all_is_green_where_all_is_well() {
    for criterion in criteria::ALL {
        let verdict = criterion.verdict(&whole_service(), &whole_evidence());
        assert!(!verdict.is_red(), "{}: {verdict:?}", criterion.id);
    }
}

#[test]
fn every_criterion_says_what_it_asserts_and_why() {
    for criterion in criteria::ALL {
        for text in [criterion.asserts, criterion.why, criterion.remedy] {
            assert!(
                text.len() > 20 && !text.ends_with('.'),
                "{}: {text:?}",
                criterion.id
            );
        }
    }
}

#[rstest]
#[case::no_revisions("single_head", |e: &mut Evidence| e.history.graph = graph(""))]
#[case::no_revisions_after_the_merge("single_head", |e: &mut Evidence| e.merge = Some(merge(graph(""))))]
#[case::two_heads_after_the_merge("single_head", |e: &mut Evidence| e.merge = Some(merge(graph("r1 r2:r1 r3:r1"))))]
#[case::no_transcript("upgrade_head", |e: &mut Evidence| e.migrated = None)]
#[case::no_steps("upgrade_head", |e: &mut Evidence| e.stepped = None)]
#[case::no_second("upgrade_head", |e: &mut Evidence| migrated(e).second = None)]
#[case::no_catalog("upgrade_head", |e: &mut Evidence| migrated(e).catalog = None)]
#[case::no_stepped_catalog("upgrade_head", |e: &mut Evidence| stepped(e).catalog = None)]
#[case::no_version_table("upgrade_head", |e: &mut Evidence| migrated(e).versions = None)]
#[case::no_stepped_versions("upgrade_head", |e: &mut Evidence| stepped(e).versions = None)]
#[case::another_services_graph("upgrade_head", |e: &mut Evidence| e.history.graph = graph("other"))]
#[case::nothing_ran("upgrade_head", |e: &mut Evidence| migrated(e).upgrade.steps.clear())]
#[case::nothing_was_stepped("upgrade_head", |e: &mut Evidence| stepped(e).upgrade.steps.clear())]
#[case::no_transcript("enum_types", |e: &mut Evidence| e.migrated = None)]
#[case::no_steps("enum_types", |e: &mut Evidence| e.stepped = None)]
#[case::nothing_ran("enum_types", |e: &mut Evidence| migrated(e).upgrade.steps.clear())]
#[case::no_statement("enum_types", |e: &mut Evidence| migrated(e).upgrade.statements.clear())]
#[case::no_stepped_statement("enum_types", |e: &mut Evidence| stepped(e).upgrade.statements.clear())]
#[case::nothing_was_stepped("enum_types", |e: &mut Evidence| stepped(e).upgrade.steps.clear())]
#[case::no_transcript("outbox_indexes", |e: &mut Evidence| e.migrated = None)]
#[case::nobody_looked("outbox_indexes", |e: &mut Evidence| migrated(e).outbox = None)]
#[case::nothing_expected("outbox_indexes", |e: &mut Evidence| outbox_of(e).expected.clear())]
#[case::no_indexes("outbox_indexes", |e: &mut Evidence| outbox_of(e).actual.clear())]
#[case::no_table("outbox_indexes", |e: &mut Evidence| outbox_of(e).schemas.clear())]
#[case::no_walk("downgrade", |e: &mut Evidence| e.stairway = None)]
#[case::no_upgrade("downgrade", |e: &mut Evidence| e.migrated = None)]
#[case::no_rungs("downgrade", |e: &mut Evidence| stairway(e).trips.clear())]
#[case::one_rung_short("downgrade", |e: &mut Evidence| stairway(e).trips.truncate(1))]
#[case::no_downgrade("downgrade", |e: &mut Evidence| stairway(e).trips[0].down = None)]
#[case::no_second_upgrade("downgrade", |e: &mut Evidence| stairway(e).trips[0].again = None)]
#[case::nothing_taken_back("downgrade", |e: &mut Evidence| stairway(e).trips[0].down.as_mut().unwrap().steps.clear())]
#[case::no_descent("downgrade", |e: &mut Evidence| stairway(e).full_downgrade = None)]
#[case::no_models("model_drift", |e: &mut Evidence| e.models = None)]
#[case::no_database("model_drift", |e: &mut Evidence| e.migrated = None)]
#[case::no_metadata("model_drift", |e: &mut Evidence| models(e).metadata = false)]
#[case::no_tables("model_drift", |e: &mut Evidence| models(e).tables.clear())]
#[case::never_built("model_drift", |e: &mut Evidence| models(e).built.outcome = Outcome::Raised(raised("42704", "no")))]
#[case::no_ascent("downgrade", |e: &mut Evidence| stairway(e).full_downgrade.as_mut().unwrap().again = None)]
#[case::nobody_read("migration_notes", |e: &mut Evidence| e.notes = None)]
#[case::no_file_to_read("migration_notes", |e: &mut Evidence| e.notes = Some(Vec::new()))]
#[case::no_file("migration_notes", |e: &mut Evidence| e.notes = Some(notes(None, None)))]
#[case::no_upgrade("deployed_schema", |e: &mut Evidence| e.migrated = None)]
#[case::no_catalog("deployed_schema", |e: &mut Evidence| migrated(e).catalog = None)]
#[case::failed_upgrade("deployed_schema", |e: &mut Evidence| migrated(e).upgrade.outcome = Outcome::Raised(raised("42P01", "no")))]
#[case::one_revision_short("deployed_schema", |e: &mut Evidence| migrated(e).upgrade.steps.truncate(1))]
#[case::nobody_read("deployed_schema", |e: &mut Evidence| e.schema = None)]
#[case::no_file("deployed_schema", |e: &mut Evidence| e.schema.as_mut().unwrap().content = Content::Missing)]
#[case::unreadable("deployed_schema", |e: &mut Evidence| e.schema.as_mut().unwrap().content = Content::Unreadable("no".into()))]
#[case::git_was_not_asked("published_revisions", |e: &mut Evidence| e.published = None)]
#[case::no_revisions("published_revisions", |e: &mut Evidence| e.history.graph = graph(""))]
#[case::empty_file("deployed_schema", |e: &mut Evidence| e.schema = Some(accepted("")))]
fn evidence_taken_away_is_red(#[case] id: &str, #[case] take: fn(&mut Evidence)) {
    let mut evidence = whole_evidence();
    take(&mut evidence);
    let verdict = verdict(id, &evidence);
    assert!(verdict.is_red(), "{verdict:?}");
}

/// The parts that a criterion says it needs, it needs: none, and an empty one, is red.
#[test]
fn each_part_taken_away_is_red_for_each_criterion_that_needs_it() {
    for criterion in criteria::ALL {
        for part in criterion.needs {
            for how in [take_away, empty_out] {
                let mut evidence = whole_evidence();
                how(&mut evidence, *part);
                let verdict = criterion.verdict(&whole_service(), &evidence);
                assert!(verdict.is_red(), "{} {part:?}: {verdict:?}", criterion.id);
            }
        }
    }
}

fn take_away(evidence: &mut Evidence, part: Part) {
    match part {
        Part::Migrated => evidence.migrated = None,
        Part::Stepped => evidence.stepped = None,
        Part::Stairway => evidence.stairway = None,
        Part::Models => evidence.models = None,
        Part::Deployment => evidence.deployment = None,
        Part::Locks => evidence.locks = None,
        Part::Running => evidence.running = None,
    }
}

/// As if a worker had said that all went well, and nothing else.
fn empty_out(evidence: &mut Evidence, part: Part) {
    match part {
        Part::Migrated => {
            let migrated = migrated(evidence);
            migrated.upgrade = transcript("upgrade head", "");
            (migrated.versions, migrated.catalog, migrated.outbox) = (None, None, None);
        }
        Part::Stepped => {
            *stepped(evidence) = Stepped {
                upgrade: transcript("upgrade, one revision at a time", ""),
                versions: None,
                catalog: None,
            }
        }
        Part::Stairway => {
            *stairway(evidence) = Stairway {
                trips: Vec::new(),
                unreached: Vec::new(),
                full_downgrade: None,
            }
        }
        Part::Models => {
            let models = models(evidence);
            (models.metadata, models.tables) = (false, Vec::new());
        }
        Part::Deployment => evidence.deployment.as_mut().unwrap().rollouts.clear(),
        Part::Locks => evidence.locks.as_mut().unwrap().measured.clear(),
        Part::Running => {
            let running = evidence.running.as_mut().unwrap();
            (running.upgrade, running.deeds) = (None, Vec::new());
        }
    }
}

#[test]
fn the_evidence_of_another_service_is_red_for_every_criterion() {
    for criterion in criteria::ALL {
        let mut evidence = whole_evidence();
        evidence.service = "services/b.toml".into();
        let verdict = criterion.verdict(&whole_service(), &evidence);
        assert!(
            matches!(&verdict, Verdict::Blocked { by: Blocker::Evidence, because }
                if because.contains("services/b.toml")),
            "{}: {verdict:?}",
            criterion.id
        );
    }
}

pub(super) fn stairway(evidence: &mut Evidence) -> &mut Stairway {
    evidence.stairway.as_mut().unwrap()
}

pub(super) fn models(evidence: &mut Evidence) -> &mut Models {
    evidence.models.as_mut().unwrap()
}

pub(super) fn outbox_of(evidence: &mut Evidence) -> &mut Outbox {
    migrated(evidence).outbox.as_mut().unwrap()
}

pub(super) fn statement(number: u64, sql: &str, failed: Option<(&str, &str)>) -> Statement {
    Statement {
        number,
        sql: sql.into(),
        place: Some(place("r2", 9)),
        beside: false,
        session: None,
        outcome: match failed {
            Some((state, message)) => StatementOutcome::Failed {
                sqlstate: Some(state.into()),
                message: message.into(),
            },
            None => StatementOutcome::Done { seconds: 0.1 },
        },
    }
}

pub(super) fn creation(
    revision: &str,
    labels: &[&str],
    before: Option<&[&str]>,
    after: Option<&[&str]>,
) -> EnumCreation {
    let owned = |labels: &[&str]| {
        labels
            .iter()
            .map(|label| (*label).to_owned())
            .collect::<Vec<_>>()
    };
    EnumCreation {
        name: "status".into(),
        schema: None,
        labels: owned(labels),
        before: before.map(owned),
        after: after.map(owned),
        place: Some(place(revision, 5)),
        how: EnumSource::Sql,
        number: Some(if revision == "r1" { 1 } else { 2 }),
    }
}

/// An error of PostgreSQL's as a driver raises it.
pub(super) fn raised(sqlstate: &str, message: &str) -> Exception {
    let message = format!("(psycopg.errors.Some) {message}");
    testing::raised("ProgrammingError", Some(sqlstate), &message)
}
