//! Every defect of a report, each once: [`Defect`].

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::report::data::{Case, Finding, Outcome, Place, Report};

/// One thing that somebody has to do something about.
#[derive(Debug, Clone)]
pub struct Defect<'a> {
    /// The kind of red.
    pub kind: DefectKind,
    /// The criterion that reports it.
    pub criterion: &'a str,
    /// The case that shows it.
    pub case: &'a Case,
    /// The finding.
    pub finding: Cow<'a, Finding>,
    /// The command that judges it alone.
    pub rerun: &'a str,
}

/// The kinds of red.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefectKind {
    /// The service breaks a promise.
    Broken,
    /// No judgement was possible.
    Error,
    /// It could not be judged, and nothing in the report says why in more words.
    Blocked,
    /// It was selected and did not end.
    NotJudged,
}

/// Every defect, by service and criterion. Nothing that another one explains is said again.
#[must_use]
pub fn defects(report: &Report) -> Vec<Defect<'_>> {
    let cases = report.cases.iter();
    cases.flat_map(|case| case_defects(report, case)).collect()
}

fn case_defects<'a>(report: &'a Report, case: &'a Case) -> Vec<Defect<'a>> {
    match case.outcome {
        Outcome::Passed | Outcome::NotApplicable => Vec::new(),
        Outcome::Failed => {
            let findings = case.findings.iter();
            findings
                .map(|finding| Defect::new(DefectKind::Broken, case, Cow::Borrowed(finding)))
                .collect()
        }
        Outcome::Error if report.is_reported_before_in_service(case) => Vec::new(),
        Outcome::Error => {
            let first = case.findings.first();
            first
                .map(|finding| Defect::new(DefectKind::Error, case, Cow::Borrowed(finding)))
                .into_iter()
                .collect()
        }
        Outcome::Blocked => blocked_defects(report, case),
        Outcome::NotJudged => vec![Defect::new(
            DefectKind::NotJudged,
            case,
            titled(&case.summary),
        )],
    }
}

/// The obstacle that kept a case from being judged, unless another case says it.
fn blocked_defects<'a>(report: &'a Report, case: &'a Case) -> Vec<Defect<'a>> {
    let blocked = || {
        Defect::new(
            DefectKind::Blocked,
            case,
            titled(&format!("blocked {}", case.summary)),
        )
    };
    let Some(by) = &case.blocked_by else {
        return vec![blocked()];
    };
    if let Some(explanation) = &case.explanation {
        let findings = explanation.findings.iter();
        let defect = |finding| Defect {
            criterion: by,
            rerun: explanation.rerun.as_ref().unwrap_or(&case.rerun),
            ..Defect::new(DefectKind::Broken, case, Cow::Borrowed(finding))
        };
        return findings.map(defect).collect();
    }
    let explains = |other: &Case| {
        let failed = other.outcome == Outcome::Failed && other.criterion == *by;
        let carried = other.explanation.is_some() && other.blocked_by.as_ref() == Some(by);
        other.service == case.service && (failed || carried)
    };
    match report.cases.iter().any(explains) {
        true => Vec::new(),
        false => vec![blocked()],
    }
}

/// A finding that says one sentence.
fn titled<'a>(title: &str) -> Cow<'a, Finding> {
    Cow::Owned(Finding {
        title: title.to_owned(),
        places: Vec::new(),
        expected: None,
        found: None,
        changed: Vec::new(),
        notes: Vec::new(),
        help: Vec::new(),
        accepted_by: Vec::new(),
    })
}

impl<'a> Defect<'a> {
    fn new(kind: DefectKind, case: &'a Case, finding: Cow<'a, Finding>) -> Self {
        Self {
            kind,
            criterion: &case.criterion,
            case,
            finding,
            rerun: &case.rerun,
        }
    }

    /// The file, from the repository's root where that is known, the first line and the last:
    /// the first place within the repository, at worst the service's manifest.
    #[must_use]
    pub fn location(&self) -> (&str, u32, Option<u32>) {
        let places = self.finding.places.iter();
        let mut inside = places.filter_map(|place| Some(lines(inside(place)?, place)));
        let manifest = (self.case.manifest.as_str(), 1, None);
        inside.next().unwrap_or(manifest)
    }

    /// The position of the finding among those of its case.
    pub(super) fn position(&self) -> Option<usize> {
        let mut findings = self.case.findings.iter();
        findings.position(|finding| *finding == *self.finding)
    }

    /// The title, the advice, and the command that judges it alone.
    #[must_use]
    pub fn message(&self) -> String {
        let mut text = self.finding.title.clone();
        for help in &self.finding.help {
            let _ = write!(text, "\nhelp: {help}");
        }
        let _ = write!(text, "\nrerun: {}", self.rerun);
        text
    }
}

/// A place as its file, its first line and its last, which is none before the first.
pub(super) fn lines<'a>(file: &'a str, place: &Place) -> (&'a str, u32, Option<u32>) {
    let first = place.line.max(1);
    (file, first, place.end_line.map(|last| last.max(first)))
}

/// The file of a place, unless it is outside of what has relative paths.
pub(super) fn inside(place: &Place) -> Option<&str> {
    let relative = || Some(place.file.as_str()).filter(|file| !file.starts_with('/'));
    place.repository_file.as_deref().or_else(relative)
}

/// A fingerprint for each defect, which stays the same where lines move. It is made of the
/// criterion, the service, the revision and the title, and of a number where they are the same.
pub(super) fn fingerprints(defects: &[Defect<'_>]) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let one = |defect: &Defect<'_>| {
        let revision = defect.finding.places.first();
        let revision = revision.and_then(|place| place.revision.as_deref());
        let words = [
            defect.criterion,
            &defect.case.service,
            revision.unwrap_or_default(),
            &defect.finding.title,
        ];
        let same = seen.entry(words.join("\0")).or_default();
        *same += 1;
        let hash = Sha256::digest(format!("{}\0{same}", words.join("\0")));
        hash.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    };
    defects.iter().map(one).collect()
}
