//! Proved fixes in every output: the report, the page, SARIF; and the time that proving takes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use migration_harness::report::data::{Class, Report};
use migration_harness::report::{join, page};
use pretty_assertions::assert_eq;
use rstest::rstest;
use serde_json::Value;

use crate::fixes::Faults;
use crate::judge::{Judged, judge};
use crate::outputs::is_valid_json;

/// One run of `fix` with its report and its SARIF log.
struct FixRun {
    ran: Judged,
    report: Report,
    sarif: Value,
}

fn look(faults: &Faults, arguments: &[&str], variables: &[(&str, &str)]) -> FixRun {
    let directory = faults.path("report");
    let log = directory.join("fix.sarif");
    let output = format!("--output=sarif={}", log.display());
    let mut all = vec![output.as_str()];
    all.extend(arguments);
    let mut given = vec![("REPORT_DIR", directory.to_str().unwrap())];
    given.extend(variables);
    let ran = faults.fix(&all, &given);
    let report = join::load(&directory).unwrap_or_else(|why| panic!("{why}\n{}", ran.all()));
    let sarif = is_valid_json(
        "sarif-2.1.0.json",
        &fs::read_to_string(&log).expect("a log"),
    );
    FixRun { ran, report, sarif }
}

/// The files of a SARIF fix with its replacements made, as an editor does it.
fn applied(root: &Path, fix: &Value) -> BTreeMap<String, String> {
    let changes = fix["artifactChanges"].as_array().unwrap().iter();
    let file = |change: &Value| {
        let uri = change["artifactLocation"]["uri"].as_str().unwrap();
        let text = fs::read_to_string(root.join(uri)).unwrap_or_default();
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        let replacements = change["replacements"].as_array().unwrap();
        for replacement in replacements.iter().rev() {
            let region = &replacement["deletedRegion"];
            let line = |key: &str| region[key].as_u64().unwrap() as usize - 1;
            assert_eq!(
                (&region["startColumn"], &region["endColumn"]),
                (&1.into(), &1.into())
            );
            let text = replacement["insertedContent"]["text"].as_str();
            lines.splice(
                line("startLine")..line("endLine"),
                [text.unwrap_or_default().to_owned()],
            );
        }
        (uri.to_owned(), lines.concat())
    };
    changes.map(file).collect()
}

#[test]
fn what_was_proved_is_in_the_report_on_the_page_and_in_sarif() {
    let fault = "enum_created_twice_in_essay_lifecycle";
    let faults = Faults::new(&[fault, "cycle"]);
    faults.commit();
    let FixRun { ran, report, sarif } = look(&faults, &[], &[]);
    let service = |name: &str| report.services.iter().find(|one| one.name == name);
    let fixes = service(fault).and_then(|one| one.fixes.clone()).unwrap();
    let [fix] = fixes.offered.as_slice() else {
        panic!("{fixes:?}\n{}", ran.all());
    };
    assert_eq!(
        (fix.criterion.as_str(), fix.class),
        ("enum_types", Class::Safe)
    );
    assert_eq!(fix.ends, [0]);
    assert!(ran.stdout.contains(fix.diff.trim_end()), "{}", ran.all());
    assert_eq!(
        fixes.commands,
        [format!(
            "SERVICES_MANIFEST={} migration-harness fix ::{fault}.toml --write",
            faults.manifest().display()
        )]
    );
    let cycle = service("cycle").and_then(|one| one.fixes.clone()).unwrap();
    assert!(
        cycle.offered.is_empty() && !cycle.left.is_empty(),
        "{cycle:?}"
    );

    let html = page::html(&report);
    assert!(html.contains("Fixes of what is red"), "{html}");
    assert!(
        html.contains("<code class=\"command\" data-what=\"the diff of "),
        "{html}"
    );
    assert!(
        html.contains(&format!("fix ::{fault}.toml --write</code>")),
        "{html}"
    );

    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let of = |criterion: &str, service: &str| {
        let mut all = results.iter();
        all.find(|one| one["ruleId"] == criterion && one["properties"]["service"] == service)
    };
    assert_eq!(of("single_head", "cycle").unwrap().get("fixes"), None);
    let fix = &of("enum_types", fault).unwrap()["fixes"][0];
    let root = faults.path("");
    let expected = applied(&root, fix);
    let written = faults.fix(&["--write", &format!("::{fault}.toml")], &[]);
    assert_eq!(written.code, Some(0), "{}", written.all());
    for (file, text) in expected {
        assert_eq!(
            fs::read_to_string(root.join(&file)).unwrap(),
            text,
            "{file}"
        );
    }
}

#[test]
fn fixes_of_several_findings_can_be_applied_one_by_one_and_reports_of_them_joined() {
    let faults = Faults::new(&["outbox_index_missing", "downgrade_leaves_four_objects"]);
    let one = look(&faults, &["::outbox_index_missing.toml"], &[]).report;
    let other = look(&faults, &["::downgrade_leaves_four_objects.toml"], &[]).report;
    let joined = join::join(vec![one, other]).unwrap();
    for service in &joined.services {
        let fixes = service.fixes.as_ref().expect("fixes of both");
        let ends: Vec<usize> = fixes
            .offered
            .iter()
            .flat_map(|fix| fix.ends.clone())
            .collect();
        let mut cases = joined.cases.iter();
        let red = cases.find(|case| case.service == service.name && case.outcome.is_red());
        let findings = red.map_or(0, |case| case.findings.len());
        assert_eq!(ends, (0..findings).collect::<Vec<_>>(), "{fixes:?}");
    }
}

/// A revision that takes long where a fix is tried, and nowhere else.
const SLOW: &str = "\
import time

revision = '20260101_0001'
down_revision = '20250711_0001'


def upgrade():
    if 'overlay-' in __file__:
        time.sleep(300)


def downgrade():
    pass
";

#[test]
fn an_attempt_ends_when_time_is_over() {
    let fault = "enum_created_twice_in_essay_lifecycle";
    let faults = Faults::new(&[fault]);
    let slow = format!("{fault}/alembic/versions/slow.py");
    fs::write(faults.path(&slow), SLOW).unwrap();
    let began = Instant::now();
    let FixRun { ran, report, .. } = look(&faults, &["--limit=5"], &[]);
    assert!(began.elapsed() < Duration::from_secs(60), "{}", ran.all());
    assert_eq!(ran.code, Some(1), "{}", ran.all());
    assert!(
        ran.stdout.contains(": not proved within 5 s"),
        "{}",
        ran.all()
    );
    let refused = &report.services[0].fixes.as_ref().unwrap().refused;
    assert_eq!(refused.len(), 1, "{refused:?}");
}

#[rstest]
#[case::an_index("locks_index_not_concurrently", "builds its index concurrently")]
#[case::an_index_in_a_block("locks_index_in_autocommit_block", "builds its index concurrently")]
#[case::a_check(
    "locks_check_validated_at_once",
    "adds orders_total_positive NOT VALID"
)]
#[case::a_foreign_key(
    "locks_foreign_key_validated_at_once",
    "adds orders_customer NOT VALID"
)]
#[case::a_validation(
    "locks_validated_in_one_transaction",
    "validates in a transaction of its own"
)]
#[case::not_null("locks_set_not_null", "proves orders.customer_id NOT NULL")]
#[case::a_unique("locks_unique_built_by_the_constraint", "and makes it the constraint")]
#[case::a_timeout(
    "locks_without_timeout_where_required",
    "waits for a lock for 5 s at most"
)]
fn the_steps_of_a_deployment_that_locks_are_written_and_green(
    #[case] fault: &str,
    #[case] what: &str,
) {
    let faults = Faults::new(&[fault]);
    let filter = format!("locks::{fault}.toml");
    let safe = faults.fix(&[&filter, "--write"], &[]);
    assert!(
        safe.stdout.contains("fix[locks] (unsafe): "),
        "{}",
        safe.all()
    );
    assert!(safe.stdout.contains(what), "{}", safe.all());
    assert_eq!(safe.code, Some(1), "{}", safe.all());
    let written = faults.fix(&[&filter, "--write", "--unsafe"], &[]);
    assert_eq!(written.code, Some(0), "{}", written.all());
    let green = judge(&faults.manifest(), &[&filter], &[]);
    assert_eq!(green.code, Some(0), "{}\n{}", written.stdout, green.all());
}

#[rstest]
#[case::a_type("locks_type_rewritten", "what rewrites a table needs a new column")]
#[case::a_column_that_rows_lack("rows_not_null_without_default", "get, only you know")]
#[case::rows("locks_backfill_after_added_column", "rows are changed in batches")]
fn work_that_no_steps_divide_is_refused_with_the_reason(#[case] fault: &str, #[case] why: &str) {
    let faults = Faults::new(&[fault]);
    let before = faults.files();
    let refused = faults.fix(&["--write", "--unsafe"], &[]);
    assert_eq!(refused.code, Some(1), "{}", refused.all());
    assert!(refused.stdout.contains(why), "{}", refused.all());
    assert_eq!(faults.files(), before, "something was written");
}

/// A revision with a column that no model has.
const LEGACY: &str = "\
revision = '20260101_0001'
down_revision = '20250707_0001'

import sqlalchemy as sa
from alembic import op


def upgrade():
    op.add_column('essays', sa.Column('legacy', sa.Text()))


def downgrade():
    op.drop_column('essays', 'legacy')
";

#[test]
fn what_loses_data_is_written_as_a_comment() {
    let fault = "drift_table_not_migrated";
    let faults = Faults::new(&[fault]);
    let file = format!("{fault}/alembic/versions/legacy.py");
    fs::write(faults.path(&file), LEGACY).unwrap();
    let written = faults.fix(&["--write", "--unsafe"], &[]);
    for said in [
        "+    op.create_table('grades',",
        "+    # What loses data is left to you, once nothing reads it any more:",
        "+    # op.drop_column('essays', 'legacy')",
        "left red[model_drift]: ",
    ] {
        assert!(written.stdout.contains(said), "{said}\n{}", written.all());
    }
}

#[test]
fn two_heads_that_are_published_are_merged() {
    let fault = "two_heads_in_class_management";
    let faults = Faults::new(&[fault]);
    faults.commit();
    faults.git(&["checkout", "--quiet", "-b", "topic"]);
    let base_ref = [("BASE_REF", "main")];
    let written = faults.fix(&["--write"], &base_ref);
    assert_eq!(written.code, Some(0), "{}", written.all());
    let said = "fix[single_head] (safe): a revision that merges 20250804_0001 and 20250805_0001";
    assert!(written.stdout.contains(said), "{}", written.all());
    let green = faults.judge(&base_ref);
    assert_eq!(green.code, Some(0), "{}", green.all());
}

#[rstest]
#[case::an_edit("enum_created_twice_in_essay_lifecycle", &["--write"])]
#[case::a_new_revision("two_heads_in_class_management", &["--write"])]
fn nothing_is_written_outside_of_the_service(#[case] fault: &str, #[case] arguments: &[&str]) {
    let faults = Faults::new(&[fault]);
    let outside = faults.path("shared");
    fs::rename(faults.path(&format!("{fault}/alembic")), &outside).unwrap();
    let ini = faults.path(&format!("{fault}/alembic.ini"));
    let text = fs::read_to_string(&ini).unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with("script_location"))
        .unwrap();
    fs::write(
        &ini,
        text.replace(line, "script_location = %(here)s/../shared"),
    )
    .unwrap();
    let before = faults.files();
    let refused = faults.fix(arguments, &[]);
    assert_eq!(refused.code, Some(1), "{}", refused.all());
    let said = "outside of the service";
    assert!(refused.stdout.contains(said), "{}", refused.all());
    assert_eq!(faults.files(), before, "something was written");
}
