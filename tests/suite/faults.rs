//! Every fault of `tests/broken` is red where it should be, with the right text,
//! and green everywhere else; every service of `tests/unusual` is green.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use migration_harness::criteria;
use pretty_assertions::assert_eq;
use rstest::rstest;
use serde::Deserialize;

use crate::branches::judge_service;
use crate::judge::{judge, repository};

/// A single defect must be read at a glance.
const LINES: usize = 40;

/// `expected.toml`: the criteria that are not green.
#[derive(Deserialize)]
struct Expected(BTreeMap<String, Red>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Red {
    verdict: Verdict,
    says: Vec<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Fail,
    Blocked,
    Error,
}

impl Verdict {
    /// The beginning of the text of a red case.
    fn opening(self, criterion: &str) -> String {
        match self {
            Self::Fail => format!("error[{criterion}]: "),
            Self::Blocked => format!("blocked[{criterion}]: "),
            Self::Error => "harness error[".to_owned(),
        }
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

#[rstest]
fn a_fault_is_red_where_it_should_be(#[files("tests/broken/*/expected.toml")] file: PathBuf) {
    let fault = name(file.parent().unwrap());
    let expected: Expected = toml::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let judged = judge_service("broken", &fault, &[], &[]);

    assert_eq!(judged.code, Some(101), "{}", judged.all());
    let wanted: BTreeMap<String, String> = criteria::ids()
        .into_iter()
        .map(|id| {
            (
                format!("{id}::{fault}.toml"),
                if expected.0.contains_key(id) {
                    "FAILED"
                } else {
                    "ok"
                }
                .to_owned(),
            )
        })
        .collect();
    assert_eq!(judged.results(), wanted, "{}", judged.all());
    for (criterion, red) in &expected.0 {
        let text = judged.text(&format!("{criterion}::{fault}.toml"));
        assert!(
            text.starts_with(&red.verdict.opening(criterion)),
            "{criterion} should be {}\n{text}",
            red.verdict.opening(criterion)
        );
        let whole = match text.split_once("the same as for ") {
            Some((_, other)) => judged.text(other.lines().next().unwrap()),
            None => text.clone(),
        };
        for part in &red.says {
            assert!(
                whole.contains(part.as_str()),
                "{criterion} does not say {part:?}\n{text}"
            );
        }
        assert!(text.contains("= rerun: "), "{text}");
        assert!(
            text.lines().count() < LINES,
            "{} lines\n{text}",
            text.lines().count()
        );
    }
}

#[rstest]
fn an_unusual_service_is_green(
    #[files("tests/unusual/services-manifest/services/*.toml")] file: PathBuf,
) {
    let service = file.file_stem().unwrap().to_string_lossy().into_owned();
    let judged = judge_service("unusual", &service, &[], &[]);
    assert_eq!(judged.code, Some(0), "{}", judged.all());
    assert_eq!(
        judged.results().len(),
        criteria::ALL.len(),
        "{}",
        judged.all()
    );
}

/// An application that can be made but once in a process costs an interpreter for each
/// database, not one for each of three commands a revision.
#[test]
fn an_application_that_loads_once_has_an_interpreter_for_each_database() {
    let judged = judge(
        &repository().join("tests/unusual/services-manifest"),
        &[],
        &[
            ("ONLY", "flask_application_loads_once"),
            ("HARNESS_LOG", "debug"),
        ],
    );
    assert_eq!(judged.code, Some(0), "{}", judged.all());
    let interpreters = judged.stderr.matches("is at work").count();
    assert!((1..=3).contains(&interpreters), "{}", judged.all());
}

#[test]
fn every_fault_has_a_manifest_and_an_expectation() {
    let broken = repository().join("tests/broken");
    for file in broken
        .join("services-manifest/services")
        .read_dir()
        .unwrap()
    {
        let fault = file
            .unwrap()
            .path()
            .file_stem()
            .unwrap()
            .to_string_lossy()
            .into_owned();
        assert!(
            broken.join(&fault).join("expected.toml").exists(),
            "{fault} has no expected.toml"
        );
    }
}

#[test]
fn every_criterion_has_a_fault_that_it_finds() {
    let broken = repository().join("tests/broken");
    let faults: Vec<Expected> = broken
        .read_dir()
        .unwrap()
        .filter_map(|entry| {
            std::fs::read_to_string(entry.unwrap().path().join("expected.toml")).ok()
        })
        .map(|text| toml::from_str(&text).unwrap())
        .collect();
    for id in criteria::ids() {
        let found = faults.iter().any(|fault| {
            matches!(
                fault.0.get(id),
                Some(Red {
                    verdict: Verdict::Fail,
                    ..
                })
            )
        });
        assert!(found, "no fault under tests/broken fails {id}");
    }
}

#[test]
fn what_keeps_several_cases_from_being_judged_is_said_once_and_in_the_report_of_each() {
    let report = tempfile::tempdir().unwrap();
    let fault = ("ONLY", "falls_back_to_sqlite");
    let judged = judge(
        &repository().join("tests/broken/services-manifest"),
        &[],
        &[fault, ("REPORT_DIR", report.path().to_str().unwrap())],
    );
    let count = |text: &str, part: &str| text.matches(part).count();
    let output = &judged.stdout;
    assert_eq!(count(output, "it tried a sqlite database"), 1, "{output}");
    assert_eq!(count(output, "]: the same as for "), 3, "{output}");
    let data = std::fs::read_to_string(report.path().join("report.json")).unwrap();
    assert!(count(&data, "it tried a sqlite database") >= 4, "{data}");
    assert_eq!(count(&data, "the same as for "), 0, "{data}");
}
