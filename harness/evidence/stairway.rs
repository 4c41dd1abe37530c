//! Each revision up, down and up again, and the whole way down: [`Stairway`].

use serde::{Deserialize, Serialize};

use super::catalog::Change;
use crate::alembic::transcript::{Outcome, Transcript};

/// The result of walking a history down and up again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stairway {
    /// One per revision that could be tried, in the order of upgrading.
    pub trips: Vec<RoundTrip>,
    /// The revisions that could not be tried because no upgrade got below them.
    #[serde(default)]
    pub unreached: Vec<UnreachedRevision>,
    /// The whole way down from the head; `None` where a round trip could not be taken back.
    pub full_downgrade: Option<FullDowngrade>,
}

impl Stairway {
    /// Everything that Alembic was asked to do on it.
    pub(super) fn transcripts(&self) -> impl Iterator<Item = &Transcript> {
        let trips = self.trips.iter().flat_map(|trip| {
            let up_after_others = trip.up_after_others.as_ref();
            [
                up_after_others,
                Some(&trip.up),
                trip.down.as_ref(),
                trip.again.as_ref(),
            ]
        });
        let full_downgrade = self.full_downgrade.iter();
        let full_downgrade = full_downgrade
            .flat_map(|full_downgrade| [Some(&full_downgrade.down), full_downgrade.again.as_ref()]);
        let unreached = self.unreached.iter().map(|one| Some(&one.stopped));
        trips.chain(unreached).chain(full_downgrade).flatten()
    }
}

/// A revision that no upgrade on a fresh database got to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnreachedRevision {
    /// The revision.
    pub revision: String,
    /// The upgrade that stopped below it.
    pub stopped: Transcript,
}

/// One revision: up, down, up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoundTrip {
    /// The revision.
    pub revision: String,
    /// The first upgrade.
    pub up: Transcript,
    /// The upgrade where the revisions below had gone down and up, if that raised and the
    /// one on a fresh database did not.
    #[serde(default)]
    pub up_after_others: Option<Transcript>,
    /// The downgrade; `None` where the upgrade failed.
    pub down: Option<Transcript>,
    /// The changes from before the first upgrade to after the downgrade.
    pub left: Vec<Change>,
    /// The second upgrade; `None` where the downgrade did not put everything back.
    pub again: Option<Transcript>,
    /// The changes from the first upgrade to the second.
    pub lost: Vec<Change>,
}

impl RoundTrip {
    /// Tells whether the downgrade ran and put everything back. An extension may stay: it
    /// is the database's, not the revision's alone.
    #[must_use]
    pub fn is_taken_back(&self) -> bool {
        let ran = self.down.as_ref().is_some_and(Transcript::finished);
        ran && self.left.iter().all(Change::is_extension)
    }

    /// Tells whether a database that it went up, down and up again is as after the first time.
    #[must_use]
    pub fn leaves_no_trace(&self) -> bool {
        let again = self.again.as_ref().is_some_and(Transcript::finished);
        again && self.up_after_others.is_none() && self.left.is_empty() && self.lost.is_empty()
    }

    /// Tells whether one of its commands took longer than it may.
    #[must_use]
    pub fn timed_out(&self) -> bool {
        let all = [Some(&self.up), self.down.as_ref(), self.again.as_ref()];
        let mut outcomes = all.into_iter().flatten().map(|one| &one.outcome);
        outcomes.any(|outcome| matches!(outcome, Outcome::TimedOut { .. }))
    }

    /// Tells whether it went up, down and up again, all three for real.
    #[must_use]
    pub fn is_walked(&self) -> bool {
        let ran = |transcript: Option<&Transcript>| {
            let steps = transcript
                .map(|transcript| transcript.steps.as_slice())
                .unwrap_or_default();
            steps.iter().any(|step| step.revision == self.revision)
        };
        ran(Some(&self.up)) && ran(self.down.as_ref()) && ran(self.again.as_ref())
    }
}

/// From the head all the way down, and up again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FullDowngrade {
    /// The downgrade.
    pub down: Transcript,
    /// The one-way revision where it ended; `None` for base.
    pub stopped_at: Option<String>,
    /// The objects at base that were not there before the first upgrade.
    pub left: Vec<Change>,
    /// The upgrade afterwards; `None` where the downgrade failed.
    pub again: Option<Transcript>,
    /// The changes from the head as it was.
    pub lost: Vec<Change>,
}
