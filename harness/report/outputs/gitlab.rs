//! GitLab's code quality report
//! (<https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>).

use serde_json::{Value, json};

use super::defects::{Defect, DefectKind, defects, fingerprints};
use crate::report::data::Report;

pub(super) fn text(report: &Report) -> String {
    let defects = defects(report);
    let fingerprints = fingerprints(&defects);
    let issues = defects.iter().zip(fingerprints);
    let issues = issues.map(|(defect, fingerprint)| issue(defect, &fingerprint));
    format!("{:#}\n", Value::Array(issues.collect()))
}

fn issue(defect: &Defect<'_>, fingerprint: &str) -> Value {
    let (path, begin, end) = defect.location();
    let severity = match defect.kind {
        DefectKind::Broken => "major",
        DefectKind::Error | DefectKind::Blocked | DefectKind::NotJudged => "blocker",
    };
    json!({
        "description": format!("{}: {}: {}", defect.criterion, defect.case.service, defect.message()),
        "check_name": defect.criterion,
        "fingerprint": fingerprint,
        "severity": severity,
        "location": { "path": path, "lines": { "begin": begin, "end": end.unwrap_or(begin) } },
    })
}
