//! A database that is only ever upgraded, from revision to revision: [`UpgradedCopy`].
//!
//! Above a revision that leaves a trace the stairway goes on from a fresh database that was
//! upgraded to there. In a long history that takes longer than all that is tried of the
//! revision. So an interpreter of its own takes one database upwards, as deployments do, and
//! the stairway goes on from a copy of it, in the interpreter that it has: of what that has
//! run so far, nothing lies above. Where that does not work, an upgrade in one go tells.

use super::Driver;
use super::commands::Isolation;
use crate::alembic::transcript::Transcript;
use crate::alembic::worker::{self, Command, Limits, LoadedRevision, Worker};
use crate::error::Result;
use crate::evidence::Catalog;
use crate::postgres::{Database, Phase};

/// The least number of revisions that take longer to run than an interpreter to start.
const FAR: usize = 16;

/// The database beside the service's own.
#[derive(Default)]
pub(super) enum UpgradedCopy {
    /// None was needed so far.
    #[default]
    Unneeded,
    /// One that may be upgraded further.
    At(Box<UpgradedDatabase>),
    /// Its upgrade did not work.
    Useless,
}

/// A database below the revision at a position.
pub(super) struct UpgradedDatabase {
    position: usize,
    database: Database,
    /// Its interpreter, once it was needed.
    worker: Option<Worker>,
}

impl Driver<'_> {
    /// The catalog of a database that was upgraded to below a revision, and is the service's
    /// own from now on; else the upgrade that did not get there.
    pub(super) async fn floor(
        &mut self,
        loaded: &worker::History,
        position: usize,
    ) -> Result<Result<Catalog, Transcript>> {
        if position >= FAR && Box::pin(self.go_on_from_copy(loaded, position)).await? {
            return self.snapshot().await.map(Ok);
        }
        let below = Box::pin(self.below(loaded, position)).await?;
        Ok(below.map(|(_, catalog)| catalog))
    }

    /// Puts a copy of the database that is only upgraded in the place of the service's own.
    /// Tells whether that was possible.
    async fn go_on_from_copy(&mut self, loaded: &worker::History, position: usize) -> Result<bool> {
        if !self.may_have_another() {
            return Ok(false);
        }
        let beside = match std::mem::take(&mut self.upgraded) {
            UpgradedCopy::At(beside) => beside,
            UpgradedCopy::Unneeded | UpgradedCopy::Useless => self.another().await?,
        };
        let Some(beside) = self.upgraded_to(loaded, beside, position).await? else {
            self.upgraded = UpgradedCopy::Useless;
            return Ok(false);
        };
        let template = self
            .server
            .as_template(&beside.database, &self.touched)
            .await?;
        self.upgraded = UpgradedCopy::At(beside);
        let Some(template) = template else {
            return Ok(false);
        };
        self.revive().await?;
        self.connection = None;
        self.phase = Phase::UpAndDown;
        let own = self.database.clone().to_be_copied_from(Some(template));
        self.database = self.server.recreate_database(&own, &self.touched).await?;
        self.worker.open(self.service, &self.database).await?;
        Ok(true)
    }

    /// Tells whether a database that is only upgraded may be made, and did not fail before.
    fn may_have_another(&self) -> bool {
        !matches!(self.upgraded, UpgradedCopy::Useless) && self.may_work_beside()
    }

    /// Tells whether databases and interpreters beside the service's own are in nobody's way,
    /// and an interpreter is enough for more than one command.
    pub(super) fn may_work_beside(&self) -> bool {
        self.server.is_ours_alone() && self.kept.is_none() && self.isolation != Isolation::Command
    }

    /// A fresh database beside the service's own.
    async fn another(&mut self) -> Result<Box<UpgradedDatabase>> {
        let ground = self.ground.for_migrations();
        Ok(Box::new(UpgradedDatabase {
            position: 0,
            database: self.server.create_database_from(ground.as_ref()).await?,
            worker: None,
        }))
    }

    /// The same one upgraded to a position, with its interpreter; `None` where that does not
    /// work.
    async fn upgraded_to(
        &mut self,
        loaded: &worker::History,
        mut beside: Box<UpgradedDatabase>,
        position: usize,
    ) -> Result<Option<Box<UpgradedDatabase>>> {
        if beside.position > position {
            return Ok(None);
        }
        let mut worker = match beside.worker.take() {
            Some(worker) => worker,
            None => {
                self.started += 1;
                let output = self.context.output(self.started);
                let interpreters = self.context.interpreters;
                let mut worker = Worker::start(self.service, &output, interpreters).await?;
                worker.open(self.service, &beside.database).await?;
                worker
            }
        };
        for top in tops(&loaded.revisions[..position]) {
            let limits = Limits {
                limit: self.service.timeouts.upgrade,
                server: &self.server,
                database: &beside.database,
                watch: &|_| {},
            };
            let (transcript, _) = worker.answer(Command::Upgrade(top), &limits).await;
            let is_fine = transcript.broken.is_empty() && transcript.refused.is_empty();
            if !(transcript.finished() && is_fine) {
                worker.end().await;
                return Ok(None);
            }
        }
        beside.position = position;
        beside.worker = Some(worker);
        Ok(Some(beside))
    }

    /// Has the database that is only upgraded begin as a copy of the service's own, which
    /// was only upgraded so far.
    pub(super) async fn keep_upgraded(&mut self, position: usize) -> Result<()> {
        if position < FAR || !self.may_have_another() {
            return Ok(());
        }
        self.connection = None;
        if let Some(template) = self
            .server
            .as_template(&self.database, &self.touched)
            .await?
        {
            let copy = self.server.create_database_from(Some(&template)).await?;
            self.upgraded = UpgradedCopy::At(Box::new(UpgradedDatabase {
                position,
                database: copy,
                worker: None,
            }));
        }
        Ok(())
    }

    /// Ends the interpreter of the database that is only upgraded. The database goes with
    /// the server's others.
    pub(super) async fn end_upgraded(&mut self) {
        if let UpgradedCopy::At(beside) = std::mem::take(&mut self.upgraded)
            && let Some(mut worker) = beside.worker
        {
            worker.end().await;
        }
    }

    /// Upgrades to below a revision, branches included; else the upgrade that stopped.
    pub(super) async fn upgrade_below(
        &mut self,
        loaded: &worker::History,
        position: usize,
    ) -> Result<Result<(), Transcript>> {
        for top in tops(&loaded.revisions[..position]) {
            let upgrade = self.command(Command::Upgrade(top)).await?;
            if !upgrade.finished() {
                return Ok(Err(upgrade));
            }
        }
        Ok(Ok(()))
    }
}

/// The revisions that none of the others lies above.
fn tops(revisions: &[LoadedRevision]) -> impl Iterator<Item = &str> {
    let is_top = |id: &String| {
        let mut others = revisions.iter();
        !others.any(|other| other.down_revisions.contains(id))
    };
    let tops = revisions
        .iter()
        .filter(move |revision| is_top(&revision.id));
    tops.map(|revision| revision.id.as_str())
}
