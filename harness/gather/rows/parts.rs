//! Tries revisions that are deployments of their own in parts at once, where cores are free.

use super::stretch::{Stretch, StretchOutcome};
use crate::error::Result;
use crate::gather::Driver;
use crate::gather::segments::Way;

/// The least number of upgrades of a part.
const LEAST: usize = 8;

/// The time of an upgrade that is tried on rows, in upgrades with nothing to do.
const TRIED: f64 = 8.0;

impl Driver<'_> {
    /// All upgrades, in parts. `None` where no core is free, or a part could not be judged: what
    /// is in the way is then met again, and said, where they are tried one after the other.
    pub(super) async fn deploy_in_parts(
        &mut self,
        whole: Stretch<'_>,
    ) -> Result<Option<StretchOutcome>> {
        let revisions = whole.end - whole.begin;
        let worth = self.worth(revisions, TRIED, &whole.head.migrated);
        let way = Way {
            what: "the deployments are tried",
            directory: "rows-part",
            revisions,
            parts: worth.min(revisions / LEAST),
        };
        let tried = self.at_once(way, async |driver, places| {
            driver.deploy_stretch(whole.part(&places)).await
        });
        let tried = Box::pin(tried).await?;
        Ok(tried.and_then(|tried| tried.into_iter().reduce(StretchOutcome::and)))
    }
}
