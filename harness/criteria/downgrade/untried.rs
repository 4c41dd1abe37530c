//! The revisions that the stairway did not take back: [`untried`].

use super::{SHOWN, ending};
use crate::alembic::transcript::Transcript;
use crate::evidence::Evidence;
use crate::evidence::stairway::Stairway;

/// The number of untried revisions that are named.
const NAMED: usize = 8;

/// The revisions that were not taken back, and what stopped the upgrade to each, as far as
/// that was seen.
pub(super) fn untried(evidence: &Evidence, stairway: &Stairway) -> Vec<String> {
    let not_up = stairway.trips.iter().filter(|trip| trip.down.is_none());
    let not_up = not_up.map(|trip| (&trip.revision, &trip.up));
    let unreached = stairway.unreached.iter();
    let unreached = unreached.map(|one| (&one.revision, &one.stopped));
    let stopped: Vec<(&String, &Transcript)> = not_up.chain(unreached).collect();
    let note = |(revision, by): &(&String, &Transcript)| {
        let at = match by.failed_step() {
            Some(step) if step.revision == **revision => "its upgrade".to_owned(),
            Some(step) => format!(
                "the upgrade to it stops at revision {}, which",
                step.revision
            ),
            None => "the upgrade to it".to_owned(),
        };
        format!("not tried: {revision}, because {at} fails: {}", ending(by))
    };
    let mut notes: Vec<String> = stopped.iter().map(note).take(SHOWN).collect();
    let named: Vec<&str> = stopped.iter().map(|(id, _)| id.as_str()).collect();
    notes.extend(never_begun(evidence, stairway, &named));
    notes
}

/// The revisions above those of which nothing is known, because nothing could be built
/// below them.
fn never_begun(evidence: &Evidence, stairway: &Stairway, stopped: &[&str]) -> Option<String> {
    let tried = |id: &str| {
        let mut trips = stairway.trips.iter();
        trips.any(|trip| trip.revision == id && trip.down.is_some()) || stopped.contains(&id)
    };
    let order = evidence.history.graph.upgrade_order().into_iter();
    let untried: Vec<&str> = order
        .map(|revision| revision.id.as_str())
        .filter(|id| !tried(id))
        .collect();
    let more = untried.len().saturating_sub(NAMED);
    let named = untried[..untried.len() - more].join(", ");
    match (untried.len(), more) {
        (0, _) => None,
        (_, 0) => Some(format!(
            "not tried, because no upgrade reached it or time was up: {named}"
        )),
        _ => Some(format!(
            "not tried, because no upgrade reached it or time was up: {named} and {more} more"
        )),
    }
}
