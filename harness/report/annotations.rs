//! Annotations that GitHub's log reader turns into comments on changed lines
//! (<https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions>).

use std::path::{Path, PathBuf};

use super::data::{Case, Finding, Outcome, Report};

/// `github` asks for annotations anywhere, `none` for none.
const VARIABLE: &str = "ANNOTATIONS";

/// Tells whether the log of this run is one that GitHub reads, or somebody says so.
#[must_use]
pub fn are_wanted() -> bool {
    match std::env::var(VARIABLE).as_deref() {
        Ok("github") => true,
        Ok("none") => false,
        _ => std::env::var("GITHUB_ACTIONS").is_ok_and(|value| value == "true"),
    }
}

/// One line per finding: what another finding explains is not said again.
#[must_use]
pub fn github(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    let mut unjudged = Vec::new();
    for case in &report.cases {
        match case.outcome {
            Outcome::Failed => lines.extend(of_findings(case, &case.findings)),
            Outcome::Error => lines.extend(of_error(report, case)),
            Outcome::Blocked => lines.extend(of_blocked(report, case)),
            Outcome::NotJudged => unjudged.push(case.name()),
            Outcome::Passed | Outcome::NotApplicable => {}
        }
    }
    if !unjudged.is_empty() {
        let said = format!(
            "{} not judged: {}",
            counted(unjudged.len(), "case"),
            unjudged.join(", ")
        );
        lines.push(format!(
            "::error title=migrations not judged::{}",
            data(&said)
        ));
    }
    lines
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// The obstacle that kept a case from being judged, unless another line says it.
fn of_blocked(report: &Report, case: &Case) -> Vec<String> {
    let Some(by) = &case.blocked_by else {
        return vec![of_case(case)];
    };
    if let Some(explanation) = &case.explanation {
        let reporter = Case {
            criterion: by.clone(),
            rerun: explanation.rerun.as_ref().unwrap_or(&case.rerun).clone(),
            ..case.clone()
        };
        return of_findings(&reporter, &explanation.findings);
    }
    let explains = |other: &&Case| {
        let failed = other.outcome == Outcome::Failed && other.criterion == *by;
        let carried = other.explanation.is_some() && other.blocked_by.as_ref() == Some(by);
        other.service == case.service && (failed || carried)
    };
    match report.cases.iter().find(explains) {
        Some(_) => Vec::new(),
        None => vec![of_case(case)],
    }
}

fn of_findings(case: &Case, findings: &[Finding]) -> Vec<String> {
    let lines = findings.iter().map(|finding| of_finding(case, finding));
    lines.collect()
}

fn of_finding(case: &Case, finding: &Finding) -> String {
    let help = finding.help.iter().map(|help| format!("help: {help}"));
    let rerun = format!("rerun: {}", case.rerun);
    let message: Vec<String> = std::iter::once(finding.title.clone())
        .chain(help)
        .chain([rerun])
        .collect();
    let (file, line, end) = match finding.places.first() {
        Some(place) => {
            let file = place
                .repository_file
                .clone()
                .unwrap_or_else(|| place.file.clone());
            (file, place.line, place.end_line)
        }
        None => (case.manifest.clone(), 1, None),
    };
    let end = end.map(|end| format!(",endLine={end}")).unwrap_or_default();
    format!(
        "::error file={},line={line}{end},title={}::{}",
        property(&file),
        property(&format!("{}: {}", case.criterion, case.service)),
        data(&message.join("\n"))
    )
}

/// An error that several cases of a service share is said by the first of them.
fn of_error(report: &Report, case: &Case) -> Option<String> {
    let first = report
        .cases
        .iter()
        .find(|other| other.service == case.service && other.shares_error_with(case))?;
    (first.criterion == case.criterion).then(|| {
        case.findings
            .first()
            .map(|finding| of_finding(case, finding))
    })?
}

fn of_case(case: &Case) -> String {
    format!(
        "::error file={},line=1,title={}::{}",
        property(&case.manifest),
        property(&format!("{}: {}", case.criterion, case.service)),
        data(&format!("blocked {}\nrerun: {}", case.summary, case.rerun))
    )
}

/// Escapes the text of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Escapes the value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// A file's path from the root of the git repository that holds it.
#[must_use]
pub fn in_repository(file: &Path) -> Option<String> {
    let file = file.canonicalize().ok()?;
    let root: PathBuf = file
        .ancestors()
        .skip(1)
        .find(|parent| parent.join(".git").exists())?
        .to_owned();
    let inside = file.strip_prefix(root).ok()?;
    Some(inside.to_string_lossy().into_owned())
}
