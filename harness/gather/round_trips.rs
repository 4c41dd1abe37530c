//! Walks the stairway: every revision up, down and up again, then all the way down.
//!
//! The first snapshot is taken after `env.py` ran without any revision, so that what
//! `env.py` itself creates (a schema, an extension) is no revision's doing.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Instant;

use super::Driver;
use super::commands::Isolation;
use crate::alembic::transcript::{Transcript, VersionTable};
use crate::alembic::worker::{self, Command};
use crate::error::Result;
use crate::evidence::stairway::{FullDowngrade, RoundTrip, UnreachedRevision};
use crate::evidence::{Catalog, Migrated, Stairway, Stepped};
use crate::gather::progress::Progress;
use crate::postgres::Phase;

/// After so many revisions that no upgrade reaches, the others are not tried.
pub(super) const UNREACHED: usize = 3;

/// A part of the way up, or all of it.
#[derive(Default)]
pub(super) struct Walk {
    /// The catalog without any revision.
    pub base: Catalog,
    /// The one below the first revision of the range, if an upgrade got there.
    pub floor: Option<Catalog>,
    pub trips: Vec<RoundTrip>,
    pub unreached: Vec<UnreachedRevision>,
    /// The catalog above the last revision, if the database is as it should be there.
    pub reached: Option<Catalog>,
    /// Tells whether parts of it meet where they should.
    pub is_seamless: bool,
}

impl Walk {
    /// Tells whether nothing above it is tried any more.
    pub fn is_over(&self) -> bool {
        self.unreached.len() >= UNREACHED || self.trips.last().is_some_and(RoundTrip::timed_out)
    }
}

impl Driver<'_> {
    /// The stairway of a history whose upgrade is known to work; and the history stepped,
    /// where the way up was that as well.
    pub(super) async fn climb(
        &mut self,
        loaded: &worker::History,
        migrated: &Migrated,
    ) -> Result<(Stairway, Option<Stepped>)> {
        let begun = Instant::now();
        let walk = match Box::pin(self.in_parts(loaded, migrated)).await? {
            Some(walk) => walk,
            None => Box::pin(self.walk_up(loaded, 0..loaded.revisions.len())).await?,
        };
        let Walk {
            base,
            trips,
            unreached,
            ..
        } = walk;
        let at_head = walk.reached.is_some();
        let whole = trips.len() == loaded.revisions.len();
        let stepped = match whole && at_head && walk.is_seamless && self.worker.is_alive() {
            true => self.stepped(&trips, migrated).await?,
            false => None,
        };
        let one_way = |trip: &RoundTrip| self.service.one_way.contains_key(&trip.revision);
        let passable =
            |trip: &RoundTrip| trip.up.finished() && (trip.is_taken_back() || one_way(trip));
        let descends = whole
            && trips.iter().all(passable)
            && (at_head || self.floor(loaded, trips.len()).await?.is_ok());
        self.end_upgraded().await;
        let full_downgrade = match &migrated.catalog {
            Some(head) if descends && self.worker.is_alive() => {
                let head = self.without_version_table(head.clone());
                Some(Box::pin(self.descend(loaded, &base, &head)).await?)
            }
            _ => None,
        };
        (self.say)(Progress::Ran {
            command: "every revision up, down and up".to_owned(),
            revisions: trips.len(),
            seconds: begun.elapsed().as_secs_f64(),
            ok: full_downgrade.is_some(),
        });
        let stairway = Stairway {
            trips,
            unreached,
            full_downgrade,
        };
        Ok((stairway, stepped))
    }

    /// The upgrades of the stairway as the history stepped. `None` where going down left a
    /// trace, or led elsewhere than the upgrade in one go: then only steps on a database
    /// of their own tell what they do.
    async fn stepped(
        &mut self,
        trips: &[RoundTrip],
        migrated: &Migrated,
    ) -> Result<Option<Stepped>> {
        if !trips.iter().all(RoundTrip::leaves_no_trace) {
            return Ok(None);
        }
        let versions = self.versions().await?;
        let catalog = Some(self.catalog().await?);
        if versions != migrated.versions || catalog != migrated.catalog {
            return Ok(None);
        }
        let mut upgrade = self.no_step_yet();
        for trip in trips {
            upgrade.append(trip.up.clone());
        }
        Ok(Some(Stepped {
            upgrade,
            versions,
            catalog,
        }))
    }

    /// Every revision of a range up, down and up again.
    ///
    /// A revision after which the database is not as it should be must not be blamed on
    /// those above: the way goes on from a fresh database that reached the next one in one
    /// go. Left out is what no such upgrade reaches, and what follows a command that ran
    /// out of time, since each of them could.
    pub(super) async fn walk_up(
        &mut self,
        loaded: &worker::History,
        range: Range<usize>,
    ) -> Result<Walk> {
        let mut walk = Walk {
            is_seamless: true,
            ..Walk::default()
        };
        let mut floor = None;
        for position in range.clone() {
            let revision = &loaded.revisions[position].id;
            let walked = floor.take();
            let is_used = walked.is_some();
            let below = match walked {
                Some(catalog) => Ok(catalog),
                None if position > range.start => self.floor(loaded, position).await?,
                None => self.begin_at(loaded, position, &mut walk).await?,
            };
            let below = match below {
                Ok(catalog) => catalog,
                Err(stopped) => {
                    let revision = revision.clone();
                    walk.unreached.push(UnreachedRevision { revision, stopped });
                    if walk.unreached.len() == UNREACHED {
                        break;
                    }
                    continue;
                }
            };
            let base = &mut walk.base;
            let (mut trip, mut reached) = Box::pin(self.trip(revision, &below)).await?;
            let is_one_way = self.service.one_way.contains_key(revision);
            if reached.is_none() && !is_used && !is_one_way && self.doubts() {
                (trip, reached) = Box::pin(self.undoubted(loaded, position, trip, base)).await?;
            }
            if is_used && raised(&trip.up) {
                (trip, reached) = Box::pin(self.afresh(loaded, position, trip, base)).await?;
            }
            let timed_out = trip.timed_out();
            walk.trips.push(trip);
            if timed_out {
                break;
            }
            floor = reached;
        }
        walk.reached = floor;
        Ok(walk)
    }

    /// The catalog of a fresh database below the first revision of a range; else the upgrade
    /// that did not get there.
    async fn begin_at(
        &mut self,
        loaded: &worker::History,
        position: usize,
        walk: &mut Walk,
    ) -> Result<Result<Catalog, Transcript>> {
        if position == 0 {
            walk.base = self.base().await?;
            return Ok(Ok(walk.base.clone()));
        }
        let below = self.below(loaded, position).await?;
        if let Ok((_, catalog)) = &below {
            walk.floor = Some(catalog.clone());
            self.keep_upgraded(position).await?;
        }
        Ok(below.map(|(_, catalog)| catalog))
    }

    /// The same round trip, in an interpreter that ran on no other database; where that
    /// changes it, `base` is as that interpreter left it.
    async fn undoubted(
        &mut self,
        loaded: &worker::History,
        position: usize,
        doubted: RoundTrip,
        base: &mut Catalog,
    ) -> Result<(RoundTrip, Option<Catalog>)> {
        if let Ok((without, below)) = self.below(loaded, position).await? {
            let (trip, reached) = self.trip(&doubted.revision, &below).await?;
            if reached.is_some() {
                *base = without;
                return Ok((trip, reached));
            }
        }
        self.isolation = Isolation::Nothing;
        Ok((doubted, None))
    }

    /// The same revision on a fresh database, where that is what its upgrade needs.
    async fn afresh(
        &mut self,
        loaded: &worker::History,
        position: usize,
        up_after_others: RoundTrip,
        base: &mut Catalog,
    ) -> Result<(RoundTrip, Option<Catalog>)> {
        let Ok(below) = self.floor(loaded, position).await? else {
            return Ok((up_after_others, None));
        };
        let (mut trip, reached) = self.trip(&up_after_others.revision, &below).await?;
        if !trip.up.finished() {
            return match self.doubts() {
                true => Box::pin(self.undoubted(loaded, position, up_after_others, base)).await,
                false => Ok((up_after_others, None)),
            };
        }
        trip.up_after_others = Some(up_after_others.up);
        Ok((trip, reached))
    }

    /// A fresh database as `env.py` leaves it without any revision.
    async fn base(&mut self) -> Result<Catalog> {
        if !self.worker.is_alive() {
            self.renew().await?;
        }
        self.start_afresh(Phase::UpAndDown).await?;
        self.command(Command::Touch).await?;
        self.snapshot().await
    }

    /// One revision up, down and up; with the catalog it ended with, where that is the
    /// one to go on from.
    async fn trip(
        &mut self,
        revision: &str,
        floor: &Catalog,
    ) -> Result<(RoundTrip, Option<Catalog>)> {
        let up = self.command(Command::Upgrade(revision)).await?;
        let mut trip = RoundTrip {
            revision: revision.to_owned(),
            up,
            up_after_others: None,
            down: None,
            left: Vec::new(),
            again: None,
            lost: Vec::new(),
        };
        if !trip.up.finished() {
            return Ok((trip, None));
        }
        let top = self.snapshot().await?;
        let down = self.command(Command::Downgrade(revision)).await?;
        let rolled_back = raised(&down);
        trip.down = Some(down);
        if !self.worker.is_alive() {
            return Ok((trip, None));
        }
        let below = self.snapshot().await?;
        trip.left = floor.changes(&below);
        if !trip.is_taken_back() {
            // One that raised and was rolled back whole changed nothing, also not the version
            // table; one that does nothing takes the revision out of that.
            return Ok((trip, (rolled_back && below == top).then_some(top)));
        }
        let again = self.command(Command::Upgrade(revision)).await?;
        let finished = again.finished();
        trip.again = Some(again);
        if !finished {
            return Ok((trip, None));
        }
        let reached = self.snapshot().await?;
        trip.lost = top.changes(&reached);
        let same = trip.lost.is_empty();
        Ok((trip, same.then_some(reached)))
    }

    /// A fresh database upgraded to below the revision at `position`, branches included:
    /// its catalog before any revision, and the one it then has; else the upgrade that did
    /// not get there.
    pub(super) async fn below(
        &mut self,
        loaded: &worker::History,
        position: usize,
    ) -> Result<Result<(Catalog, Catalog), Transcript>> {
        let first = self.upgraded_below(loaded, position).await?;
        if first.is_ok() || !self.doubts() {
            return Ok(first);
        }
        let second = self.upgraded_below(loaded, position).await?;
        if second.is_err() {
            self.isolation = Isolation::Nothing;
        }
        Ok(second.or(first))
    }

    /// The same, tried once.
    async fn upgraded_below(
        &mut self,
        loaded: &worker::History,
        position: usize,
    ) -> Result<Result<(Catalog, Catalog), Transcript>> {
        let base = self.base().await?;
        if position == 0 {
            return Ok(Ok((base.clone(), base)));
        }
        match self.upgrade_below(loaded, position).await? {
            Ok(()) => Ok(Ok((base, self.snapshot().await?))),
            Err(stopped) => Ok(Err(stopped)),
        }
    }

    /// All the way down, or to the highest revision that is declared one-way.
    async fn descend(
        &mut self,
        loaded: &worker::History,
        base: &Catalog,
        head: &Catalog,
    ) -> Result<FullDowngrade> {
        let stopped_at = loaded
            .revisions
            .iter()
            .rev()
            .find(|revision| self.service.one_way.contains_key(&revision.id))
            .map(|revision| revision.id.clone());
        let down = self
            .command(Command::Descend(stopped_at.as_deref().unwrap_or("base")))
            .await?;
        let mut full_downgrade = FullDowngrade {
            down,
            stopped_at,
            left: Vec::new(),
            again: None,
            lost: Vec::new(),
        };
        if !full_downgrade.down.finished() {
            return Ok(full_downgrade);
        }
        if full_downgrade.stopped_at.is_none() {
            full_downgrade.left = base.changes(&self.snapshot().await?);
        }
        let again = self.command(Command::Upgrade("heads")).await?;
        if again.finished() {
            full_downgrade.lost = head.changes(&self.snapshot().await?);
        }
        full_downgrade.again = Some(again);
        Ok(full_downgrade)
    }

    /// The catalog without the version table, which no revision creates.
    pub(super) async fn snapshot(&mut self) -> Result<Catalog> {
        let roles = self.server.is_ours_alone();
        self.seen.are_without(self.version_table.as_ref());
        let known = self.seen.digests();
        let (digest, catalog) =
            Catalog::read_unless(self.connection().await?, roles, &known).await?;
        let Some(catalog) = catalog else {
            return Ok(self.seen.get(&digest));
        };
        let catalog = self.without_version_table(catalog);
        self.seen.keep(digest, catalog.clone());
        Ok(catalog)
    }

    pub(super) fn without_version_table(&self, catalog: Catalog) -> Catalog {
        match &self.version_table {
            Some(table) => catalog.without_table(table.schema.as_deref(), &table.name),
            None => catalog,
        }
    }
}

/// The last catalogs that were read: one revision down or up again leads to one of them.
#[derive(Default)]
pub(super) struct CatalogCache {
    /// The table that they are without.
    version_table: Option<VersionTable>,
    /// By their digests.
    catalogs: VecDeque<(String, Catalog)>,
}

impl CatalogCache {
    /// Forgets those that are without another table.
    fn are_without(&mut self, table: Option<&VersionTable>) {
        if self.version_table.as_ref() != table {
            self.catalogs.clear();
            self.version_table = table.cloned();
        }
    }

    fn digests(&self) -> Vec<String> {
        let digests = self.catalogs.iter().map(|(digest, _)| digest.clone());
        digests.collect()
    }

    fn get(&self, digest: &str) -> Catalog {
        let found = self.catalogs.iter().find(|(known, _)| known == digest);
        found
            .map(|(_, catalog)| catalog.clone())
            .unwrap_or_default()
    }

    fn keep(&mut self, digest: String, catalog: Catalog) {
        self.catalogs.truncate(1);
        self.catalogs.push_front((digest, catalog));
    }
}

fn raised(transcript: &Transcript) -> bool {
    transcript.outcome.error().is_some()
}
