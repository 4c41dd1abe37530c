//! Findings about a deployment, each with the key by which a manifest accepts it: [`KeyedFinding`].

use std::collections::BTreeMap;

use super::{Finding, Verdict};
use crate::evidence::Evidence;
use crate::evidence::plan::Plan;
use crate::manifest::{Justification, Service};

/// So many findings are shown in full.
const SHOWN: usize = 8;

/// A finding with the key by which a manifest accepts it. The key begins with the revision.
pub(super) struct KeyedFinding {
    pub key: String,
    pub finding: Finding,
    /// Tells whether it is red; a note otherwise.
    pub is_red: bool,
}

impl KeyedFinding {
    /// A red one.
    pub fn red(key: String, finding: Finding) -> Self {
        Self {
            key,
            finding,
            is_red: true,
        }
    }
}

/// The findings that no line accepts, and the notes about those that one does.
pub(super) fn parted<'a>(
    found: Vec<KeyedFinding>,
    reason: impl Fn(&str) -> Option<&'a str>,
) -> (Vec<KeyedFinding>, Vec<String>) {
    let (mut open, mut accepted) = (Vec::new(), Vec::new());
    for one in found {
        match reason(&one.key) {
            Some(reason) => accepted.push(format!("accepted: {}: {reason}", one.key)),
            None => open.push(one),
        }
    }
    (open, accepted)
}

/// The finding about a line that accepts nothing, with the reason why it does not.
pub(super) fn stale_line(why: String, table: &str, service: &Service) -> Finding {
    let file = service.file.display();
    Finding::new(why).help(format!("remove the line from [{table}] in {file}"))
}

/// A table of accepted lines, and what tells which of them are stale.
pub(super) struct Accepted<'a> {
    /// The table's path in the manifest: `rows.accepted`.
    pub table: &'static str,
    pub lines: &'a BTreeMap<String, Justification>,
    pub service: &'a Service,
    pub evidence: &'a Evidence,
    pub plan: &'a Plan,
}

impl Accepted<'_> {
    /// The verdict on what was found; `notes` are those of a green one.
    pub fn verdict(&self, found: Vec<KeyedFinding>, notes: Vec<String>) -> Verdict {
        let stale = self.stale(&found);
        let reason = |key: &str| self.lines.get(key).map(|line| line.reason.as_str());
        let (open, accepted) = parted(found, reason);
        let (red, noted): (Vec<KeyedFinding>, Vec<KeyedFinding>) =
            open.into_iter().partition(|one| one.is_red);
        let red = red.into_iter().map(|one| one.finding);
        let findings: Vec<Finding> = red.chain(stale).collect();
        if !findings.is_empty() {
            return Verdict::Fail(summed_up(findings));
        }
        let noted = noted.into_iter().map(|one| one.finding.title);
        Verdict::Pass {
            notes: noted.chain(notes).chain(accepted).collect(),
        }
    }

    /// The service's own lines about this deployment that nothing shows any more, and those
    /// about revisions that are in no history. Lines about what is deployed are silent.
    fn stale(&self, found: &[KeyedFinding]) -> Vec<Finding> {
        let own = self.lines.iter().filter(|(_, line)| !line.inherited);
        let stale = own.filter_map(|(key, _)| {
            let why = self.why_stale(key, found)?;
            Some(stale_line(why, self.table, self.service))
        });
        stale.collect()
    }

    fn why_stale(&self, key: &str, found: &[KeyedFinding]) -> Option<String> {
        let revision = key.split_whitespace().next().unwrap_or_default();
        if self.plan.pending.iter().any(|id| id == revision) {
            let is_shown = found.iter().any(|one| one.key == key);
            return (!is_shown)
                .then(|| format!("\"{key}\" is accepted, and is not there any more"));
        }
        let mut known = self.evidence.history.graph.revisions.iter();
        (!known.any(|one| one.id == revision)).then(|| {
            format!("\"{key}\" is accepted, and no revision of the service is called {revision}")
        })
    }
}

/// The first findings; the titles of the rest are notes of the last.
fn summed_up(mut findings: Vec<Finding>) -> Vec<Finding> {
    let further = findings.split_off(findings.len().min(SHOWN));
    if let Some(last) = findings.last_mut() {
        let acceptances = further.iter().flat_map(|finding| &finding.acceptances);
        last.acceptances.extend(acceptances.cloned());
        let titles = further
            .into_iter()
            .map(|finding| format!("also: {}", finding.title));
        last.notes.extend(titles);
    }
    findings
}

/// A table without the schema that most have.
pub(super) fn short(table: &str) -> &str {
    table.strip_prefix("public.").unwrap_or(table)
}
