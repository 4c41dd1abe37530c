//! A deployment as time goes, for whoever looks at all of it.

use super::message;
use super::trace::{Moment, Work, moments};
use crate::alembic::transcript::Statement;
use crate::evidence::locks::{Measured, Mode};

/// A statement that keeps others from a deployed table, or works on one.
pub(crate) struct TimelineEntry<'a> {
    pub statement: &'a Statement,
    /// The transaction that it ran in, counted from 1.
    pub transaction: usize,
    /// The tables that others wait for after it, with the mode of the lock.
    pub locks: Vec<(&'a str, Mode)>,
    /// The work that it did on many rows, in words.
    pub works: Vec<String>,
}

/// The statements of an upgrade that others may notice, in order.
pub(crate) fn timeline(measured: &Measured) -> Vec<TimelineEntry<'_>> {
    let mut transactions: Vec<&str> = Vec::new();
    let mut seen = Vec::new();
    for moment in moments(measured) {
        // Alembic's own statements have no place.
        let is_held = !moment.blocking.is_empty() && moment.statement.place.is_some();
        if !is_held && moment.works.is_empty() {
            continue;
        }
        if transactions.last() != Some(&moment.transaction) {
            transactions.push(moment.transaction);
        }
        seen.push(TimelineEntry {
            statement: moment.statement,
            transaction: transactions.len(),
            locks: locks(&moment),
            works: works(&moment),
        });
    }
    seen
}

/// The strongest lock on each table.
fn locks<'a>(moment: &Moment<'a>) -> Vec<(&'a str, Mode)> {
    let mut strongest: Vec<(&str, Mode)> = Vec::new();
    for one in &moment.blocking {
        let table = one.relation.text.as_str();
        if !strongest.iter().any(|(known, _)| *known == table) {
            strongest.push((table, one.mode));
        }
    }
    strongest
}

fn works(moment: &Moment<'_>) -> Vec<String> {
    let each = moment.works.iter();
    each.map(|(subject, work): &(_, Work)| message::does(work, subject, &subject.name))
        .collect()
}
