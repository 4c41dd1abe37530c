//! Findings that a service's own file accepts by a key: [`Own`].

use std::collections::BTreeMap;

use super::keyed::Keyed;
use super::{AcceptedIn, Finding, Verdict};
use crate::manifest::Service;

/// The lines of one table of a service's file.
#[derive(Clone, Copy)]
pub(super) struct Own<'a> {
    pub service: &'a Service,
    /// The criterion, which the table is named by.
    pub criterion: &'static str,
    pub table: AcceptedIn,
}

impl Own<'_> {
    /// A finding that may stay for a while.
    pub fn keyed(&self, key: &str, finding: Finding) -> Keyed {
        let (file, criterion) = (self.service.file.display(), self.criterion);
        let finding = finding.acceptable(self.table, key).help(format!(
            "where it may stay for a while: in {file}, [{criterion}.accepted] \"{key}\" = \"<reason>\""
        ));
        Keyed::red(key.to_owned(), finding)
    }

    /// The findings that no line accepts, and the notes about those that one does.
    pub fn open(&self, found: Vec<Keyed>) -> (Vec<Finding>, Vec<String>) {
        let reason = |one: &Keyed| self.lines()?.get(&one.key).filter(|_| !one.key.is_empty());
        let (accepted, open): (Vec<Keyed>, Vec<Keyed>) =
            found.into_iter().partition(|one| reason(one).is_some());
        let notes = accepted.iter().filter_map(|one| {
            let reason = reason(one)?;
            Some(format!("accepted: {}: {reason}", one.key))
        });
        let notes = notes.collect();
        (open.into_iter().map(|one| one.finding).collect(), notes)
    }

    /// The verdict on everything that was found; `notes` are those of a green one.
    pub fn verdict(&self, found: Vec<Keyed>, notes: Vec<String>) -> Verdict {
        let stale = self.stale(&found);
        let (open, accepted) = self.open(found);
        let findings: Vec<Finding> = open.into_iter().chain(stale).collect();
        match findings.is_empty() {
            true => Verdict::Pass {
                notes: notes.into_iter().chain(accepted).collect(),
            },
            false => Verdict::Fail(findings),
        }
    }

    /// The lines that accept nothing any more, where everything was judged.
    pub fn stale(&self, found: &[Keyed]) -> Vec<Finding> {
        let keys = self.lines().into_iter().flat_map(|lines| lines.keys());
        let stale = keys.filter(|key| !found.iter().any(|one| one.key == **key));
        stale.map(|key| self.told_stale(key)).collect()
    }

    fn lines(&self) -> Option<&BTreeMap<String, String>> {
        self.service.accepted.get(self.criterion)
    }

    fn told_stale(&self, key: &str) -> Finding {
        Finding::new(format!(
            "\"{key}\" is accepted, and nothing shows it any more"
        ))
        .help(format!(
            "remove the line from [{}.accepted] in {}",
            self.criterion,
            self.service.file.display()
        ))
    }
}
