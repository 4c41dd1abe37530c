//! A long history that is tried in parts at once, walked down and up or on rows, is seen as in
//! one.

use std::fs;

use migration_harness::postgres::files::{Modes, copy_tree};
use pretty_assertions::assert_eq;
use rstest::rstest;
use serde_json::Value;

use crate::judge::{Judged, judge, python, repository};

const UNUSUAL: &str = "tests/unusual";

/// The long history of `tests/unusual`, to be changed.
struct Copy(tempfile::TempDir);

impl Copy {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let unusual = repository().join(UNUSUAL);
        for part in ["libs", "long_history"] {
            let (from, to) = (unusual.join(part), dir.path().join(part));
            copy_tree(&from, &to, Modes::Shared).unwrap();
        }
        let manifest = dir.path().join("services-manifest");
        fs::create_dir_all(manifest.join("services")).unwrap();
        let python = python();
        let defaults = format!(
            "root = \"..\"\npython = {python:?}\ndriver = \"asyncpg\"\n[not_applicable]\n\
             model_drift = \"no models\"\nmigration_notes = \"no notes\"\n\
             deployed_schema = \"not deployed\"\noutbox_indexes = \"no outbox\"\n\
             [postgres]\nprovider = \"local\"\n"
        );
        fs::write(manifest.join("defaults.toml"), defaults).unwrap();
        let service = "path = \"long_history\"\ndatabase_url_env = \"DATABASE_URL\"\n";
        fs::write(manifest.join("services/long_history.toml"), service).unwrap();
        Self(dir)
    }

    fn declare(&self, text: &str) {
        let file = self
            .0
            .path()
            .join("services-manifest/services/long_history.toml");
        fs::write(&file, fs::read_to_string(&file).unwrap() + text).unwrap();
    }

    /// Puts a line before all others of a revision's function.
    fn begin(&self, revision: u32, function: &str, line: &str) {
        let name = format!("{revision:04}_step_{revision}.py");
        let file = self
            .0
            .path()
            .join("long_history/alembic/versions")
            .join(name);
        let text = fs::read_to_string(&file).unwrap();
        let head = format!("def {function}() -> None:\n");
        assert!(text.contains(&head), "{text}");
        fs::write(&file, text.replace(&head, &format!("{head}    {line}\n"))).unwrap();
    }

    /// Runs some criteria, or all, with so many cores: the output, and the report but for
    /// times and places.
    fn judged(&self, cores: u32, criteria: &[&str]) -> (Judged, Value) {
        let report = self.0.path().join("report");
        let threads = format!("--test-threads={cores}");
        let judged = judge(
            &self.0.path().join("services-manifest"),
            &[&[threads.as_str()], criteria].concat(),
            &[
                ("HARNESS_LOG", "debug"),
                ("REPORT_DIR", report.to_str().unwrap()),
            ],
        );
        let text = fs::read_to_string(report.join("report.json")).unwrap();
        let mut report: Value = serde_json::from_str(&text).unwrap();
        strip(&mut report);
        (judged, report)
    }
}

/// Takes out of a report what differs from run to run.
fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for name in ["seconds", "runs"] {
                fields.remove(name);
            }
            fields.values_mut().for_each(strip);
        }
        Value::Array(values) => values.iter_mut().for_each(strip),
        Value::String(text) => {
            let lines = text.lines().filter(|line| !line.contains("/runs/"));
            *text = lines.collect::<Vec<_>>().join("\n");
        }
        _ => {}
    }
}

const IN_PARTS: &str = "parts at once";

#[rstest]
#[case::nothing(&[], "", 0)]
#[case::a_downgrade_in_the_first_part(&[(5, "downgrade", "return")], "", 101)]
#[case::a_downgrade_in_the_last_part(&[(28, "downgrade", "op.drop_table('table_27')")], "", 101)]
#[case::one_in_each(
    &[(2, "downgrade", "return"), (16, "downgrade", "raise ValueError"), (30, "downgrade", "return")],
    "", 101
)]
#[case::one_way(
    &[(9, "downgrade", "raise NotImplementedError")],
    "[downgrade.one_way]\n\"0009\" = \"rows are merged\"\n", 0
)]
#[case::one_way_that_does_nothing(
    &[(9, "downgrade", "return")],
    "[downgrade.one_way]\n\"0009\" = \"rows are merged\"\n", 0
)]
#[case::an_extension_that_stays(
    &[(20, "upgrade", "op.execute('CREATE EXTENSION IF NOT EXISTS hstore')")], "", 0
)]
#[case::an_interpreter_that_ends(&[(12, "downgrade", "import os; os._exit(3)")], "", 101)]
#[case::one_that_ends_at_last(&[(29, "downgrade", "import os; os._exit(3)")], "", 101)]
fn parts_at_once_see_what_a_walk_in_one_sees(
    #[case] changes: &[(u32, &str, &str)],
    #[case] declared: &str,
    #[case] code: i32,
) {
    let service = Copy::new();
    service.declare(declared);
    for (revision, function, line) in changes {
        service.begin(*revision, function, line);
    }
    let (in_one, seen_in_one) = service.judged(1, &[]);
    let (in_parts, seen_in_parts) = service.judged(3, &[]);
    assert_eq!(in_one.code, Some(code), "{}", in_one.all());
    assert!(!in_one.stderr.contains(IN_PARTS), "{}", in_one.all());
    assert!(in_parts.stderr.contains(IN_PARTS), "{}", in_parts.all());
    assert_eq!(in_parts.results(), in_one.results());
    assert_eq!(seen_in_parts, seen_in_one);
}

/// Every row of a table loses a value.
const LOSES: &str =
    "op.execute('ALTER TABLE event_outbox DROP COLUMN event_data, ADD COLUMN event_data jsonb')";
/// No row is as the constraint wants it.
const FAILS: &str = "op.execute('ALTER TABLE event_outbox ADD CHECK (id IS NULL)')";
/// Each revision is a deployment of its own.
const DEPLOYED: &str = "deployed = \"base\"\n";

#[rstest]
#[case::nothing(&[], 0)]
#[case::rows_that_are_lost_in_the_first_part(&[(3, "upgrade", LOSES)], 101)]
#[case::rows_that_are_lost_in_the_last_part(&[(29, "upgrade", LOSES)], 101)]
#[case::an_upgrade_that_fails_with_rows_in_each(&[(4, "upgrade", FAILS), (27, "upgrade", FAILS)], 101)]
fn deployments_in_parts_at_once_are_seen_as_one_after_the_other(
    #[case] changes: &[(u32, &str, &str)],
    #[case] code: i32,
) {
    let service = Copy::new();
    service.declare(DEPLOYED);
    for (revision, function, line) in changes {
        service.begin(*revision, function, line);
    }
    let (in_one, seen_in_one) = service.judged(1, &["rows", "locks"]);
    let (in_parts, seen_in_parts) = service.judged(3, &["rows", "locks"]);
    assert_eq!(in_one.code, Some(code), "{}", in_one.all());
    let tried = "the deployments are tried in";
    assert!(!in_one.stderr.contains(tried), "{}", in_one.all());
    assert!(in_parts.stderr.contains(tried), "{}", in_parts.all());
    assert_eq!(in_parts.results(), in_one.results());
    assert_eq!(seen_in_parts, seen_in_one);
}
