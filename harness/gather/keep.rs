//! Leaves the server of a red service running, each stage in a database of its own.

use super::Driver;
use crate::error::Result;
use crate::evidence::Evidence;
use crate::gather::progress::Progress;
use crate::postgres::{Kept, Phase, Shown};

/// Answers for the evidence after a session whether its server is to be left running.
pub type Keep<'a> = &'a (dyn Fn(&Evidence) -> bool + Sync);

impl Driver<'_> {
    /// Tells whether nothing of it would be in the way of a later run: on a server that is not
    /// ours alone, what migrations did to more than their database would be.
    pub(super) async fn may_stay(&self) -> bool {
        let changed = !self.server.is_ours_alone()
            && self
                .server
                .is_not_as_it_was(&self.touched)
                .await
                .unwrap_or(true);
        if changed {
            (self.say)(Progress::Note(
                "KEEP_SERVER: not kept: its migrations changed roles, databases or settings of \
                 the whole server, which would be in the way of the next run; use provider = \
                 \"local\" or \"container\""
                    .to_owned(),
            ));
        }
        !changed
    }

    /// Gives the database another name, where somebody may want to look at it. Of each
    /// stage it is the first one: what comes later is made after something had failed.
    pub(super) async fn set_aside(&mut self) -> Result<()> {
        let Some(kept) = &mut self.kept else {
            return Ok(());
        };
        if self.phase == Phase::Deployed || kept.iter().any(|shown| shown.phase == self.phase) {
            return Ok(());
        }
        if let Some(database) = self.server.set_aside(&self.database, &self.touched).await? {
            kept.push(Shown {
                phase: self.phase,
                is_end: false,
                database,
            });
        }
        Ok(())
    }

    /// Leaves the server running, and ends the interpreter.
    pub(super) async fn keep(mut self) -> Option<Kept> {
        let mut stages = self.kept.unwrap_or_default();
        stages.push(Shown {
            phase: self.phase,
            is_end: stages.iter().any(|shown| shown.phase == self.phase),
            database: self.database.name.clone(),
        });
        drop(self.connection);
        self.worker.end().await;
        match self.server.keep(stages).await {
            Ok(kept) => {
                (self.say)(Progress::Note(format!(
                    "KEEP_SERVER: {} runs on; remove it: {}",
                    kept.about, kept.remove
                )));
                Some(kept)
            }
            Err(error) => {
                let help = error
                    .help
                    .map(|help| format!("; {help}"))
                    .unwrap_or_default();
                (self.say)(Progress::Note(format!(
                    "KEEP_SERVER: not kept: {}{help}",
                    error.message
                )));
                None
            }
        }
    }
}
