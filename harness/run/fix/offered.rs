//! The fixes that were proved, as they are shown.

use std::collections::BTreeMap;
use std::path::Path;

use super::bench::Judgement;
use super::known::{Known, known};
use super::overlay::{Files, relative};
use super::search::Step;
use crate::manifest::Service;
use crate::report::fixes::{FileChange, OfferedFix};

/// The findings of a service as it is, by criterion.
pub(super) struct KnownFindings(BTreeMap<&'static str, Vec<Known>>);

impl KnownFindings {
    /// Those of some criteria.
    pub(super) fn new(criteria: &[&'static str], judged: &Judgement) -> Self {
        let findings = criteria.iter().map(|id| (*id, known(judged, id)));
        Self(
            findings
                .map(|(id, all)| (id, all.unwrap_or_default()))
                .collect(),
        )
    }

    /// The positions of the findings that are not there after a step.
    fn ended(&self, step: &Step) -> Vec<usize> {
        let told = self.0.get(step.fix.criterion);
        let told = told.map(Vec::as_slice).unwrap_or_default();
        let Some(open) = &step.open else {
            return Vec::new();
        };
        let all = told.iter().enumerate();
        all.filter(|(_, one)| !open.contains(one))
            .map(|(position, _)| position)
            .collect()
    }
}

/// The fixes, in the order in which they are applied to files that are `base` now.
pub(super) fn all(
    service: &Service,
    steps: &[Step],
    base: &Files,
    told: &KnownFindings,
) -> Vec<OfferedFix> {
    let mut ended: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut all = Vec::new();
    for step in steps {
        let before = ended.entry(step.fix.criterion).or_default();
        let mut ends = told.ended(step);
        ends.retain(|one| !before.contains(one));
        before.extend(&ends);
        all.push(OfferedFix {
            criterion: step.fix.criterion.to_owned(),
            what: step.fix.what.clone(),
            class: step.fix.class,
            turned: step.turned.iter().map(|id| (*id).to_owned()).collect(),
            stayed: step.stayed,
            both_orders: step.fix.same_as.is_some(),
            ends,
            files: changes(service, &step.before, &step.after),
            whole: changes(service, base, &step.after),
        });
    }
    all
}

/// The files that differ.
fn changes(service: &Service, before: &Files, after: &Files) -> Vec<FileChange> {
    let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
    let differs = |file: &Path| before.get(file) != after.get(file);
    let files = after.iter().filter(|(file, _)| differs(file));
    let change = files.map(|(file, content)| {
        let path = service.root.join(file);
        let was = match before.get(file) {
            Some(was) => was.clone(),
            None => std::fs::read(&path).ok(),
        };
        FileChange {
            path: relative(service, &path).unwrap_or_default(),
            file: path,
            before: was.as_ref().map(text),
            after: content.as_ref().map(text).unwrap_or_default(),
        }
    });
    change.collect()
}
