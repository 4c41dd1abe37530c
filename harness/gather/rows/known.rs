//! Models of the running release, by which a deployment may drop what they do not know.

use crate::alembic::sql;
use crate::evidence::deployment::Known;
use crate::evidence::plan::Plan;
use crate::evidence::{Evidence, Part};
use crate::gather::{AtHead, Driver};

impl Driver<'_> {
    /// Tells whether a statement of the deployment drops a table or a column.
    pub(super) fn drops(&self, head: &AtHead<'_>, plan: &Plan) -> bool {
        let mut statements = head.migrated.reached().statements_of(&plan.pending);
        statements.any(|one| sql::drops_values(&one.sql))
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
        if evidence.running.is_some() || is_waived {
            return evidence.running.as_ref().and_then(Known::from_running);
        }
        let gathered = Box::pin(self.gather_running(head, evidence)).await;
        let running = match head.parts.contains(&Part::Running) {
            true => evidence.running.clone(),
            false => evidence.running.take(),
        };
        running
            .as_ref()
            .and_then(Known::from_running)
            .filter(|_| gathered.is_ok())
    }
}
