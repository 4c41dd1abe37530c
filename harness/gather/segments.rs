//! Works on revisions in parts at once, each on a server of its own, where cores are free: so
//! the stairway is walked, and so revisions are tried that are deployments of their own.
//!
//! A part of the stairway begins as a walk in one goes on above a revision that leaves a trace: on a fresh
//! database that was upgraded in one go to there. So what parts see is what one walk would.
//! Only where each of them ends with the catalog that the next one began with is it the
//! history stepped, too.

use std::ops::Range;

use futures_util::future::join_all;

use super::round_trips::{UNREACHED, Walk};
use super::{Context, Driver};
use crate::alembic::transcript::VersionTable;
use crate::alembic::worker;
use crate::error::Result;
use crate::evidence::stairway::RoundTrip;
use crate::evidence::{History, Migrated};
use crate::gather::cores::Core;
use crate::gather::progress::Progress;
use crate::manifest::Service;

/// The least number of revisions of a segment.
const LEAST: usize = 4;

/// The time of a round trip, in upgrades with nothing to do.
const ROUND_TRIP: f64 = 4.0;

impl Driver<'_> {
    /// The whole way, walked in parts. `None` where no core is free, or a part could not be
    /// judged: what is in the way is then met again, and said, where the way is walked in one.
    pub(super) async fn in_parts(
        &mut self,
        loaded: &worker::History,
        migrated: &Migrated,
    ) -> Result<Option<Walk>> {
        let revisions = loaded.revisions.len();
        let way = Way {
            what: "the stairway is walked",
            directory: "part",
            revisions,
            parts: self
                .worth(revisions, ROUND_TRIP, migrated)
                .min(revisions / LEAST),
        };
        let walks = Box::pin(self.at_once(way, async |driver, range| {
            driver.walk_up(loaded, range).await
        }));
        let Some(walks) = walks.await? else {
            return Ok(None);
        };
        let position = |id: &str| {
            let mut revisions = loaded.revisions.iter();
            revisions.position(|revision| revision.id == id)
        };
        Ok(joined(walks, position))
    }

    /// Work on a way in as many parts as cores are free, each but the last with a server and an
    /// interpreter of its own. `None` where no core is free, or a part could not be judged.
    pub(super) async fn at_once<T>(
        &mut self,
        way: Way,
        work: impl AsyncFn(&mut Driver<'_>, Range<usize>) -> Result<T>,
    ) -> Result<Option<Vec<T>>> {
        let cores = self.free_cores(way.parts);
        let mut ranges = parts(way.revisions, cores.len() + 1);
        let Some(last) = ranges.pop().filter(|_| !cores.is_empty()) else {
            return Ok(None);
        };
        (self.say)(Progress::Detail(format!(
            "{} in {} parts at once",
            way.what,
            cores.len() + 1
        )));
        let segments = Segments {
            service: self.service,
            history: self.history,
            context: self.context,
            database: self.database.name.clone(),
            version_table: self.version_table.clone(),
        };
        let others = ranges.into_iter().enumerate().map(|(number, range)| {
            segments.with(format!("{}-{number}", way.directory), range, &work)
        });
        let (others, own) = tokio::join!(join_all(others), work(self, last));
        drop(cores);
        let others: Result<Vec<T>> = others.into_iter().collect();
        let Ok(mut all) = others else { return Ok(None) };
        all.push(own?);
        Ok(Some(all))
    }

    /// Into how many parts a way of so many revisions may be divided, each of which takes longer
    /// than to import what the service needs and to upgrade to where it begins. A revision of it
    /// takes as long as `each` upgrades with nothing to do.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss
    )]
    pub(super) fn worth(&self, revisions: usize, each: f64, migrated: &Migrated) -> usize {
        let Some(nothing_to_do) = &migrated.second else {
            return 1;
        };
        let start = self.worker.about().seconds + migrated.reached().seconds;
        (revisions as f64 * each * nothing_to_do.seconds / start) as usize
    }

    /// The cores that can be used beside this one's, for so many parts.
    fn free_cores(&self, parts: usize) -> Vec<Core> {
        if !self.may_work_beside() {
            return Vec::new();
        }
        let free = std::iter::from_fn(|| self.context.cores.try_acquire());
        free.take(parts.saturating_sub(1)).collect()
    }
}

/// Revisions that may be worked on in parts.
pub(super) struct Way {
    /// The work, for the log.
    pub what: &'static str,
    /// The first word of the directories of the parts.
    pub directory: &'static str,
    /// The number of revisions.
    pub revisions: usize,
    /// So many parts are worth it at most.
    pub parts: usize,
}

/// The context of sessions that work on parts beside the service's own.
struct Segments<'a> {
    service: &'a Service,
    history: &'a History,
    context: &'a Context<'a>,
    /// The name of the service's database: it may stand in the catalog.
    database: String,
    version_table: Option<VersionTable>,
}

impl Segments<'_> {
    /// Work on one part, with a server and an interpreter of its own.
    async fn with<T>(
        &self,
        name: String,
        range: Range<usize>,
        work: &impl AsyncFn(&mut Driver<'_>, Range<usize>) -> Result<T>,
    ) -> Result<T> {
        let directory = self.context.part(&name)?;
        let context = Context {
            directory: &directory,
            ..*self.context
        };
        let name = Some(self.database.as_str());
        let mut driver = Driver::start(self.service, self.history, &context, name, &drop).await?;
        driver.version_table.clone_from(&self.version_table);
        let done = work(&mut driver, range).await;
        driver.end(done.is_ok()).await?;
        done
    }
}

/// The parts as one walk, which ends where a walk in one would.
fn joined(walks: Vec<Walk>, position: impl Fn(&str) -> Option<usize>) -> Option<Walk> {
    walks.into_iter().reduce(|before, after| {
        if before.is_over() {
            return Walk {
                reached: None,
                ..before
            };
        }
        let mut walk = before;
        walk.is_seamless &= after.is_seamless && (walk.reached == after.floor);
        walk.reached = after.reached;
        let left = UNREACHED - walk.unreached.len();
        walk.unreached
            .extend(after.unreached.into_iter().take(left));
        let end = match walk.unreached.get(UNREACHED - 1) {
            Some(last) => position(&last.revision),
            None => None,
        };
        let is_below = |trip: &RoundTrip| end.is_none() || position(&trip.revision) < end;
        walk.trips.extend(after.trips.into_iter().filter(is_below));
        walk
    })
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
    use std::path::PathBuf;

    use super::*;
    use crate::alembic::transcript::Transcript;
    use crate::evidence::Catalog;
    use crate::evidence::catalog::{Object, ObjectKind};
    use crate::evidence::stairway::UnreachedRevision;

    fn catalog(name: &str) -> Catalog {
        Catalog {
            objects: vec![Object {
                schema: None,
                kind: ObjectKind::Table,
                name: name.to_owned(),
                definition: String::new(),
            }],
        }
    }

    fn walk(floor: &str, reached: Option<&str>) -> Walk {
        Walk {
            floor: Some(catalog(floor)),
            reached: reached.map(catalog),
            is_seamless: true,
            ..Walk::default()
        }
    }

    #[test]
    fn parts_are_seamless_where_one_ends_as_the_next_begins() {
        let whole = |walks| joined(walks, |_| None).map(|walk| (walk.is_seamless, walk.reached));
        assert_eq!(
            whole(vec![
                walk("a", Some("b")),
                walk("b", Some("c")),
                walk("c", Some("d"))
            ]),
            Some((true, Some(catalog("d"))))
        );
        assert_eq!(
            whole(vec![walk("a", Some("b")), walk("x", Some("c"))]),
            Some((false, Some(catalog("c"))))
        );
        assert_eq!(
            whole(vec![walk("a", None), walk("b", Some("c"))]),
            Some((false, Some(catalog("c"))))
        );
    }

    #[test]
    fn a_walk_in_parts_ends_where_one_in_one_would() {
        let unreached = |revision: &str| UnreachedRevision {
            revision: revision.to_owned(),
            stopped: Transcript::new("upgrade", PathBuf::new()),
        };
        let stops_at = |names: &[&str]| Walk {
            unreached: names.iter().copied().map(unreached).collect(),
            ..walk("a", Some("b"))
        };
        let walks = vec![
            stops_at(&["1", "2"]),
            stops_at(&["3", "4"]),
            stops_at(&["5"]),
        ];
        let joined = joined(walks, |id| id.parse().ok());
        let names = joined.map(|walk| {
            let names = walk.unreached.into_iter().map(|one| one.revision);
            (names.collect::<Vec<_>>(), walk.reached)
        });
        let expected = ["1", "2", "3"].map(str::to_owned).to_vec();
        assert_eq!(names, Some((expected, None)));
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
