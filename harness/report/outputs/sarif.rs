//! SARIF 2.1.0 (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>), with
//! what GitHub's code scanning asks of it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::defects::{Defect, DefectKind, defects, fingerprints, inside, lines};
use crate::report::data::{Criterion, Fix, LineEdit, Outcome, Place, Report};

/// Our own fingerprint: a new way of making it is a new version.
const FINGERPRINT: &str = "migrationHarness/v1";
/// The base of relative paths.
const ROOT: &str = "%SRCROOT%";
/// The letters that a URI's path has to encode.
const IN_PATHS: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

pub(super) fn text(report: &Report) -> String {
    let all = defects(report);
    let (broken, others): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|defect| defect.kind == DefectKind::Broken);
    let results = broken.iter().zip(fingerprints(&broken));
    let results = results.map(|(defect, fingerprint)| result(report, defect, &fingerprint));
    let rules = report.criteria.iter().map(|one| rule(report, one));
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "migration-harness",
                "version": report.harness,
                "semanticVersion": report.harness,
                "rules": rules.collect::<Vec<_>>(),
            }},
            "automationDetails": { "id": "migration-harness/" },
            "originalUriBaseIds": { ROOT: { "description": { "text": "the root of the repository" } } },
            "columnKind": "unicodeCodePoints",
            "invocations": [invocation(report, &others)],
            "results": results.collect::<Vec<_>>(),
        }],
    });
    format!("{log:#}\n")
}

fn rule(report: &Report, criterion: &Criterion) -> Value {
    let help = format!(
        "{}. Why: {}. When it is red: {}.",
        criterion.asserts, criterion.why, criterion.remedy
    );
    let mut rule = json!({
        "id": criterion.id,
        "name": criterion.id,
        "shortDescription": { "text": criterion.id.replace('_', " ") },
        "fullDescription": { "text": criterion.asserts },
        "help": { "text": help },
        "defaultConfiguration": { "level": "error" },
        "properties": { "tags": ["migrations", "postgresql"] },
    });
    let mut cases = report.cases.iter();
    let about = cases
        .find(|case| case.criterion == criterion.id)
        .map(|case| &case.about);
    if let Some(address) = about.filter(|about| about.starts_with("https://")) {
        rule["helpUri"] = json!(address);
    }
    rule
}

/// One invocation for all runs. It was successful only where everything in the manifest was
/// judged: who reads results takes what they do not name for mended.
fn invocation(report: &Report, others: &[Defect<'_>]) -> Value {
    let unjudged = |outcome| {
        matches!(
            outcome,
            Outcome::Error | Outcome::Blocked | Outcome::NotJudged
        )
    };
    let judged = !report.cases.iter().any(|case| unjudged(case.outcome));
    let mut notifications: Vec<Value> = others.iter().map(notification).collect();
    if !report.absent.is_empty() {
        let text = format!("not selected: {}", report.absent.join(", "));
        notifications.push(json!({ "level": "warning", "message": { "text": text } }));
    }
    let mut invocation = json!({
        "executionSuccessful": judged && report.absent.is_empty(),
        "toolExecutionNotifications": notifications,
    });
    let began = report.runs.iter().map(|run| &run.began).min();
    let written = report.runs.iter().map(|run| &run.written).max();
    let times = [("startTimeUtc", began), ("endTimeUtc", written)];
    for (key, time) in times {
        if let Some(time) = time.filter(|time| !time.is_empty()) {
            invocation[key] = json!(time);
        }
    }
    invocation
}

fn notification(defect: &Defect<'_>) -> Value {
    json!({
        "level": "error",
        "message": { "text": format!("{}: {}", defect.case.name(), defect.message()) },
        "associatedRule": { "id": defect.criterion },
        "locations": [location(defect.location(), None)],
    })
}

fn result(report: &Report, defect: &Defect<'_>, fingerprint: &str) -> Value {
    let mut rules = report.criteria.iter();
    let primary = defect.location();
    let places = defect.finding.places.iter();
    let label = |place: &Place| Some(place.label.clone()).filter(|label| !label.is_empty());
    let related = places.filter_map(|place| {
        let found = lines(inside(place)?, place);
        (found != primary).then(|| location(found, label(place)))
    });
    let text = format!("{}: {}", defect.case.service, defect.message());
    let mut result = json!({
        "ruleId": defect.criterion,
        "level": "error",
        "message": { "text": text },
        "locations": [location(primary, None)],
        "relatedLocations": related.collect::<Vec<_>>(),
        "partialFingerprints": { FINGERPRINT: fingerprint },
        "properties": { "service": defect.case.service, "rerun": defect.rerun },
    });
    let fixes: Vec<Value> = fixes_of(report, defect).map(fix).collect();
    if !fixes.is_empty() {
        result["fixes"] = json!(fixes);
    }
    if let Some(index) = rules.position(|rule| rule.id == defect.criterion) {
        result["ruleIndex"] = json!(index);
    }
    result
}

fn location((file, line, end): (&str, u32, Option<u32>), label: Option<String>) -> Value {
    let artifact = match file.starts_with('/') {
        true => json!({ "uri": format!("file://{}", encoded(file)) }),
        false => json!({ "uri": encoded(file), "uriBaseId": ROOT }),
    };
    let mut region = json!({ "startLine": line });
    if let Some(end) = end {
        region["endLine"] = json!(end);
    }
    let mut location =
        json!({ "physicalLocation": { "artifactLocation": artifact, "region": region } });
    if let Some(label) = label {
        location["message"] = json!({ "text": label });
    }
    location
}

/// The fixes that end a finding. What a fix stands on is part of it, so that it can be applied
/// to the files as they are.
fn fixes_of<'a>(report: &'a Report, defect: &Defect<'a>) -> impl Iterator<Item = &'a Fix> {
    let service = &defect.case.service;
    let mut services = report.services.iter();
    let seen = services.find(|one| one.name == *service);
    let fixes = seen.and_then(|one| one.fixes.as_ref());
    let (criterion, position) = (defect.criterion, defect.position());
    let offered = fixes.into_iter().flat_map(|fixes| &fixes.offered);
    offered.filter(move |fix| {
        fix.criterion == criterion && position.is_some_and(|at| fix.ends.contains(&at))
    })
}

fn fix(fix: &Fix) -> Value {
    let text = format!(
        "{} ({}, proved on a copy: {})",
        fix.what,
        fix.class.word(),
        fix.proved
    );
    let changes = fix.changes.iter().map(|file| {
        let path = file.repository_file.as_ref().unwrap_or(&file.file);
        json!({
            "artifactLocation": { "uri": encoded(path), "uriBaseId": ROOT },
            "replacements": file.edits.iter().map(replacement).collect::<Vec<_>>(),
        })
    });
    json!({
        "description": { "text": text },
        "artifactChanges": changes.collect::<Vec<_>>(),
    })
}

/// Whole lines: up to the first column of the line after them.
fn replacement(edit: &LineEdit) -> Value {
    let region = json!({
        "startLine": edit.line,
        "startColumn": 1,
        "endLine": edit.line + edit.lines,
        "endColumn": 1,
    });
    let mut replacement = json!({ "deletedRegion": region });
    if !edit.text.is_empty() {
        replacement["insertedContent"] = json!({ "text": edit.text });
    }
    replacement
}

fn encoded(path: &str) -> String {
    utf8_percent_encode(path, IN_PATHS).to_string()
}
