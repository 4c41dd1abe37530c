//! Files that `--output` writes are what the programs that read them expect.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use boon::{Compiler, Schemas};
use migration_harness::report::data::{Finding, Outcome, Place, Report};
use migration_harness::report::outputs::{Format, Output};
use migration_harness::report::{annotations, join, record};
use pretty_assertions::assert_eq;
use rstest::rstest;
use serde_json::Value;

use crate::judge::{Judged, judge, packages, pip, program, python, repository};
use crate::page::{broken, built};

/// The report of one of each outcome, as `built` has it, with a text that no format holds as
/// it is, and one without anything red.
fn reports() -> [Report; 3] {
    let mut green = built(1);
    let cases = green.cases.iter_mut();
    cases.for_each(|case| case.outcome = Outcome::Passed);
    let mut hostile = built(2);
    hostile.cases[0].text = "``` ]]> \u{0} \u{1b}[31m \u{ffff} & < \" é".to_owned();
    hostile.cases[0].summary = "a\"b<c>&d\n- e".to_owned();
    hostile.cases[0].findings = vec![at("services/ä b#?.py", 0), at("/usr/lib/x.py", 7)];
    [built(3), green, hostile]
}

fn at(file: &str, line: u32) -> Finding {
    Finding {
        title: "two heads".to_owned(),
        places: vec![Place {
            file: file.to_owned(),
            repository_file: None,
            line,
            end_line: Some(line + 1),
            revision: Some("0001".to_owned()),
            label: "here".to_owned(),
        }],
        expected: None,
        found: None,
        changed: Vec::new(),
        notes: Vec::new(),
        help: Vec::new(),
        accepted_by: Vec::new(),
    }
}

fn schema(name: &str) -> String {
    let schemas = repository().join("tests/suite/schemas");
    schemas.join(name).to_str().unwrap().to_owned()
}

pub fn is_valid_json(name: &str, text: &str) -> Value {
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.enable_format_assertions();
    let index = compiler.compile(&schema(name), &mut schemas).unwrap();
    let value: Value = serde_json::from_str(text).unwrap();
    if let Err(wrong) = schemas.validate(&value, index) {
        panic!("{wrong:#}\n{text}");
    }
    value
}

/// The schema of Jenkins' xunit plugin, `junit-10.xsd`, as pytest's source distribution holds it,
/// and what reads it, in a directory of the build.
fn jenkins() -> &'static (PathBuf, PathBuf) {
    static PLACES: OnceLock<(PathBuf, PathBuf)> = OnceLock::new();
    PLACES.get_or_init(|| {
        let readers = ["xmlschema==4.3.2", "elementpath==5.1.4"];
        let directory = packages("jenkins", "xmlschema", &readers).unwrap();
        let schema = directory.join("pytest-8.4.2/testing/example_scripts/junit-10.xsd");
        if !schema.is_file() {
            let download = ["download", "--no-deps", "--no-binary", ":all:", "--dest"];
            let done = pip(&download, &directory, &["pytest==8.4.2"]).unwrap();
            assert!(done.status.success(), "{done:?}");
            let mut unpack = Command::new("tar");
            unpack
                .arg("-xzf")
                .arg(directory.join("pytest-8.4.2.tar.gz"));
            assert!(unpack.arg("-C").arg(&directory).status().unwrap().success());
        }
        (directory, schema)
    })
}

fn is_valid_junit(text: &str) {
    const VALIDATE: &str = "import sys, xmlschema; \
        xmlschema.XMLSchema(sys.argv[1]).validate(sys.stdin.read())";
    let (packages, schema) = jenkins();
    let mut validate = Command::new(python());
    validate.env("PYTHONPATH", packages).env("PYTHONUTF8", "1");
    validate.args(["-c", VALIDATE]).arg(schema);
    let pipes = validate.stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let done = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}\n{text}");
}

#[test]
#[should_panic(expected = "XMLSchemaValidationError")]
fn a_report_that_jenkins_does_not_take_is_not_valid() {
    is_valid_junit(
        "<testsuites><testsuite name='a' tests='1' failures='0' errors='0'>\
        <testcase name='b' path='c'/></testsuite></testsuites>",
    );
}

#[test]
fn every_output_is_valid() {
    for report in reports() {
        is_valid_json("sarif-2.1.0.json", &Format::Sarif.text(&report));
        is_valid_json("gitlab-code-quality.json", &Format::Gitlab.text(&report));
        is_valid_junit(&Format::Junit.text(&report));
    }
}

#[test]
fn each_result_has_a_place_and_paths_are_relative() {
    let [_, _, report] = reports();
    let log = is_valid_json("sarif-2.1.0.json", &Format::Sarif.text(&report));
    let results = log["runs"][0]["results"].as_array().unwrap();
    let place = |result: &Value| {
        let place = &result["locations"][0]["physicalLocation"];
        (
            place["artifactLocation"]["uri"]
                .as_str()
                .unwrap()
                .to_owned(),
            place["region"]["startLine"].as_u64().unwrap(),
        )
    };
    assert_eq!(
        place(&results[0]),
        ("services/%C3%A4%20b%23%3F.py".to_owned(), 1)
    );
    // Outside of the repository: the manifest stands for it.
    assert_eq!(place(&results[1]).0, report.cases[0].manifest);
    assert!(
        results
            .iter()
            .all(|result| result["ruleId"] == "single_head")
    );
}

#[test]
fn a_fingerprint_survives_a_moved_line_and_tells_defects_apart() {
    let prints = |lines: [u32; 2]| {
        let mut report = built(1);
        report.cases[0].findings = lines.map(|line| at("a.py", line)).to_vec();
        let log: Value = serde_json::from_str(&Format::Sarif.text(&report)).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap().clone();
        let print =
            |result: &Value| result["partialFingerprints"]["migrationHarness/v1"].to_string();
        results.iter().map(print).collect::<Vec<_>>()
    };
    let before = prints([3, 9]);
    assert_eq!(before, prints([5, 11]));
    assert_ne!(before[0], before[1]);
}

#[rstest]
#[case::all_judged(Outcome::Passed, true)]
#[case::does_not_apply(Outcome::NotApplicable, true)]
#[case::red(Outcome::Failed, true)]
#[case::blocked(Outcome::Blocked, false)]
#[case::no_judgement(Outcome::Error, false)]
#[case::killed(Outcome::NotJudged, false)]
fn what_was_not_judged_makes_a_run_unsuccessful(
    #[case] outcome: Outcome,
    #[case] successful: bool,
) {
    let mut report = built(2);
    for case in &mut report.cases {
        case.outcome = Outcome::Passed;
    }
    report.cases[0].outcome = outcome;
    let said = |report: &Report| {
        let log: Value = serde_json::from_str(&Format::Sarif.text(report)).unwrap();
        log["runs"][0]["invocations"][0]["executionSuccessful"]
            .as_bool()
            .unwrap()
    };
    assert_eq!(said(&report), successful);
    report.cases.pop();
    assert!(
        !said(&report.in_order()),
        "a part of the manifest is not all of it"
    );
}

#[test]
fn markdown_says_what_is_red_first_and_is_cut_where_there_is_no_room() {
    let mut report = built(400);
    for case in &mut report.cases {
        case.outcome = Outcome::Failed;
        case.text = "`x` <b>\n".repeat(600);
    }
    let text = Format::Markdown.text(&report);
    assert!(text.len() < 1024 * 1024, "{}", text.len());
    assert!(text.len() > 1000 * 1000, "{}", text.len());
    assert!(text.starts_with("## Migrations: 1600 cases, 1600 failed\n"));
    assert!(
        text.trim_end()
            .ends_with("more do not fit in here; the report has them.")
    );
    let text = Format::Markdown.text(&built(1));
    let at = |words: &str| {
        text.find(words)
            .unwrap_or_else(|| panic!("{words}: {text}"))
    };
    assert!(at("failed: ") < at("harness error: ") && at("harness error: ") < at("Not judged: 1"));
}

#[test]
fn no_step_gets_more_annotations_than_github_shows() {
    let mut report = built(1);
    report.cases[0].findings = (0..30).map(|line| at("a.py", line)).collect();
    let lines = annotations::github(&report);
    assert_eq!(lines.len(), 10);
    assert_eq!(
        lines[9],
        "::error title=more findings::23 more findings in the log and in the report"
    );
}

fn run(directory: &Path, arguments: &[&str]) -> Judged {
    let page = directory.join("report");
    let summary = directory.join("summary.md");
    let variables = [
        ("REPORT_DIR", page.to_str().unwrap()),
        ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap()),
    ];
    judge(&broken(), arguments, &variables)
}

#[test]
fn a_run_and_its_report_write_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let names = ["sarif", "gitlab", "junit", "markdown"];
    let given = |at: &str| {
        let one = |name: &str| {
            format!(
                "--output={name}={}",
                directory.path().join(at).join(name).display()
            )
        };
        names.map(one)
    };
    let outputs = given("run");
    let mut arguments = vec!["single_head::cycle.toml", "single_head::two_heads"];
    arguments.extend(outputs.iter().map(String::as_str));
    let judged = run(directory.path(), &arguments);
    assert_eq!(judged.code, Some(101), "{}", judged.all());
    let joined = program("report")
        .arg(directory.path().join("report"))
        .args(given("joined"))
        .env("REPORT_DIR", directory.path().join("again"))
        .output()
        .unwrap();
    // The rest of the manifest is in no part.
    assert_eq!(joined.status.code(), Some(1), "{joined:?}");
    let read =
        |at: &str, name: &str| fs::read_to_string(directory.path().join(at).join(name)).unwrap();
    for name in names {
        assert_eq!(read("run", name), read("joined", name), "{name}");
    }
    let log = is_valid_json("sarif-2.1.0.json", &read("run", "sarif"));
    let uri = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
        ["uri"];
    assert!(
        uri.as_str().unwrap().starts_with("tests/broken/cycle/"),
        "{uri}"
    );
    is_valid_json("gitlab-code-quality.json", &read("run", "gitlab"));
    is_valid_junit(&read("run", "junit"));
    let summary = fs::read_to_string(directory.path().join("summary.md")).unwrap();
    assert_eq!(summary, read("run", "markdown"));
}

#[test]
fn what_cannot_be_written_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("file"), "").unwrap();
    let output = format!(
        "--output=sarif={}",
        directory.path().join("file/x").display()
    );
    let manifest = repository().join("services-manifest");
    let judged = judge(&manifest, &["single_head::identity_service", &output], &[]);
    assert_eq!(judged.code, Some(101), "{}", judged.all());
    assert!(
        judged.stderr.contains("--output sarif="),
        "{}",
        judged.all()
    );
    let judged = judge(&manifest, &["--output=sarf=x"], &[]);
    assert_eq!(judged.code, Some(2), "{}", judged.all());
    assert!(
        judged
            .stderr
            .contains("the formats are sarif, gitlab, junit, markdown"),
        "{}",
        judged.all()
    );
}

#[test]
fn an_output_names_its_format_and_file() {
    let output: Output = "junit=a=b.xml".parse().unwrap();
    assert_eq!(
        (output.format, output.file.to_str()),
        (Format::Junit, Some("a=b.xml"))
    );
    assert!("junit".parse::<Output>().is_err() && "junit=".parse::<Output>().is_err());
    let directory = tempfile::tempdir().unwrap();
    record::write_report(directory.path(), &built(1)).unwrap();
    assert_eq!(join::load(directory.path()).unwrap(), built(1));
}
