//! Tests of what all criteria have in common.
#![allow(clippy::unwrap_used, clippy::panic)]

mod evidence;
mod findings;
mod kept;

use pretty_assertions::assert_eq;

use super::{Finding, Verdict};
use crate::testing;

#[test]
fn what_is_declared_not_applicable_is_not_judged() {
    let (mut service, evidence) = (testing::service(), testing::evidence());
    let criterion = &super::outbox_indexes::CRITERION;
    assert!(criterion.verdict(&service, &evidence).is_red());
    let reason = "publishes no events".to_owned();
    service
        .not_applicable
        .insert(criterion.id.to_owned(), reason.clone());
    let verdict = criterion.verdict(&service, &evidence);
    let of_run = false;
    assert_eq!(verdict, Verdict::NotApplicable { reason, of_run });
    assert!(!verdict.is_red());
}

#[test]
fn the_evidence_of_another_service_is_not_judged() {
    let mut evidence = testing::evidence();
    evidence.service = "services/b.toml".into();
    let verdict = super::upgrade_head::CRITERION.verdict(&testing::service(), &evidence);
    assert_eq!(
        testing::text(&verdict),
        "blocked by evidence: it is that of services/b.toml"
    );
}

#[test]
fn only_what_holds_is_green() {
    assert!(!Verdict::pass().is_red());
    assert!(!Verdict::from_findings(Vec::new()).is_red());
    assert!(Verdict::from_findings(vec![Finding::new("a")]).is_red());
    assert!(Verdict::without("a").is_red());
}

/// Files beside those of criteria.
const NO_CRITERIA: [&str; 10] = [
    "attribution",
    "duplicate_creation",
    "failure",
    "finding",
    "fixes",
    "keyed",
    "no_graph",
    "own",
    "proposal",
    "tests",
];

#[test]
fn every_criterion_is_called_like_its_file() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/harness/criteria");
    let files = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut names: Vec<String> = files
        .filter(|file| file.extension().is_some_and(|ending| ending == "rs"))
        .map(|file| file.file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|name| !NO_CRITERIA.contains(&name.as_str()))
        .collect();
    names.sort();
    let mut ids = super::ids();
    ids.sort_unstable();
    assert_eq!(ids, names);
}
