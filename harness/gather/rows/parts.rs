//! Tries revisions that are deployments of their own in parts at once, each on a server of its
//! own, where cores are free.

use futures_util::future::join_all;

use super::stretch::{Stretch, Tried};
use crate::error::Result;
use crate::gather::Driver;
use crate::gather::segments::{Segments, parts};

/// The least number of upgrades of a part.
const LEAST: usize = 8;

/// The time of an upgrade that is tried on rows, in upgrades with nothing to do.
const TRIED: f64 = 8.0;

impl Driver<'_> {
    /// All upgrades, in parts. `None` where no core is free, or a part could not be judged: what
    /// is in the way is then met again, and said, where they are tried one after the other.
    pub(super) async fn deploy_in_parts(&mut self, whole: Stretch<'_>) -> Result<Option<Tried>> {
        let count = whole.end - whole.begin;
        let worth = self.worth(count, TRIED, &whole.head.migrated);
        let cores = self.free_cores(worth.min(count / LEAST));
        let mut places = parts(count, cores.len() + 1);
        let Some(last) = places.pop().filter(|_| !cores.is_empty()) else {
            return Ok(None);
        };
        self.say_parts("the deployments are tried", cores.len() + 1);
        let segments = Segments::beside(self);
        let others = places.iter().enumerate().map(|(number, places)| {
            let part = whole.part(places);
            let deploy = async move |driver: &mut Driver<'_>| driver.deploy_stretch(part).await;
            segments.with(format!("rows-part-{number}"), deploy)
        });
        let (others, own) = tokio::join!(join_all(others), self.deploy_stretch(whole.part(&last)));
        drop(cores);
        let others: Result<Vec<Tried>> = others.into_iter().collect();
        let Ok(others) = others else { return Ok(None) };
        Ok(others.into_iter().chain([own?]).reduce(Tried::and))
    }
}
