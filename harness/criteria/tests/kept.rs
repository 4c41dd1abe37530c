//! The findings about what is kept beside the migrations: notes, models, the accepted schema.

use std::path::Path;

use pretty_assertions::assert_eq;
use rstest::rstest;

use super::evidence::{criterion, models, outbox_of, stairway, titles, verdict};
use super::findings::left;
use crate::criteria::{self, Help, Verdict};
use crate::evidence::catalog::{Object, ObjectKind};
use crate::evidence::models::Drift;
use crate::evidence::{Catalog, Evidence};
use crate::manifest::{Justification, Manifest, Service};
use crate::schema;
use crate::testing::whole::{accepted, notes, whole_evidence, whole_service};
use crate::testing::{migrated, stepped};

#[test]
fn a_missing_note_names_topic_files_and_what_to_paste() {
    let mut evidence = whole_evidence();
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
        [
            Help::Text(
                "write it into a/alembic/README.md, for instance:\n\n## enums\n\nOne is enough.\n"
                    .into()
            ),
            Help::Text(
                "where it may stay for a while: in services/a.toml, [migration_notes.accepted] \"enums\" = \"<reason>\""
                    .into()
            ),
        ]
    );
}

#[rstest]
#[case::no_convention(|service: &mut Service| service.notes = None)]
#[case::no_topic(|service: &mut Service| service.notes.as_mut().unwrap().topics.clear())]
fn notes_without_a_convention_are_not_judged(#[case] take: fn(&mut Service)) {
    let mut service = whole_service();
    take(&mut service);
    let verdict = criterion("migration_notes").verdict(&service, &whole_evidence());
    assert!(matches!(verdict, Verdict::Blocked { .. }), "{verdict:?}");
}

/// The paragraphs that a red case tells people to paste make it green.
#[test]
fn the_shipped_paragraphs_are_notes() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directory = repository.join("services-manifest");
    let manifest = Manifest { directory };
    let file = manifest.services_directory().join("identity_service.toml");
    let mut service = manifest.service(&file, &criteria::ids()).unwrap();
    let mut convention = service.notes.take().unwrap();
    let pasted: Vec<String> = convention
        .topics
        .iter()
        .map(|topic| topic.paragraph.clone())
        .collect();
    let mut evidence = whole_evidence();
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
    let mut evidence = whole_evidence();
    models(&mut evidence).drifts = vec![Drift {
        used_by: Vec::new(),
        table: Some("essays".into()),
        schema: None,
        migrated: Some(column("text")),
        model: Some(column("character varying(20)")),
        renamed: false,
    }];
    let mut service = whole_service();
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

fn why() -> Justification {
    Justification {
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
    let mut evidence = whole_evidence();
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
    let mut evidence = whole_evidence();
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
    stairway(e).full_downgrade.as_mut().unwrap().left = left("table", "essays");
})]
#[case::index_under_another_name("outbox_indexes", |e: &mut Evidence| {
    outbox_of(e).actual[0].name = "other".into();
})]
fn what_only_a_whole_comparison_shows_is_a_finding(
    #[case] id: &str,
    #[case] change: fn(&mut Evidence),
) {
    let mut evidence = whole_evidence();
    change(&mut evidence);
    let titles = titles(&verdict(id, &evidence));
    assert!(
        !titles.is_empty() && titles.iter().all(|title| !title.is_empty()),
        "{titles:?}"
    );
}
