//! Walks the stairway: every revision up, down and up again, then all the way down.
//!
//! The first snapshot is taken after `env.py` ran without any revision, so that what
//! `env.py` itself creates (a schema, an extension) is no revision's doing.

use std::time::Instant;

use super::Driver;
use crate::alembic::worker::{self, Command};
use crate::error::Result;
use crate::evidence::progress::Progress;
use crate::evidence::stairway::{Descent, Rung};
use crate::evidence::{Catalog, Migrated, Stairway, Stepped};

impl Driver<'_> {
    /// The stairway of a history whose upgrade is known to work; and the history stepped,
    /// where the way up was that as well.
    pub(super) async fn climb(
        &mut self,
        loaded: &worker::History,
        migrated: &Migrated,
    ) -> Result<(Stairway, Option<Stepped>)> {
        let begun = Instant::now();
        let (base, rungs) = match self.in_parts(loaded, migrated).await? {
            Some(way) => (way.base, way.rungs),
            None => {
                let base = self.base().await?;
                let rungs = self.rungs(loaded, &base).await?;
                (base, rungs)
            }
        };
        let stepped = match rungs.len() == loaded.revisions.len() && self.worker.is_alive() {
            true => self.stepped(&rungs, migrated).await?,
            false => None,
        };
        let one_way = |rung: &Rung| self.service.one_way.contains_key(&rung.revision);
        let passable = rungs
            .iter()
            .all(|rung| rung.is_taken_back() || one_way(rung));
        let descent = match &migrated.catalog {
            Some(head) if passable && self.worker.is_alive() => {
                let head = self.without_version_table(head.clone());
                Some(self.descend(loaded, &base, &head).await?)
            }
            _ => None,
        };
        (self.say)(Progress::Ran {
            command: "every revision up, down and up".to_owned(),
            revisions: rungs.len(),
            seconds: begun.elapsed().as_secs_f64(),
            ok: descent.is_some(),
        });
        Ok((Stairway { rungs, descent }, stepped))
    }

    /// The upgrades of the stairway as the history stepped. `None` where going down left a
    /// trace, or led elsewhere than the upgrade in one go: then only steps on a database
    /// of their own tell what they do.
    async fn stepped(&mut self, rungs: &[Rung], migrated: &Migrated) -> Result<Option<Stepped>> {
        if !rungs.iter().all(Rung::leaves_no_trace) {
            return Ok(None);
        }
        let versions = self.versions().await?;
        let catalog = Some(self.catalog().await?);
        if versions != migrated.versions || catalog != migrated.catalog {
            return Ok(None);
        }
        let mut upgrade = self.no_step_yet();
        for rung in rungs {
            upgrade.append(rung.up.clone());
        }
        Ok(Some(Stepped {
            upgrade,
            versions,
            catalog,
        }))
    }

    /// Every revision up, down and up again, as far as it goes.
    async fn rungs(&mut self, loaded: &worker::History, base: &Catalog) -> Result<Vec<Rung>> {
        let mut rungs = Vec::new();
        let mut floor = base.clone();
        for (position, revision) in loaded.revisions.iter().enumerate() {
            let (rung, reached) = self.rung(&revision.id, &floor).await?;
            let went_up = rung.up.finished();
            rungs.push(rung);
            if !went_up || !self.worker.is_alive() {
                break;
            }
            floor = match reached {
                Some(reached) => reached,
                // What a downgrade left behind must not be blamed on the revisions above.
                None => match self.below(loaded, position + 1).await? {
                    Some((_, catalog)) => catalog,
                    None => break,
                },
            };
        }
        Ok(rungs)
    }

    /// A fresh database as `env.py` leaves it without any revision.
    async fn base(&mut self) -> Result<Catalog> {
        self.start_afresh("up_and_down").await?;
        self.command(Command::Touch).await?;
        self.snapshot().await
    }

    /// One revision up, down and up; with the catalog it ended with, where that is the
    /// one to go on from.
    pub(super) async fn rung(
        &mut self,
        revision: &str,
        floor: &Catalog,
    ) -> Result<(Rung, Option<Catalog>)> {
        let up = self.command(Command::Upgrade(revision)).await?;
        let mut rung = Rung {
            revision: revision.to_owned(),
            up,
            down: None,
            left: Vec::new(),
            again: None,
            lost: Vec::new(),
        };
        if !rung.up.finished() {
            return Ok((rung, None));
        }
        let top = self.snapshot().await?;
        let down = self.command(Command::Downgrade(revision)).await?;
        rung.down = Some(down);
        if !self.worker.is_alive() {
            return Ok((rung, None));
        }
        let below = self.snapshot().await?;
        rung.left = floor.changes(&below);
        if !rung.is_taken_back() {
            // A downgrade that raised and was rolled back whole changed nothing.
            return Ok((rung, (below == top).then_some(top)));
        }
        let again = self.command(Command::Upgrade(revision)).await?;
        let finished = again.finished();
        rung.again = Some(again);
        if !finished {
            return Ok((rung, None));
        }
        let reached = self.snapshot().await?;
        rung.lost = top.changes(&reached);
        let same = rung.lost.is_empty();
        Ok((rung, same.then_some(reached)))
    }

    /// A fresh database upgraded to below the revision at `position`, branches included:
    /// its catalog before any revision, and the one it then has.
    pub(super) async fn below(
        &mut self,
        loaded: &worker::History,
        position: usize,
    ) -> Result<Option<(Catalog, Catalog)>> {
        let base = self.base().await?;
        let below = &loaded.revisions[..position];
        if below.is_empty() {
            return Ok(Some((base.clone(), base)));
        }
        let is_top = |id: &String| !below.iter().any(|other| other.down_revisions.contains(id));
        for top in below.iter().filter(|revision| is_top(&revision.id)) {
            if !self.command(Command::Upgrade(&top.id)).await?.finished() {
                return Ok(None);
            }
        }
        Ok(Some((base, self.snapshot().await?)))
    }

    /// All the way down, or to the highest revision that is declared one-way.
    async fn descend(
        &mut self,
        loaded: &worker::History,
        base: &Catalog,
        head: &Catalog,
    ) -> Result<Descent> {
        let stopped_at = loaded
            .revisions
            .iter()
            .rev()
            .find(|revision| self.service.one_way.contains_key(&revision.id))
            .map(|revision| revision.id.clone());
        let down = self
            .command(Command::Descend(stopped_at.as_deref().unwrap_or("base")))
            .await?;
        let mut descent = Descent {
            down,
            stopped_at,
            left: Vec::new(),
            again: None,
            lost: Vec::new(),
        };
        if !descent.down.finished() {
            return Ok(descent);
        }
        if descent.stopped_at.is_none() {
            descent.left = base.changes(&self.snapshot().await?);
        }
        let again = self.command(Command::Upgrade("heads")).await?;
        if again.finished() {
            descent.lost = head.changes(&self.snapshot().await?);
        }
        descent.again = Some(again);
        Ok(descent)
    }

    /// The catalog without the version table, which no revision creates.
    pub(super) async fn snapshot(&mut self) -> Result<Catalog> {
        let catalog = self.catalog().await?;
        Ok(self.without_version_table(catalog))
    }

    pub(super) fn without_version_table(&self, catalog: Catalog) -> Catalog {
        match &self.version_table {
            Some(table) => catalog.without_table(table.schema.as_deref(), &table.name),
            None => catalog,
        }
    }
}
