//! The way back from a deployment, with rows.

use super::Start;
use super::compare::{Meant, altered};
use super::contents::Contents;
use crate::alembic::worker::Command;
use crate::error::Result;
use crate::evidence::deployment::{AlteredValues, Rollout};
use crate::gather::Driver;

impl Driver<'_> {
    /// The way back, where the service promises one.
    pub(super) async fn way_back(
        &mut self,
        start: &Start<'_>,
        before: &Contents,
        rollout: &mut Rollout,
    ) -> Result<()> {
        if self.service.not_applicable.contains_key("downgrade") {
            return Ok(());
        }
        for revision in start.revisions.iter().rev() {
            if self.service.one_way.contains_key(revision) {
                return Ok(());
            }
            let down = self.command(Command::Downgrade(revision)).await?;
            let goes_on = down.finished();
            if !goes_on && self.fails_without_rows(start, revision).await? {
                rollout.down_without_rows = Some(revision.clone());
                return Ok(());
            }
            rollout.down.push((revision.clone(), down));
            if !goes_on {
                return Ok(());
            }
        }
        let restored = self.contents().await?;
        let compared = altered(&before.renumbered(&restored), &restored, &Meant::default());
        let is_known = |one: &AlteredValues| {
            let same = |other: &&AlteredValues| {
                other.table == one.table && (other.column.is_none() || other.column == one.column)
            };
            rollout.altered.iter().any(|other| same(&other))
        };
        let others = compared.altered.into_iter().filter(|one| !is_known(one));
        rollout.not_restored = others.collect();
        Ok(())
    }
}
