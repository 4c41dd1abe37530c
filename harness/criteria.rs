//! The promises to every service: one [`Criterion`] per file, each a pure
//! function from evidence to a [`Verdict`].
//!
//! `CONTRIBUTING.md` has the steps to a new one.

pub mod attribution;
pub mod deployed_schema;
pub mod downgrade;
mod duplicate_creation;
pub mod enum_types;
mod failure;
mod finding;
pub mod fixes;
mod keyed;
pub mod locks;
pub mod migration_notes;
pub mod model_drift;
mod no_graph;
pub mod outbox_indexes;
mod own;
pub mod proposal;
pub mod published_revisions;
pub mod rows;
pub mod running_release;
pub mod single_head;
pub mod upgrade_head;

pub use finding::{
    Acceptance, AcceptedIn, ChangedLine, ChangedObject, Comparison, Finding, Help, Mark,
};

use std::fmt;

use crate::evidence::{Evidence, Part};
use crate::manifest::{Deployed, Service};

/// The reason where nobody says what is deployed.
const NO_DEPLOYMENT: &str = "nobody says what is deployed: set BASE_REF to what the branch is merged into, or \
                             `deployed` in the service's manifest to the revision that is";

/// The reason where nobody says what is published.
const NO_BASE_REF: &str =
    "nobody says what is published: set BASE_REF to what the branch is merged into";

/// The reason where nobody says what is running.
const NO_RELEASE: &str = "nobody says which release is running: set BASE_REF to what the branch is merged into, or \
     `ref` below [running_release] beside `deployed` in the service's manifest";

/// One promise, and how it is judged.
#[derive(Debug, Clone, Copy)]
pub struct Criterion {
    /// Its name in test results and in `[not_applicable]`.
    pub id: &'static str,
    /// The promise.
    pub asserts: &'static str,
    /// The reason that it matters.
    pub why: &'static str,
    /// The remedy where it is red.
    pub remedy: &'static str,
    /// The evidence it needs beside the revision graph.
    pub needs: &'static [Part],
    /// The judgement.
    pub judge: fn(&Service, &Evidence) -> Verdict,
}

/// The verdict of a criterion on a service. Everything but `Pass` and `NotApplicable` is red.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// The promise holds.
    Pass {
        /// Lines worth printing all the same.
        notes: Vec<String>,
    },
    /// The service breaks the promise; at least one finding.
    Fail(Vec<Finding>),
    /// It could not be judged.
    Blocked {
        /// The obstacle that kept it from being judged.
        by: Blocker,
        /// In one line.
        because: String,
    },
    /// It does not apply.
    NotApplicable {
        /// The manifest's reason, or what the run lacks.
        reason: String,
        /// Tells whether the run lacks it, so that it is said once for all services.
        of_run: bool,
    },
}

/// An obstacle that keeps a criterion from judging.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocker {
    /// A failure that the criterion with this id reports.
    Criterion(&'static str),
    /// Evidence that is not there.
    Evidence,
}

impl Verdict {
    /// Tells whether the test result is red.
    #[must_use]
    pub fn is_red(&self) -> bool {
        match self {
            Self::Pass { .. } | Self::NotApplicable { .. } => false,
            Self::Fail(_) | Self::Blocked { .. } => true,
        }
    }

    /// Green, with nothing to add.
    #[must_use]
    pub fn pass() -> Self {
        Self::Pass { notes: Vec::new() }
    }

    /// Red if there is a finding, green otherwise.
    #[must_use]
    pub fn from_findings(findings: Vec<Finding>) -> Self {
        if findings.is_empty() {
            Self::pass()
        } else {
            Self::Fail(findings)
        }
    }

    /// Red because evidence that was asked for is not there.
    #[must_use]
    pub fn without(evidence: &str) -> Self {
        Self::Blocked {
            by: Blocker::Evidence,
            because: format!("{evidence} is missing, so nothing was judged"),
        }
    }
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Criterion(id) => id,
            Self::Evidence => "evidence",
        })
    }
}

impl Criterion {
    /// The verdict on one service; what the manifest declares not applicable is not judged.
    #[must_use]
    pub fn verdict(&self, service: &Service, evidence: &Evidence) -> Verdict {
        match self.waived(service) {
            Some(waived) => waived,
            None if evidence.service != service.file => Verdict::Blocked {
                by: Blocker::Evidence,
                because: format!("it is that of {}", evidence.service.display()),
            },
            None => (self.judge)(service, evidence),
        }
    }

    /// The verdict on a service to which it does not apply.
    #[must_use]
    pub fn waived(&self, service: &Service) -> Option<Verdict> {
        let declared = self.declared(service).map(|reason| (reason, false));
        let lacks = self.lacks(service).map(|what| (what, true));
        let waived = declared.or(lacks);
        waived.map(|(reason, of_run)| Verdict::NotApplicable {
            reason: reason.to_owned(),
            of_run,
        })
    }

    /// The fact that the run does not name, and without which there is nothing to judge.
    fn lacks(&self, service: &Service) -> Option<&'static str> {
        let has_base_ref = matches!(service.deployed, Deployed::BaseRef(_));
        if self.needs.contains(&Part::Deployment) && service.deployed == Deployed::Unknown {
            return Some(NO_DEPLOYMENT);
        }
        if self.needs.contains(&Part::Running) {
            let is_known = service.running.reference.is_some() && service.deployed.is_one();
            return (!has_base_ref && !is_known).then_some(NO_RELEASE);
        }
        (self.id == published_revisions::CRITERION.id && !has_base_ref).then_some(NO_BASE_REF)
    }

    /// The manifest's reason why this criterion does not apply to the service.
    #[must_use]
    pub fn declared<'a>(&self, service: &'a Service) -> Option<&'a str> {
        service.not_applicable.get(self.id).map(String::as_str)
    }
}

/// The ids of all criteria, as `[not_applicable]` may name them.
#[must_use]
pub fn ids() -> Vec<&'static str> {
    ALL.iter().map(|criterion| criterion.id).collect()
}

/// Every criterion, in the order of the list.
pub const ALL: &[Criterion] = &[
    single_head::CRITERION,
    upgrade_head::CRITERION,
    enum_types::CRITERION,
    outbox_indexes::CRITERION,
    downgrade::CRITERION,
    model_drift::CRITERION,
    migration_notes::CRITERION,
    deployed_schema::CRITERION,
    rows::CRITERION,
    published_revisions::CRITERION,
    locks::CRITERION,
    running_release::CRITERION,
];

#[cfg(test)]
mod tests;
