//! Findings that a service's own file accepts by a key: [`Own`].

use std::collections::BTreeMap;

use super::keyed::{KeyedFinding, parted, stale_line};
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
    pub fn keyed(&self, key: &str, finding: Finding) -> KeyedFinding {
        let file = self.service.file.display();
        let finding = finding.acceptable(self.table, key).help(format!(
            "where it may stay for a while: in {file}, {}",
            self.table.line(key)
        ));
        KeyedFinding::red(key.to_owned(), finding)
    }

    /// The findings that no line accepts, and the notes about those that one does.
    pub fn open(&self, found: Vec<KeyedFinding>) -> (Vec<Finding>, Vec<String>) {
        // What no line can accept has no key.
        let lines = |key: &str| self.lines().filter(|_| !key.is_empty());
        let reason = |key: &str| lines(key)?.get(key).map(String::as_str);
        let (open, accepted) = parted(found, reason);
        (open.into_iter().map(|one| one.finding).collect(), accepted)
    }

    /// The verdict on everything that was found; `notes` are those of a green one.
    pub fn verdict(&self, found: Vec<KeyedFinding>, notes: Vec<String>) -> Verdict {
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
    pub fn stale(&self, found: &[KeyedFinding]) -> Vec<Finding> {
        let keys = self.lines().into_iter().flat_map(|lines| lines.keys());
        let stale = keys.filter(|key| !found.iter().any(|one| one.key == **key));
        let table = format!("{}.accepted", self.criterion);
        let told = |key: &String| {
            let why = format!("\"{key}\" is accepted, and nothing shows it any more");
            stale_line(why, &table, self.service)
        };
        stale.map(told).collect()
    }

    fn lines(&self) -> Option<&BTreeMap<String, String>> {
        self.service.accepted.get(self.criterion)
    }
}
