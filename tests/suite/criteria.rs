//! Criteria on hand-built evidence: green where all is well, and red as soon as the
//! evidence is taken away, whatever the criterion.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use migration_harness::alembic::graph::{Graph, Revision};
use migration_harness::alembic::revision_file::RevisionFile;
use migration_harness::alembic::transcript::{
    Direction, EnumCreation, EnumSource, Outcome, Place, Raised, Statement, StatementOutcome, Step,
    Transcript,
};
use migration_harness::criteria::{self, Blocker, Criterion, Help, Verdict};
use migration_harness::evidence::catalog::{Change, Object, ObjectKind};
use migration_harness::evidence::deployment::{Origin, Plan, Rollout};
use migration_harness::evidence::models::Drift;
use migration_harness::evidence::notes::{Content, NotesFile};
use migration_harness::evidence::outbox::{Expected, Index, Outbox};
use migration_harness::evidence::stairway::{Descent, Rung};
use migration_harness::evidence::{
    Catalog, Deployment, Evidence, History, Merge, Migrated, Models, Part, SchemaFile, Stairway,
    Stepped,
};
use migration_harness::manifest::{
    Deployed, IndexConvention, Manifest, NotesConvention, OutboxConvention, Reasoned, Service,
    Timeouts, Topic,
};
use migration_harness::postgres;
use migration_harness::schema;
use pretty_assertions::assert_eq;
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
        deployed: Deployed::At(vec!["r1".into()]),
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
        expected: vec![Expected {
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
            python_for: Vec::new(),
            found: Vec::new(),
            raised: None,
        },
        notes: Some(notes(
            Some("# A\n\n## Heads\n\nOne."),
            Some("# Enums\n\nOnce."),
        )),
        merge: None,
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
            rungs: vec![rung("r1"), rung("r2")],
            unreached: Vec::new(),
            descent: Some(Descent {
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
                not_restored: Vec::new(),
            }],
        }),
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
    }
}

fn rung(id: &str) -> Rung {
    Rung {
        revision: id.into(),
        up: transcript("upgrade", &[id]),
        worn: None,
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
#[case::no_rungs("downgrade", |e: &mut Evidence| stairway(e).rungs.clear())]
#[case::one_rung_short("downgrade", |e: &mut Evidence| stairway(e).rungs.truncate(1))]
#[case::no_downgrade("downgrade", |e: &mut Evidence| stairway(e).rungs[0].down = None)]
#[case::no_second_upgrade("downgrade", |e: &mut Evidence| stairway(e).rungs[0].again = None)]
#[case::nothing_taken_back("downgrade", |e: &mut Evidence| stairway(e).rungs[0].down.as_mut().unwrap().steps.clear())]
#[case::no_descent("downgrade", |e: &mut Evidence| stairway(e).descent = None)]
#[case::no_models("model_drift", |e: &mut Evidence| e.models = None)]
#[case::no_database("model_drift", |e: &mut Evidence| e.migrated = None)]
#[case::no_metadata("model_drift", |e: &mut Evidence| models(e).metadata = false)]
#[case::no_tables("model_drift", |e: &mut Evidence| models(e).tables.clear())]
#[case::never_built("model_drift", |e: &mut Evidence| models(e).built.outcome = Outcome::Raised(raised("42704", "no")))]
#[case::no_ascent("downgrade", |e: &mut Evidence| stairway(e).descent.as_mut().unwrap().again = None)]
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
                rungs: Vec::new(),
                unreached: Vec::new(),
                descent: None,
            }
        }
        Part::Models => {
            let models = models(evidence);
            (models.metadata, models.tables) = (false, Vec::new());
        }
        Part::Deployment => evidence.deployment.as_mut().unwrap().rollouts.clear(),
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

#[test]
fn what_the_manifest_declares_is_not_judged() {
    let mut service = service();
    service
        .not_applicable
        .insert("outbox_indexes".into(), "publishes no events".into());
    let mut evidence = evidence();
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
    let mut evidence = evidence();
    evidence.history.graph = graph(&[("r1", &[]), ("r2", &["r1"]), ("r3", &["r1"])]);
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
    let mut evidence = evidence();
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
    let mut evidence = evidence();
    migrated(&mut evidence).upgrade.steps[1].awaitable = true;
    assert!(titles(&verdict("upgrade_head", &evidence))[0].contains("nobody awaits it"));
}

#[test]
fn a_second_upgrade_must_run_nothing() {
    let mut evidence = evidence();
    migrated(&mut evidence).second = Some(transcript("upgrade head", &["r1", "r2"]));
    migrated(&mut evidence).versions = None;
    assert_eq!(
        titles(&verdict("upgrade_head", &evidence)),
        ["a second `alembic upgrade head` runs 2 revisions again"]
    );
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

fn raised(sqlstate: &str, message: &str) -> Raised {
    Raised {
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

#[rstest]
#[case::same_labels(creation("r2", &["a"], Some(&["a"]), Some(&["a"])), false)]
#[case::other_labels(creation("r2", &["a", "b"], Some(&["a"]), Some(&["a"])), true)]
#[case::other_order(creation("r2", &["b", "a"], Some(&["a", "b"]), Some(&["a", "b"])), true)]
#[case::dropped_in_between(creation("r2", &["b"], None, Some(&["b"])), false)]
#[case::dropped_by_the_same_statement(creation("r2", &["b"], Some(&["a"]), Some(&["b"])), false)]
fn a_guarded_second_creation(#[case] second: EnumCreation, #[case] red: bool) {
    let mut evidence = evidence();
    migrated(&mut evidence).upgrade.enums =
        vec![creation("r1", &["a"], None, Some(&["a"])), second];
    assert_eq!(verdict("enum_types", &evidence).is_red(), red);
}

#[test]
fn a_type_created_twice_names_both_places() {
    let mut evidence = evidence();
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
    let mut evidence = evidence();
    outbox_of(&mut evidence).actual[0].definition = definition.into();
    let Verdict::Fail(findings) = verdict("outbox_indexes", &evidence) else {
        panic!()
    };
    assert!(findings[0].title.contains(says), "{findings:?}");
    assert!(findings[0].comparison.is_some(), "{findings:?}");
}

#[test]
fn an_invalid_index_is_red() {
    let mut evidence = evidence();
    outbox_of(&mut evidence).actual[0].valid = false;
    assert_eq!(
        titles(&verdict("outbox_indexes", &evidence)),
        ["index \"ix\" is invalid, so no query uses it"]
    );
}

fn left(kind: &str, name: &str) -> Vec<Change> {
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
    let mut evidence = evidence();
    let rung = &mut stairway(&mut evidence).rungs[0];
    rung.left = left("enum type", "status");
    rung.again = None;
    rung.up
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
    let mut evidence = evidence();
    stairway(&mut evidence).rungs[0].left = left("extension", "pg_trgm");
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
    let mut service = service();
    service
        .one_way
        .insert("r2".into(), "PostgreSQL cannot remove an enum label".into());
    let mut evidence = evidence();
    if raises {
        let rung = &mut stairway(&mut evidence).rungs[1];
        rung.down.as_mut().unwrap().outcome = Outcome::Raised(raised("0A000", "no"));
        rung.again = None;
    }
    assert_eq!(
        criterion("downgrade").verdict(&service, &evidence).is_red(),
        red
    );
}

#[test]
fn a_one_way_revision_that_is_not_there_is_red() {
    let mut service = service();
    service.one_way.insert("r9".into(), "gone".into());
    let Verdict::Fail(findings) = criterion("downgrade").verdict(&service, &evidence()) else {
        panic!()
    };
    assert!(
        findings[0].title.contains("no such revision"),
        "{findings:?}"
    );
}

#[test]
fn a_missing_note_names_topic_files_and_what_to_paste() {
    let mut evidence = evidence();
    evidence.notes = Some(notes(None, Some("# Heads\n\nOne.\n\n# Enums\n")));
    let Verdict::Fail(findings) = verdict("migration_notes", &evidence) else {
        panic!()
    };
    assert_eq!(findings.len(), 1, "{findings:?}");
    let finding = &findings[0];
    assert_eq!(finding.title, "no note on several enums");
    assert_eq!(
        (finding.marks[0].place.line, &*finding.marks[0].label),
        (5, "there is no text below this heading")
    );
    assert_eq!(
        finding.notes[0],
        "looked in: a/README.md (no such file), a/alembic/README.md"
    );
    assert_eq!(
        finding.help,
        [Help::Text(
            "write it into a/alembic/README.md, for instance:\n\n## enums\n\nOne is enough.\n"
                .into()
        )]
    );
}

#[rstest]
#[case::no_convention(|service: &mut Service| service.notes = None)]
#[case::no_topic(|service: &mut Service| service.notes.as_mut().unwrap().topics.clear())]
fn notes_without_a_convention_are_not_judged(#[case] take: fn(&mut Service)) {
    let mut service = service();
    take(&mut service);
    let verdict = criterion("migration_notes").verdict(&service, &evidence());
    assert!(matches!(verdict, Verdict::Blocked { .. }), "{verdict:?}");
}

/// What a red case tells people to paste must make it green.
#[test]
fn the_shipped_paragraphs_are_notes() {
    let directory = crate::judge::repository().join("services-manifest");
    let manifest = Manifest { directory };
    let file = manifest.services_directory().join("identity_service.toml");
    let mut service = manifest.service(&file, &criteria::ids()).unwrap();
    let mut convention = service.notes.take().unwrap();
    let pasted: Vec<String> = convention
        .topics
        .iter()
        .map(|topic| topic.paragraph.clone())
        .collect();
    let mut evidence = evidence();
    evidence.service = file;
    evidence.notes = Some(notes(None, Some(&pasted.join("\n"))));
    for by_words in [false, true] {
        if by_words {
            convention
                .topics
                .iter_mut()
                .for_each(|topic| topic.headings.clear());
        }
        service.notes = Some(convention.clone());
        let verdict = criterion("migration_notes").verdict(&service, &evidence);
        assert!(!verdict.is_red(), "{verdict:?}");
    }
}

fn column(definition: &str) -> Object {
    Object {
        schema: Some("public".into()),
        kind: ObjectKind::Column,
        name: "essays.title".into(),
        definition: definition.into(),
    }
}

#[rstest]
#[case::open(None, true)]
#[case::accepted(Some("essays.title"), false)]
#[case::another_accepted(Some("essays.points"), true)]
fn a_difference_is_red_unless_someone_wrote_why(#[case] accepted: Option<&str>, #[case] red: bool) {
    let mut evidence = evidence();
    models(&mut evidence).drifts = vec![Drift {
        used_by: Vec::new(),
        table: Some("essays".into()),
        schema: None,
        migrated: Some(column("text")),
        model: Some(column("character varying(20)")),
    }];
    let mut service = service();
    service
        .accepted_drift
        .extend(accepted.map(|subject| (subject.to_owned(), why())));
    assert_eq!(
        criterion("model_drift")
            .verdict(&service, &evidence)
            .is_red(),
        red
    );
}

fn why() -> Reasoned {
    Reasoned {
        reason: "why".to_owned(),
        inherited: false,
    }
}

/// A catalog of one table, whose columns are given as `name: definition`.
fn table(columns: &[(&str, &str)]) -> Catalog {
    let object = |kind: &str, name: String, definition: &str| Object {
        schema: Some("public".into()),
        kind: kind.parse().unwrap(),
        name,
        definition: definition.into(),
    };
    let order: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let mut objects = vec![
        object("schema", "public".into(), ""),
        object("table", "essays".into(), ""),
        object("column order", "essays".into(), &order.join(", ")),
        object(
            "index",
            "ix_essays".into(),
            "CREATE INDEX ix_essays ON public.essays USING btree (a)",
        ),
    ];
    objects.extend(
        columns
            .iter()
            .map(|(name, definition)| object("column", format!("essays.{name}"), definition)),
    );
    Catalog { objects }
}

#[rstest]
#[case::same(&[("a", "text"), ("b", "bigint")], None)]
#[case::dropped(&[("a", "text")], Some("table public.essays is not as accepted: this is destructive"))]
#[case::narrowed(&[("a", "text"), ("b", "integer")], Some("table public.essays is not as accepted: this is destructive"))]
#[case::added(&[("a", "text"), ("b", "bigint"), ("c", "text")], Some("table public.essays is not as accepted"))]
#[case::reordered(&[("b", "bigint"), ("a", "text")], Some("table public.essays is not as accepted"))]
fn a_schema_is_the_accepted_one(#[case] columns: &[(&str, &str)], #[case] title: Option<&str>) {
    let mut evidence = evidence();
    let before = table(&[("a", "text"), ("b", "bigint")]);
    evidence.schema = Some(accepted(&schema::text("a", &before)));
    migrated(&mut evidence).catalog = Some(table(columns));
    let verdict = verdict("deployed_schema", &evidence);
    match title {
        Some(title) => assert_eq!(titles(&verdict), [title]),
        None => assert_eq!(verdict, Verdict::pass()),
    }
}

#[test]
fn the_version_table_is_no_part_of_the_schema() {
    let mut evidence = evidence();
    let mut catalog = Catalog::default();
    for (kind, name) in [
        ("table", "alembic_version"),
        ("column", "alembic_version.version_num"),
    ] {
        let schema = Some("public".into());
        catalog.objects.push(Object {
            schema,
            kind: kind.parse().unwrap(),
            name: name.into(),
            definition: String::new(),
        });
    }
    migrated(&mut evidence).catalog = Some(catalog);
    assert_eq!(verdict("deployed_schema", &evidence), Verdict::pass());
}

#[rstest]
#[case::two_catalogs("upgrade_head", |e: &mut Evidence| {
    stepped(e).catalog.as_mut().unwrap().objects.push(column("text"));
})]
#[case::left_at_base("downgrade", |e: &mut Evidence| {
    stairway(e).descent.as_mut().unwrap().left = left("table", "essays");
})]
#[case::index_under_another_name("outbox_indexes", |e: &mut Evidence| {
    outbox_of(e).actual[0].name = "other".into();
})]
fn what_only_a_whole_comparison_shows_is_a_finding(
    #[case] id: &str,
    #[case] change: fn(&mut Evidence),
) {
    let mut evidence = evidence();
    change(&mut evidence);
    let titles = titles(&verdict(id, &evidence));
    assert!(
        !titles.is_empty() && titles.iter().all(|title| !title.is_empty()),
        "{titles:?}"
    );
}
