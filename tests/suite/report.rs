//! The report of a run: what the page and `report.json` say, whatever ended the run.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use migration_harness::report::data::{
    Became, Blocks, Case, Explanation, Finding, Outcome, Place, Report, VERSION,
};
use migration_harness::report::parts::Parts;
use migration_harness::report::{annotations, join, record};
use pretty_assertions::assert_eq;

use crate::judge::{BINARY, Judged, judge, program, repository};
use crate::page::{broken, built};

fn read(directory: &Path) -> Report {
    join::load(directory).unwrap()
}

/// A run on some faults whose report goes to `directory`.
fn run(directory: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Judged {
    let directory = directory.to_str().unwrap();
    let variables: Vec<(&str, &str)> = [("REPORT_DIR", directory)]
        .into_iter()
        .chain(variables.iter().copied())
        .collect();
    judge(&broken(), arguments, &variables)
}

fn outcomes(report: &Report) -> Vec<(String, Outcome)> {
    report
        .cases
        .iter()
        .map(|case| (case.name(), case.outcome))
        .collect()
}

#[test]
fn parts_of_several_machines_are_joined_and_what_none_holds_is_said() {
    let whole = built(3);
    let part = |keep: &dyn Fn(&Case) -> bool| {
        let mut part = whole.clone();
        part.cases.retain(|case| keep(case));
        part.in_order()
    };
    let first = part(&|case| case.service == "service_000");
    let mut second =
        part(&|case| case.service == "service_001" || case.name() == "downgrade::service_000");
    second
        .cases
        .iter_mut()
        .filter(|case| case.service == "service_000")
        .for_each(|case| case.outcome = Outcome::Passed);
    let directory = tempfile::tempdir().unwrap();
    let [a, b] = ["a", "b"].map(|name| directory.path().join(name));
    record::write_report(&a, &first).unwrap();
    record::write_report(&b, &second).unwrap();

    let output = program("report")
        .args([&a, &b])
        .env("REPORT_DIR", directory.path().join("joined"))
        .env_remove("GITHUB_ACTIONS")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("no part holds 4 of the manifest's cases"),
        "{said}"
    );
    assert!(said.contains("downgrade::service_002"), "{said}");
    let joined = read(&directory.path().join("joined"));
    assert_eq!(joined.cases.len(), 8);
    // What one machine did not come to, another one judged.
    assert_eq!(
        joined.case("downgrade", "service_000").unwrap().outcome,
        Outcome::Passed
    );
    assert_eq!(
        joined.case("single_head", "service_000").unwrap().outcome,
        Outcome::Failed
    );
}

/// The names of all fields, wherever they stand.
fn fields(value: &serde_json::Value, names: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(object) => {
            for (name, inner) in object {
                names.insert(name.clone());
                fields(inner, names);
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| fields(item, names)),
        _ => {}
    }
}

#[test]
fn every_field_is_described() {
    let directory = tempfile::tempdir().unwrap();
    let only = "outbox_index_column_order downgrade_leaves_enum_type schema_column_dropped rows_column_dropped locks_set_not_null";
    let judged = run(directory.path(), &[], &[("ONLY", only)]);
    let report = serde_json::to_value(read(directory.path())).unwrap();
    let written = report.to_string();
    assert!(written.contains("UPDATE_SCHEMAS=1 "), "{}", judged.all());
    let mut names = BTreeSet::new();
    fields(&report, &mut names);
    let described = fs::read_to_string(repository().join("docs/report.md")).unwrap();
    for name in names {
        let quoted =
            described.contains(&format!("`{name}`")) || described.contains(&format!("\"{name}\":"));
        assert!(quoted, "docs/report.md does not describe {name}");
    }
    let service = &report["services"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == "outbox_index_column_order")
        .unwrap();
    assert_eq!(
        service["outbox"]["indexes"][0]["shape"],
        "differs",
        "{}",
        judged.all()
    );
    assert!(
        service["commands"].as_array().unwrap().len() > 4,
        "{service}"
    );
    assert!(
        service["server"]["seconds"].as_f64() > Some(0.0),
        "{service}"
    );
}

#[test]
fn the_tables_of_a_deployment_are_on_the_page() {
    let directory = tempfile::tempdir().unwrap();
    let only = "rows_column_dropped rows_table_without_rows";
    let judged = run(directory.path(), &["rows"], &[("ONLY", only)]);
    let report = read(directory.path());
    let tables = |name: &str| {
        let service = report.services.iter().find(|one| one.name == name).unwrap();
        let deployment = service.deployment.as_ref().unwrap();
        assert_eq!(deployment.pending, deployment.rollouts[0].revisions);
        deployment.rollouts[0].tables.clone()
    };
    let dropped = tables("rows_column_dropped");
    let gone = dropped.iter().flat_map(|table| &table.changes).next();
    let gone = gone.unwrap_or_else(|| unreachable!("{}", judged.all()));
    assert_eq!((gone.became, gone.meant), (Became::Gone, false));
    assert!(gone.rows > 0 && gone.rows <= gone.of);
    assert!(gone.before.is_some() && gone.after.is_none());
    let html = fs::read_to_string(directory.path().join("index.html")).unwrap();
    assert!(html.contains("On tables with rows: deployment of 1 revision above"));
    let without = tables("rows_table_without_rows");
    let reason = without
        .iter()
        .find_map(|table| table.without.clone())
        .unwrap();
    assert!(html.contains(&reason.replace('"', "&quot;")), "{reason}");
}

#[test]
fn what_a_deployment_locks_is_on_the_page() {
    let directory = tempfile::tempdir().unwrap();
    let only = "locks_validated_in_one_transaction";
    run(directory.path(), &["locks"], &[("ONLY", only)]);
    let report = read(directory.path());
    let service = report.services.iter().find(|one| one.name == only).unwrap();
    let [add, validate] = service.locks.as_slice() else {
        unreachable!("{:?}", service.locks);
    };
    assert_eq!((add.transaction, validate.transaction), (1, 1));
    for one in [add, validate] {
        let lock = &one.locks[0];
        assert_eq!(
            (lock.mode.as_str(), lock.blocks),
            ("ACCESS EXCLUSIVE", Blocks::ReadsAndWrites)
        );
    }
    assert!(add.work.is_empty() && validate.work[0].starts_with("reads every row of orders"));
    let html = fs::read_to_string(directory.path().join("index.html")).unwrap();
    assert!(html.contains("What the deployment locks") && html.contains("█ ACCESS EXCLUSIVE"));
}

#[test]
fn a_report_of_another_version_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut report = built(1);
    report.version = VERSION + 1;
    record::write_report(directory.path(), &report).unwrap();
    let cause = join::load(directory.path()).unwrap_err().to_string();
    assert!(
        cause.contains("report.json") && cause.contains("\"version\" is 2"),
        "{cause}"
    );
}

#[test]
fn annotations_are_escaped_and_say_each_defect_once() {
    let mut report = built(1);
    report.cases[0].findings = vec![Finding {
        title: "50% of a\nb: c, d".to_owned(),
        places: vec![Place {
            file: "alembic/versions/a,b:c.py".to_owned(),
            repository_file: None,
            line: 7,
            end_line: Some(9),
            revision: None,
            label: String::new(),
        }],
        expected: None,
        found: None,
        changed: Vec::new(),
        notes: Vec::new(),
        help: vec!["do it".to_owned()],
        accepted_by: Vec::new(),
    }];
    report.cases[1].summary = "by single_head: it has two heads".to_owned();
    report.cases[1].blocked_by = Some("single_head".to_owned());
    let lines = annotations::github(&report);
    assert_eq!(
        lines[0],
        "::error file=alembic/versions/a%2Cb%3Ac.py,line=7,endLine=9,title=single_head%3A service_000::\
         50%25 of a%0Ab: c, d%0Ahelp: do it%0Arerun: cargo test --test services -- single_head::service_000"
    );
    assert!(
        !lines.iter().any(|line| line.contains("upgrade_head")),
        "{lines:?}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.contains("1 case not judged: downgrade::service_000")),
        "{lines:?}"
    );
    assert!(lines.iter().all(|line| !line.contains('\n')));
}

#[test]
fn what_no_case_reports_is_said_by_the_first_that_it_blocks() {
    let explained = |outcome| {
        let mut report = built(1);
        report.cases[0].outcome = outcome;
        for case in &mut report.cases[1..3] {
            case.outcome = Outcome::Blocked;
            case.blocked_by = Some("single_head".to_owned());
            case.explanation = Some(Explanation {
                findings: vec![Finding {
                    title: "two heads".to_owned(),
                    places: Vec::new(),
                    expected: None,
                    found: None,
                    changed: Vec::new(),
                    notes: Vec::new(),
                    help: Vec::new(),
                    accepted_by: Vec::new(),
                }],
                text: "error[single_head]: two heads".to_owned(),
                rerun: Some("cargo test single_head".to_owned()),
            });
        }
        join::join(vec![report]).unwrap()
    };
    let kept = |report: &Report| {
        let cases = report.cases.iter();
        cases
            .map(|case| case.explanation.is_some())
            .collect::<Vec<_>>()
    };
    let report = explained(Outcome::NotJudged);
    assert_eq!(kept(&report), [false, true, false, false]);
    let lines = annotations::github(&report);
    let said = "title=single_head%3A service_000::two heads%0Arerun: cargo test single_head";
    let count = |text: &str| lines.iter().filter(|line| line.contains(text)).count();
    assert_eq!(
        (count(said), count("title=upgrade_head")),
        (1, 0),
        "{lines:?}"
    );

    let report = explained(Outcome::Failed);
    assert_eq!(kept(&report), [false; 4]);
}

#[test]
fn what_blocks_the_cases_of_a_filter_is_said_once_with_both_reruns() {
    let directory = tempfile::tempdir().unwrap();
    let variables = [("ONLY", "missing_table")];
    let skipped = ["--skip", "upgrade_head", "--test-threads=1"];
    let judged = run(directory.path(), &skipped, &variables);
    let all = judged.all();
    let count = |text: &str| judged.stdout.matches(text).count();
    assert_eq!(count("error[upgrade_head]: "), 1, "{all}");
    assert_eq!(count("-- upgrade_head::missing_table"), 1, "{all}");
    assert_eq!(count("what that is about is said for "), 2, "{all}");
    assert_eq!(
        count("blocked[outbox_indexes]: by upgrade_head: "),
        1,
        "{all}"
    );
    let report = read(directory.path());
    let explained = |case: &&Case| case.explanation.is_some();
    let explained: Vec<&Case> = report.cases.iter().filter(explained).collect();
    assert_eq!(explained.len(), 1, "{all}");
    assert!(explained[0].blocked_by.as_deref() == Some("upgrade_head"));
}

#[test]
fn a_run_leaves_its_findings_as_the_log_has_them() {
    let directory = tempfile::tempdir().unwrap();
    let variables = [
        ("ONLY", "cycle two_heads_in_class_management"),
        ("GITHUB_ACTIONS", "true"),
    ];
    let judged = run(directory.path(), &["single_head"], &variables);
    let report = read(directory.path());
    assert_eq!(
        outcomes(&report),
        [
            ("single_head::cycle".to_owned(), Outcome::Failed),
            (
                "single_head::two_heads_in_class_management".to_owned(),
                Outcome::Failed
            )
        ]
    );
    for case in &report.cases {
        assert!(
            judged.stdout.contains(&case.text),
            "{}\n{}",
            case.text,
            judged.all()
        );
    }
    let place = &report.cases[0].findings[0].places[0];
    let file = "tests/broken/cycle/alembic/versions/20250712_0001_rate_limit_window.py";
    assert_eq!(place.repository_file.as_deref(), Some(file));
    let (before, after) = judged.stdout.split_once("test result: ").unwrap();
    assert!(
        after.contains(&format!("\n::error file={file},line=12,")),
        "{}",
        judged.all()
    );
    assert!(!before.contains("::error"), "{}", judged.all());
    let html = fs::read_to_string(directory.path().join("index.html")).unwrap();
    assert!(html.contains("error[single_head]: the revisions form a cycle"));
    let history = report
        .services
        .iter()
        .find(|service| service.name == "two_heads_in_class_management");
    assert!(history.unwrap().history.as_ref().unwrap().revisions.len() > 2);
}

#[test]
fn what_a_run_did_not_come_to_is_not_judged() {
    let directory = tempfile::tempdir().unwrap();
    let variables = [
        ("ONLY", "cycle two_heads_in_class_management"),
        ("FAIL_FAST", "1"),
    ];
    let judged = run(
        directory.path(),
        &["single_head", "--test-threads=1"],
        &variables,
    );
    assert_eq!(judged.code, Some(101), "{}", judged.all());
    let report = read(directory.path());
    assert_eq!(
        outcomes(&report),
        [
            ("single_head::cycle".to_owned(), Outcome::Failed),
            (
                "single_head::two_heads_in_class_management".to_owned(),
                Outcome::NotJudged
            )
        ]
    );
}

#[test]
fn a_run_that_was_killed_leaves_no_older_report_and_nothing_passed() {
    let directory = tempfile::tempdir().unwrap();
    record::write_report(directory.path(), &built(3)).unwrap();
    let mut child = Command::new(&*BINARY)
        .arg("upgrade_head::takes_too_long")
        .env("SERVICES_MANIFEST", broken())
        .env("REPORT_DIR", directory.path())
        .env("POSTGRES_PROVIDER", "local")
        .env_remove("ONLY")
        .current_dir(repository())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while read(directory.path()).cases.len() != 1 {
        assert!(Instant::now() < deadline, "no new report");
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let report = read(directory.path());
    assert_eq!(
        outcomes(&report),
        [(
            "upgrade_head::takes_too_long".to_owned(),
            Outcome::NotJudged
        )]
    );
}

/// As cargo-nextest does it: a process per case, of which none knows the others.
#[test]
fn processes_of_one_run_make_one_report() {
    let directory = tempfile::tempdir().unwrap();
    let id = format!("report-{}", std::process::id());
    let alone = |case: &str| {
        let variables = [("NEXTEST", "1"), ("NEXTEST_RUN_ID", id.as_str())];
        run(directory.path(), &["--exact", case], &variables)
    };
    alone("single_head::cycle.toml");
    assert_eq!(read(directory.path()).cases.len(), 1);
    alone("single_head::async_upgrade.toml");
    let expected = [
        ("single_head::async_upgrade".to_owned(), Outcome::Passed),
        ("single_head::cycle".to_owned(), Outcome::Failed),
    ];
    assert_eq!(outcomes(&read(directory.path())), expected);

    // The run's parts make the same report again, elsewhere.
    let target = BINARY.ancestors().nth(3).unwrap();
    let parts = Parts::new(&target.join("migration-harness/runs").join(&id));
    let again = tempfile::tempdir().unwrap();
    record::write(again.path(), || parts.report()).unwrap();
    assert_eq!(outcomes(&read(again.path())), expected);
}
