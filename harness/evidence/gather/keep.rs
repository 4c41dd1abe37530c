//! Leaves the server of a red service running, each stage in a database of its own.

use super::{Driver, Session};
use crate::error::Result;
use crate::evidence::progress::Progress;
use crate::postgres::{Kept, Shown};

/// Whether what a session saw is red, so that its server is to be left running.
pub type Keep<'a> = &'a (dyn Fn(&Session) -> bool + Sync);

impl Driver<'_> {
    /// Whether nothing of it would be in the way of a later run: on a server that is not
    /// ours alone, roles that migrations created would be.
    pub(super) fn may_stay(&self) -> bool {
        let may = self.server.is_ours_alone() || self.roles.is_empty();
        if !may {
            let roles: Vec<&str> = self.roles.iter().map(String::as_str).collect();
            (self.say)(Progress::Note(format!(
                "KEEP_SERVER: not kept: its migrations created roles ({}), or what is prepared did, which would be in \
                 the way of the next run; use provider = \"local\" or \"container\"",
                roles.join(", ")
            )));
        }
        may
    }

    /// Gives the database another name, where somebody may want to look at it. Of each
    /// stage it is the first one: what comes later is made after something had failed.
    pub(super) async fn set_aside(&mut self) -> Result<()> {
        let Some(aside) = &mut self.aside else {
            return Ok(());
        };
        if aside.iter().any(|stage| stage.label == self.stage) {
            return Ok(());
        }
        if let Some(database) = self.server.set_aside(&self.database).await? {
            let label = self.stage.to_owned();
            aside.push(Shown { label, database });
        }
        Ok(())
    }

    /// Leaves the server running, and ends the interpreter.
    pub(super) async fn keep(mut self) -> Option<Kept> {
        let mut stages = self.aside.unwrap_or_default();
        let again = stages.iter().any(|stage| stage.label == self.stage);
        let end = if again { "_end" } else { "" };
        stages.push(Shown {
            label: format!("{}{end}", self.stage),
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
