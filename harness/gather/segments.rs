//! Walks the stairway in parts at once, each on a server of its own, where cores are free.
//!
//! A part begins on a fresh database that was upgraded in one go to where the part before
//! it ends. What parts saw counts only if every revision went up, down and up again as it
//! should, and each part ended with the catalog that the next one began with: then a walk
//! in one would have seen the same. Otherwise nothing of it counts.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;

use super::commands::Apart;
use super::{Context, Driver};
use crate::alembic::transcript::VersionTable;
use crate::alembic::worker;
use crate::error::Result;
use crate::evidence::stairway::Rung;
use crate::evidence::{Catalog, History, Migrated};
use crate::gather::cores::Core;
use crate::gather::progress::Progress;
use crate::manifest::Service;

/// The least number of revisions of a segment.
const LEAST: usize = 4;

/// The time of a round trip, in upgrades with nothing to do.
const RUNG: f64 = 4.0;

/// A part of the way that went as it should.
pub(super) struct Way {
    /// The catalog without any revision.
    pub base: Catalog,
    /// The one below the first revision of the part.
    floor: Catalog,
    pub rungs: Vec<Rung>,
    /// The one above the last.
    reached: Catalog,
}

impl Driver<'_> {
    /// The whole way, walked in parts; this database is at the head afterwards. `None`
    /// where no core is free, or not everything was as it should be.
    pub(super) async fn in_parts(
        &mut self,
        loaded: &worker::History,
        migrated: &Migrated,
    ) -> Result<Option<Way>> {
        let cores = self.free_cores(self.worth(loaded, migrated));
        if cores.is_empty() {
            return Ok(None);
        }
        let mut ranges = parts(loaded.revisions.len(), cores.len() + 1);
        let Some(last) = ranges.pop() else {
            return Ok(None);
        };
        (self.say)(Progress::Detail(format!(
            "the stairway is walked in {} parts at once",
            cores.len() + 1
        )));
        let spoilt = AtomicBool::new(false);
        let beside = Beside {
            service: self.service,
            history: self.history,
            context: self.context,
            database: self.database.name.clone(),
            version_table: self.version_table.clone(),
            spoilt: &spoilt,
        };
        let others = ranges
            .into_iter()
            .enumerate()
            .map(|(number, range)| noted(&spoilt, beside.walk(number, loaded, range)));
        let own = noted(&spoilt, self.part(loaded, last, &spoilt));
        let (others, own) = tokio::join!(join_all(others), own);
        drop(cores);
        // What goes wrong beside this session is met again, and said, where the way is then
        // walked in one.
        let others = others.into_iter().map(|way| way.ok().flatten());
        let ways: Option<Vec<Way>> = others.chain([own?]).collect();
        let way = ways.and_then(joined);
        if way.is_none() && !self.worker.is_alive() {
            self.renew().await?;
        }
        Ok(way)
    }

    /// Into how many parts the way may be divided, each of which takes longer than to
    /// import what the service needs and to upgrade to where it begins.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss
    )]
    fn worth(&self, loaded: &worker::History, migrated: &Migrated) -> usize {
        let Some(nothing_to_do) = &migrated.second else {
            return 1;
        };
        let revisions = loaded.revisions.len();
        let start = self.worker.about().seconds + migrated.reached().seconds;
        let way = revisions as f64 * RUNG * nothing_to_do.seconds;
        (revisions / LEAST).min((way / start) as usize)
    }

    /// The cores that can be used beside this one's, for so many parts.
    fn free_cores(&self, parts: usize) -> Vec<Core> {
        if !self.server.is_ours_alone() || self.aside.is_some() || self.apart == Apart::Command {
            return Vec::new();
        }
        let free = std::iter::from_fn(|| self.context.cores.try_acquire());
        free.take(parts.saturating_sub(1)).collect()
    }

    /// One part of the way. `None` where something of it, or of another part, is not as it
    /// should be.
    async fn part(
        &mut self,
        loaded: &worker::History,
        range: Range<usize>,
        spoilt: &AtomicBool,
    ) -> Result<Option<Way>> {
        let Ok((base, floor)) = self.below(loaded, range.start).await? else {
            return Ok(None);
        };
        let mut way = Way {
            reached: floor.clone(),
            base,
            floor,
            rungs: Vec::new(),
        };
        for position in range {
            let revision = &loaded.revisions[position].id;
            let (rung, mut reached) = self.rung(revision, &way.reached).await?;
            let is_one_way = self.service.one_way.contains_key(revision);
            if reached.is_none() && is_one_way && rung.up.finished() {
                reached = self.floor(loaded, position + 1).await?.ok();
            }
            let is_fine = rung.is_taken_back() || is_one_way;
            match reached {
                Some(reached) if is_fine && !spoilt.load(Ordering::Relaxed) => {
                    way.reached = reached;
                }
                _ => return Ok(None),
            }
            way.rungs.push(rung);
        }
        Ok(Some(way))
    }
}

/// Walks a part, and tells the others where it is not as it should be.
async fn noted(
    spoilt: &AtomicBool,
    part: impl Future<Output = Result<Option<Way>>>,
) -> Result<Option<Way>> {
    let way = part.await;
    if !matches!(way, Ok(Some(_))) {
        spoilt.store(true, Ordering::Relaxed);
    }
    way
}

/// The context of a segment that is walked beside the service's own session.
struct Beside<'a> {
    service: &'a Service,
    history: &'a History,
    context: &'a Context<'a>,
    /// The name of the service's database: it may stand in the catalog.
    database: String,
    version_table: Option<VersionTable>,
    spoilt: &'a AtomicBool,
}

impl Beside<'_> {
    /// One part, with a server and an interpreter of its own.
    async fn walk(
        &self,
        number: usize,
        loaded: &worker::History,
        range: Range<usize>,
    ) -> Result<Option<Way>> {
        let directory = self.context.part(number)?;
        let context = Context {
            directory: &directory,
            ..*self.context
        };
        let name = Some(self.database.as_str());
        let mut driver = Driver::start(self.service, self.history, &context, name, &drop).await?;
        driver.version_table.clone_from(&self.version_table);
        let way = driver.part(loaded, range, self.spoilt).await;
        driver.end(way.is_ok()).await?;
        way
    }
}

/// The parts as one way, if each began where the one before ended.
fn joined(ways: Vec<Way>) -> Option<Way> {
    ways.into_iter().map(Some).reduce(|before, after| {
        let (mut before, after) = (before?, after?);
        before.rungs.extend(after.rungs);
        (before.reached == after.floor).then_some(Way {
            rungs: before.rungs,
            reached: after.reached,
            ..after
        })
    })?
}

/// So many parts of a way that take about as long: the last revision of a long history
/// takes twice as long as the first, because there is twice as much to look at.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss
)]
fn parts(revisions: usize, count: usize) -> Vec<Range<usize>> {
    // Where the integral of 1 + x reaches each share of what it is at 1.
    let end =
        |part: usize| ((1.0 + 3.0 * part as f64 / count as f64).sqrt() - 1.0) * revisions as f64;
    let ends: Vec<usize> = (1..=count).map(|part| end(part).round() as usize).collect();
    let begins = [0].into_iter().chain(ends.iter().copied());
    begins.zip(&ends).map(|(begin, end)| begin..*end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::catalog::{Object, ObjectKind};

    fn way(floor: &str, reached: &str) -> Way {
        let catalog = |name: &str| Catalog {
            objects: vec![Object {
                schema: None,
                kind: ObjectKind::Table,
                name: name.to_owned(),
                definition: String::new(),
            }],
        };
        Way {
            base: catalog("base"),
            floor: catalog(floor),
            rungs: Vec::new(),
            reached: catalog(reached),
        }
    }

    #[test]
    fn parts_are_joined_where_one_ends_as_the_next_begins() {
        let whole = joined(vec![way("a", "b"), way("b", "c"), way("c", "d")]);
        let reached = |way: Way| way.reached.objects[0].name.clone();
        assert_eq!(whole.map(reached).as_deref(), Some("d"));
        assert!(joined(vec![way("a", "b"), way("x", "c"), way("c", "d")]).is_none());
        assert!(joined(vec![way("a", "b"), way("b", "c"), way("x", "d")]).is_none());
    }

    #[test]
    fn parts_make_up_the_way() {
        assert_eq!(parts(16, 2), [0..9, 9..16]);
        assert_eq!(parts(289, 3), [0..120, 120..212, 212..289]);
        for (revisions, count) in [(8, 1), (17, 2), (1000, 7), (64, 8)] {
            let parts = parts(revisions, count);
            let mut end = 0;
            for part in &parts {
                assert!(part.start == end && part.len() >= LEAST / 2, "{parts:?}");
                end = part.end;
            }
            assert_eq!((parts.len(), end), (count, revisions));
        }
    }
}
