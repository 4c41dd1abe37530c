//! The upgrades of a deployment.

use super::AtHead;
use crate::evidence::plan::Plan;

/// The targets of the upgrades, each with the revisions that run then.
pub(super) fn targets(plan: &Plan, head: &AtHead<'_>) -> Vec<(String, Vec<String>)> {
    match plan.one_by_one {
        true => {
            let each = plan.pending.iter();
            each.map(|id| (id.clone(), vec![id.clone()])).collect()
        }
        false => {
            let command = &head.migrated.reached().command;
            let target = command.strip_prefix("upgrade ").unwrap_or("head");
            vec![(target.to_owned(), plan.pending.clone())]
        }
    }
}
