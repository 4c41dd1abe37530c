//! Criteria on hand-built evidence: green where all is well, and red as soon as the
//! evidence is taken away, whatever the criterion.

mod findings;
mod kept;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use migration_harness::alembic::graph::Graph;
use migration_harness::alembic::revision::{Revision, RevisionFile};
use migration_harness::alembic::transcript::{
    Direction, EnumCreation, EnumSource, Exception, Outcome, Place, Statement, StatementOutcome,
    Step, Transcript,
};
use migration_harness::criteria::{self, Blocker, Criterion, Help, Verdict};
use migration_harness::evidence::catalog::{Change, Object, ObjectKind};
use migration_harness::evidence::deployment::Rollout;
use migration_harness::evidence::locks::Measured;
use migration_harness::evidence::models::Drift;
use migration_harness::evidence::notes::{Content, NotesFile};
use migration_harness::evidence::outbox::{ExpectedIndex, Index, Outbox};
use migration_harness::evidence::plan::{Origin, Plan};
use migration_harness::evidence::running::{Release, State, StatementCounts, StatementKind};
use migration_harness::evidence::stairway::{FullDowngrade, RoundTrip};
use migration_harness::evidence::{
    Catalog, Deployment, Evidence, History, Locks, Merge, Migrated, Models, Part,
    PublishedRevisions, Running, SchemaFile, Stairway, Stepped,
};
use migration_harness::manifest::{
    Deployed, IndexConvention, Justification, Manifest, NotesConvention, OutboxConvention,
    RunningRules, Service, Timeouts, Topic,
};
use migration_harness::postgres;
use migration_harness::schema;
use rstest::rstest;

fn service() -> Service {
    Service {
        name: "a".into(),
        file: "services/a.toml".into(),
        root: "/root".into(),
        directory: "/root/a".into(),
        alembic_ini: "alembic.ini".into(),
        alembic_section: "alembic".into(),
        x: BTreeMap::new(),
        flask_app: None,
        python_problem: None,
        python: vec!["python3".into()],
        driver: "asyncpg".into(),
        database_url_env: vec!["A_DATABASE_URL".into()],
        database_env: Default::default(),
        database_url_ini: false,
        env: BTreeMap::new(),
        schema: None,
        timeouts: Timeouts {
            upgrade: Duration::from_secs(1),
            rows: Duration::from_secs(1),
            verify: Duration::from_secs(1),
        },
        postgres: postgres::Settings::default(),
        prepare: Vec::new(),
        baseline: None,
        not_applicable: BTreeMap::new(),
        one_way: BTreeMap::new(),
        accepted_drift: BTreeMap::new(),
        accepted_rows: BTreeMap::new(),
        accepted_published: BTreeMap::new(),
        accepted: BTreeMap::new(),
        locks: migration_harness::manifest::LockRules::default(),
        running: RunningRules::default(),
        rows: migration_harness::manifest::TeamRows::default(),
        deployed: Deployed::BaseRef("origin/main".into()),
        owned_elsewhere: Vec::new(),
        outbox: Some(OutboxConvention {
            table: "event_outbox".into(),
            indexes: vec![IndexConvention {
                name: "ix".into(),
                columns: vec!["a".into()],
                predicate: None,
                unique: false,
                method: "btree".into(),
                include: Vec::new(),
            }],
        }),
        notes: Some(NotesConvention {
            files: vec!["README.md".into(), "alembic/README.md".into()],
            topics: vec![topic("heads"), topic("enums")],
        }),
        laid_over: None,
    }
}

fn topic(about: &str) -> Topic {
    Topic {
        id: about.into(),
        title: format!("several {about}"),
        headings: vec![about.into()],
        words: Vec::new(),
        paragraph: format!("## {about}\n\nOne is enough.\n"),
    }
}

fn notes(readme: Option<&str>, migrations: Option<&str>) -> Vec<NotesFile> {
    let file = |path: &str, text: Option<&str>| NotesFile {
        path: path.into(),
        content: text.map_or(Content::Missing, |text| Content::Text(text.into())),
    };
    vec![
        file("/root/a/README.md", readme),
        file("/root/a/alembic/README.md", migrations),
    ]
}

fn file(id: &str) -> PathBuf {
    format!("/root/a/alembic/versions/{id}.py").into()
}

fn revision(id: &str, down: &[&str]) -> RevisionFile {
    RevisionFile::Revision(Revision {
        id: id.into(),
        down_revisions: down.iter().map(|id| (*id).to_owned()).collect(),
        depends_on: Vec::new(),
        branch_labels: Vec::new(),
        message: Some(format!("about {id}")),
        file: file(id),
        line: 3,
        down_line: 4,
        depends_line: None,
        labels_line: None,
    })
}

fn graph(revisions: &[(&str, &[&str])]) -> Graph {
    Graph::new(
        revisions
            .iter()
            .map(|(id, down)| revision(id, down))
            .collect(),
        Vec::new(),
    )
}

fn transcript(command: &str, revisions: &[&str]) -> Transcript {
    let mut transcript = Transcript::new(command, "output.txt".into());
    transcript.steps = revisions.iter().map(|id| step(id)).collect();
    transcript.statements = revisions
        .iter()
        .map(|id| Statement {
            place: None,
            ..statement(
                0,
                &format!("UPDATE alembic_version SET version_num='{id}'"),
                None,
            )
        })
        .collect();
    transcript
}

fn step(id: &str) -> Step {
    Step {
        revision: id.into(),
        direction: Direction::Upgrade,
        file: file(id),
        line: None,
        is_unwritten: false,
        message: None,
        seconds: Some(0.1),
        awaitable: false,
    }
}

fn outbox() -> Outbox {
    let definition = "CREATE INDEX ON public.event_outbox USING btree (a)".to_owned();
    Outbox {
        table: "event_outbox".into(),
        schemas: vec!["public".into()],
        tables: vec!["public.event_outbox".into()],
        expected: vec![ExpectedIndex {
            name: "ix".into(),
            statement: "CREATE INDEX ix ON public.event_outbox USING btree (a)".into(),
            definition: Ok(definition.clone()),
        }],
        actual: vec![Index {
            name: "ix".into(),
            schema: "public".into(),
            table: "event_outbox".into(),
            definition,
            valid: true,
            constraint: false,
            partitioned: false,
        }],
    }
}

/// Everything as it should be.
fn evidence() -> Evidence {
    Evidence {
        service: "services/a.toml".into(),
        history: History {
            graph: graph(&[("r1", &[]), ("r2", &["r1"])]),
            beside: Vec::new(),
            python_for: Vec::new(),
            found: Vec::new(),
            raised: None,
        },
        notes: Some(notes(
            Some("# A\n\n## Heads\n\nOne."),
            Some("# Enums\n\nOnce."),
        )),
        merge: None,
        published: Some(published()),
        schema: Some(accepted(&schema::text("a", &Catalog::default()))),
        migrated: Some(Migrated {
            server: "PostgreSQL 15 (local)".into(),
            upgrade: transcript("upgrade head", &["r1", "r2"]),
            heads: None,
            second: Some(transcript("upgrade head", &[])),
            versions: Some(vec!["r2".into()]),
            catalog: Some(Catalog::default()),
            outbox: Some(outbox()),
            declared: Vec::new(),
        }),
        stepped: Some(Stepped {
            upgrade: transcript("upgrade, one revision at a time", &["r1", "r2"]),
            versions: Some(vec!["r2".into()]),
            catalog: Some(Catalog::default()),
        }),
        stairway: Some(Stairway {
            trips: vec![trip("r1"), trip("r2")],
            unreached: Vec::new(),
            full_downgrade: Some(FullDowngrade {
                down: transcript("downgrade base", &["r2", "r1"]),
                stopped_at: None,
                left: Vec::new(),
                again: Some(transcript("upgrade heads", &["r1", "r2"])),
                lost: Vec::new(),
            }),
        }),
        models: Some(Models {
            built: transcript("create_all of the models", &[]),
            metadata: true,
            tables: vec!["event_outbox".into()],
            sources: BTreeMap::new(),
            unstated: Vec::new(),
            flaws: Vec::new(),
            drifts: Vec::new(),
        }),
        deployment: Some(Deployment {
            plan: Plan {
                origin: Origin::Manifest,
                deployed: vec!["r1".into()],
                pending: vec!["r2".into()],
                one_by_one: false,
            },
            below: None,
            rows_refused: None,
            rollouts: vec![Rollout {
                revisions: vec!["r2".into()],
                planted: vec![("public.essays".into(), 20)],
                empty: Vec::new(),
                special: 0,
                upgrade: transcript("upgrade head", &["r2"]),
                smallest: Vec::new(),
                is_any_row: false,
                refused: Vec::new(),
                altered: Vec::new(),
                changes: Vec::new(),
                stuck: Vec::new(),
                down: Vec::new(),
                down_without_rows: None,
                not_restored: Vec::new(),
            }],
            known: None,
        }),
        locks: Some(Locks {
            measured: vec![Measured {
                revisions: vec!["r2".into()],
                upgrade: transcript("upgrade head", &["r2"]),
                flushes: true,
                relations: Vec::new(),
                invalid: Vec::new(),
                fewer: None,
                nested: None,
            }],
        }),
        running: Some(running()),
    }
}

/// A release that can do all that it could.
fn running() -> Running {
    Running {
        plan: Plan {
            origin: Origin::BaseRef {
                name: "origin/main".into(),
                commit: "4be1c07".repeat(5),
            },
            deployed: vec!["r1".into()],
            pending: vec!["r2".into()],
            one_by_one: false,
        },
        release: Release {
            name: "origin/main".into(),
            commit: "4be1c07".repeat(5),
        },
        below: None,
        rows_refused: None,
        metadata: true,
        upgrade: Some(transcript("upgrade head", &["r2"])),
        deeds: vec![StatementCounts {
            table: "essays".into(),
            kind: StatementKind::Select,
            works: 5,
            fails: 0,
        }],
        left_out: Vec::new(),
        states: vec![State::default()],
        mixed: Vec::new(),
        tables: BTreeMap::new(),
        classes: BTreeMap::new(),
    }
}

fn accepted(text: &str) -> SchemaFile {
    SchemaFile {
        path: "schemas/a.sql".into(),
        content: Content::Text(text.into()),
        of_no_service: Vec::new(),
    }
}

fn merge(graph: Graph) -> Merge {
    Merge {
        base_ref: "origin/main".into(),
        commit: "1".repeat(40),
        parted: "2".repeat(40),
        graph,
        ours: ["r2".to_owned()].into(),
        theirs: ["r3".to_owned()].into(),
        conflicts: Vec::new(),
        brought: Vec::new(),
        published: Vec::new(),
    }
}

fn published() -> PublishedRevisions {
    PublishedRevisions {
        base_ref: "origin/main".into(),
        parted: "2".repeat(40),
        count: 1,
        changes: Vec::new(),
        added: Vec::new(),
    }
}

fn trip(id: &str) -> RoundTrip {
    RoundTrip {
        revision: id.into(),
        up: transcript("upgrade", &[id]),
        up_after_others: None,
        down: Some(transcript("downgrade", &[id])),
        left: Vec::new(),
        again: Some(transcript("upgrade", &[id])),
        lost: Vec::new(),
    }
}

fn criterion(id: &str) -> &'static Criterion {
    criteria::ALL
        .iter()
        .find(|criterion| criterion.id == id)
        .unwrap()
}

fn verdict(id: &str, evidence: &Evidence) -> Verdict {
    criterion(id).verdict(&service(), evidence)
}

fn titles(verdict: &Verdict) -> Vec<String> {
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
        let verdict = criterion.verdict(&service(), &evidence());
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
#[case::no_revisions("single_head", |e: &mut Evidence| e.history.graph = graph(&[]))]
#[case::no_revisions_after_the_merge("single_head", |e: &mut Evidence| e.merge = Some(merge(graph(&[]))))]
#[case::two_heads_after_the_merge("single_head", |e: &mut Evidence| e.merge = Some(merge(graph(&[("r1", &[]), ("r2", &["r1"]), ("r3", &["r1"])]))))]
#[case::no_transcript("upgrade_head", |e: &mut Evidence| e.migrated = None)]
#[case::no_steps("upgrade_head", |e: &mut Evidence| e.stepped = None)]
#[case::no_second("upgrade_head", |e: &mut Evidence| migrated(e).second = None)]
#[case::no_catalog("upgrade_head", |e: &mut Evidence| migrated(e).catalog = None)]
#[case::no_stepped_catalog("upgrade_head", |e: &mut Evidence| stepped(e).catalog = None)]
#[case::no_version_table("upgrade_head", |e: &mut Evidence| migrated(e).versions = None)]
#[case::no_stepped_versions("upgrade_head", |e: &mut Evidence| stepped(e).versions = None)]
#[case::another_services_graph("upgrade_head", |e: &mut Evidence| e.history.graph = graph(&[("other", &[])]))]
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
#[case::no_revisions("published_revisions", |e: &mut Evidence| e.history.graph = graph(&[]))]
#[case::empty_file("deployed_schema", |e: &mut Evidence| e.schema = Some(accepted("")))]
fn evidence_taken_away_is_red(#[case] id: &str, #[case] take: fn(&mut Evidence)) {
    let mut evidence = evidence();
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
                let mut evidence = evidence();
                how(&mut evidence, *part);
                let verdict = criterion.verdict(&service(), &evidence);
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
            migrated.upgrade = transcript("upgrade head", &[]);
            (migrated.versions, migrated.catalog, migrated.outbox) = (None, None, None);
        }
        Part::Stepped => {
            *stepped(evidence) = Stepped {
                upgrade: transcript("upgrade, one revision at a time", &[]),
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
        let mut evidence = evidence();
        evidence.service = "services/b.toml".into();
        let verdict = criterion.verdict(&service(), &evidence);
        assert!(
            matches!(&verdict, Verdict::Blocked { by: Blocker::Evidence, because }
                if because.contains("services/b.toml")),
            "{}: {verdict:?}",
            criterion.id
        );
    }
}

fn migrated(evidence: &mut Evidence) -> &mut Migrated {
    evidence.migrated.as_mut().unwrap()
}

fn stepped(evidence: &mut Evidence) -> &mut Stepped {
    evidence.stepped.as_mut().unwrap()
}

fn stairway(evidence: &mut Evidence) -> &mut Stairway {
    evidence.stairway.as_mut().unwrap()
}

fn models(evidence: &mut Evidence) -> &mut Models {
    evidence.models.as_mut().unwrap()
}

fn outbox_of(evidence: &mut Evidence) -> &mut Outbox {
    migrated(evidence).outbox.as_mut().unwrap()
}

fn place(revision: &str, line: u32) -> Place {
    Place {
        revision: Some(revision.into()),
        ..Place::line(&file(revision), line)
    }
}

fn statement(number: u64, sql: &str, failed: Option<(&str, &str)>) -> Statement {
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

fn raised(sqlstate: &str, message: &str) -> Exception {
    Exception {
        class: "ProgrammingError".into(),
        message: format!("(psycopg.errors.Some) {message}"),
        sqlstate: Some(sqlstate.into()),
        needs_application: false,
        exit_status: None,
        frames: Vec::new(),
        code: None,
        needs: None,
        notes: Vec::new(),
        refused: None,
    }
}

fn creation(
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
