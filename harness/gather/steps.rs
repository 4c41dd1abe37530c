//! The history stepped: one revision per Alembic context.

use std::time::Instant;

use super::Driver;
use super::commands::Isolation;
use crate::alembic::transcript::Outcome;
use crate::alembic::worker::{self, Command};
use crate::error::Result;
use crate::evidence::{Migrated, Stepped};
use crate::postgres::Phase;

impl Driver<'_> {
    /// The same history, one revision per context. Where that raises and the upgrade in one
    /// go did not, once more in an interpreter that ran on no other database, then with one
    /// for each step, as the `alembic` command would: what `env.py` does may depend on what
    /// ran in its process before.
    pub(super) async fn step(
        &mut self,
        loaded: &worker::History,
        migrated: &Migrated,
    ) -> Result<Stepped> {
        let first = self.walk(loaded, Phase::OneAtATime).await?;
        let raises = |walked: &Stepped| walked.upgrade.outcome.error().is_some();
        if !raises(&first) || !migrated.reached().finished() {
            return Ok(first);
        }
        if self.doubts() {
            let second = self.walk(loaded, Phase::OneAtATime).await?;
            if !raises(&second) {
                return Ok(second);
            }
            self.isolation = Isolation::Nothing;
        }
        let before = std::mem::replace(&mut self.isolation, Isolation::Command);
        let apart = self.walk(loaded, Phase::EachStepApart).await?;
        self.isolation = before;
        Ok(match apart.upgrade.outcome {
            Outcome::TimedOut { .. } | Outcome::Ended { .. } => first,
            _ => apart,
        })
    }

    /// Steps on a database that is fresh again.
    async fn walk(&mut self, loaded: &worker::History, phase: Phase) -> Result<Stepped> {
        self.start_afresh(phase).await?;
        let begun = Instant::now();
        let mut walked = self.no_step_yet();
        for revision in &loaded.revisions {
            let left = self
                .service
                .timeouts
                .upgrade
                .saturating_sub(begun.elapsed());
            let step = self.drive(Command::Upgrade(&revision.id), left).await?;
            walked.append(step);
            if !walked.finished() {
                break;
            }
        }
        self.ran(&walked);
        let mut stepped = Stepped {
            versions: None,
            catalog: None,
            upgrade: walked,
        };
        if stepped.upgrade.finished() {
            stepped.versions = self.versions().await?;
            stepped.catalog = Some(self.catalog().await?);
        }
        Ok(stepped)
    }
}
