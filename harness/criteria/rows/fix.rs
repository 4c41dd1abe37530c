//! The reason that a column that rows lack has no fix here.

use super::CRITERION;
use super::refused::failing;
use crate::criteria::proposal::{Proposal, PublishedIds};
use crate::evidence::Evidence;
use crate::manifest::Service;

/// PostgreSQL's not_null_violation
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
const NOT_NULL_VIOLATION: &str = "23502";

/// Refuses to make up the values of a column that is required of rows without one.
pub fn propose(_: &Service, evidence: &Evidence, _: &PublishedIds) -> Vec<Proposal> {
    let rollouts = evidence.deployment.iter().flat_map(|one| &one.rollouts);
    let upgrades = rollouts.map(|rollout| &rollout.upgrade);
    let refused = upgrades.filter(|upgrade| {
        let error = upgrade.outcome.error();
        let state = error.and_then(|error| error.sqlstate.as_deref());
        state == Some(NOT_NULL_VIOLATION)
    });
    let why = refused.map(|upgrade| {
        format!(
            "revision {}: which value the rows that are there get, only you know: a server_default, or the \
             column without NOT NULL, filled in batches by key, and NOT NULL in a later deployment",
            failing(upgrade)
        )
    });
    why.map(|why| Proposal::refused(&CRITERION, why)).collect()
}
