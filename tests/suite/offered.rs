//! What `fix` proved, in every output: the report, the page, SARIF; and the time that it takes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use migration_harness::report::data::{Class, Report};
use migration_harness::report::{join, page};
use pretty_assertions::assert_eq;
use serde_json::Value;

use crate::fixes::Faults;
use crate::judge::Judged;
use crate::outputs::is_valid_json;

/// One run of `fix` with its report and its SARIF log.
struct Looked {
    ran: Judged,
    report: Report,
    sarif: Value,
}

fn look(faults: &Faults, arguments: &[&str], variables: &[(&str, &str)]) -> Looked {
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
    Looked { ran, report, sarif }
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
    let Looked { ran, report, sarif } = look(&faults, &[], &[]);
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
    let Looked { ran, report, .. } = look(&faults, &["--limit=5"], &[]);
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
