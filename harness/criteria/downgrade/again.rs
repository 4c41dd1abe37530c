//! Upgrades that fail only where a downgrade ran before.

use super::{ending, failed_at};
use crate::alembic::transcript::Transcript;
use crate::criteria::Finding;
use crate::evidence::stairway::RoundTrip;

/// The upgrade after the downgrade failed.
pub(super) fn failed(trip: &RoundTrip, again: &Transcript) -> Finding {
    let finding = Finding::new(format!(
        "revision {} cannot be upgraded again after its downgrade: {}",
        trip.revision,
        ending(again)
    ))
    .mark(failed_at(again).as_ref(), "here, the second time");
    if refused_by_alembic(again) {
        return finding
            .note("Alembic refuses before any revision runs: of the rows that the downgrade left in the version table, one revision depends on the other")
            .help("Alembic before 1.13 writes such rows where depends_on and a merge meet: use a newer one");
    }
    let finding = finding
        .note("the downgrade itself succeeded and restored the catalog, which is all but rows");
    match meets_rows(again) {
        true => finding.help("let downgrade() delete the rows that upgrade() inserts"),
        false => finding.help("look for what the first upgrade left outside of the catalog: rows, or state in the module"),
    }
}

/// The upgrade failed where the revisions below had been taken back and applied again.
pub(super) fn worn_out(trip: &RoundTrip, up_after_others: &Transcript) -> Finding {
    let finding = Finding::new(format!(
        "revision {} cannot be upgraded where the revisions below it went down and up again: {}",
        trip.revision,
        ending(up_after_others)
    ))
    .mark(failed_at(up_after_others).as_ref(), "here")
    .note("on a fresh database it can, and the catalog is the same: a revision below leaves rows behind, or inserts them a second time");
    finding.help("let the downgrade() of the revision that inserts the rows delete them")
}

/// Tells whether Alembic itself raised, before any revision ran.
fn refused_by_alembic(transcript: &Transcript) -> bool {
    let Some(raised) = transcript.outcome.error() else {
        return false;
    };
    raised.class == "CommandError" && transcript.steps.is_empty()
}

/// Tells whether rows stood in the way: integrity constraint violations
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
fn meets_rows(transcript: &Transcript) -> bool {
    let Some(raised) = transcript.outcome.error() else {
        return false;
    };
    let state = raised.sqlstate.as_deref();
    state.is_some_and(|state| state.starts_with("23"))
}
