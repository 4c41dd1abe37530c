//! Findings as they are known again after a step: [`Known`].

use super::bench::Judgement;
use crate::criteria::{Finding, Verdict};

/// A finding as it is known again where lines moved: its title, and the revision that it is in.
pub(super) type Known = (String, Option<String>);

/// The findings of a criterion; none where it could not judge.
pub(super) fn known(judged: &Judgement, criterion: &str) -> Option<Vec<Known>> {
    match judged.verdict(criterion) {
        Some(Ok(Verdict::Fail(findings))) => {
            let revision = |finding: &Finding| finding.marks.first()?.place.revision.clone();
            let known = |finding: &Finding| (finding.title.clone(), revision(finding));
            Some(findings.iter().map(known).collect())
        }
        Some(Ok(verdict)) if !verdict.is_red() => Some(Vec::new()),
        _ => None,
    }
}
