//! What the running release does not know may go with a deployment.

use crate::alembic::sql;
use crate::evidence::deployment::{Known, Plan};
use crate::evidence::{Evidence, Part};
use crate::gather::{AtHead, Driver};

impl Driver<'_> {
    /// Tells whether a statement of the deployment drops a table or a column.
    pub(super) fn drops(&self, head: &AtHead<'_>, plan: &Plan) -> bool {
        let mut statements = head.migrated.reached().statements_of(&plan.pending);
        statements.any(|one| {
            let names = |what: &str| sql::mentions_all(&one.sql, &["drop", what]);
            names("table") || names("column")
        })
    }

    /// The models of the running release: what they do not know may go. Where they cannot be
    /// asked, `running_release` says why, and nothing may go.
    pub(super) async fn known_to_the_release(
        &mut self,
        head: &AtHead<'_>,
        evidence: &mut Evidence,
    ) -> Option<Known> {
        const CRITERION: &str = "running_release";
        let is_waived = self.service.not_applicable.contains_key(CRITERION);
        if evidence.running.is_none() && !is_waived {
            let gathered = Box::pin(self.gather_running(head, evidence)).await;
            let known = evidence.running.as_ref().and_then(Known::of);
            if !head.parts.contains(&Part::Running) {
                evidence.running = None;
            }
            return known.filter(|_| gathered.is_ok());
        }
        evidence.running.as_ref().and_then(Known::of)
    }
}
