//! From what a deployment was seen to lock to what a report shows of it.

use super::data;
use crate::criteria::locks::timeline::{TimelineEntry, timeline};
use crate::evidence::Locks;
use crate::text::beginning;

/// So many letters of a statement are shown.
const LONGEST: usize = 120;

/// The page data of the measured deployments, one after the other.
pub fn locks(locks: &Locks) -> Vec<data::TimelineEntry> {
    let mut all = Vec::new();
    for upgrade in &locks.measured {
        let before = all
            .last()
            .map_or(0, |one: &data::TimelineEntry| one.transaction);
        all.extend(timeline(upgrade).iter().map(|seen| measured(seen, before)));
    }
    all
}

fn measured(seen: &TimelineEntry<'_>, before: usize) -> data::TimelineEntry {
    let place = seen.statement.place.as_ref();
    let locks = seen.locks.iter().map(|(table, mode)| data::Lock {
        table: (*table).to_owned(),
        mode: mode.to_string(),
        blocks: match mode.blocks_reads() {
            true => data::Blocks::ReadsAndWrites,
            false => data::Blocks::Writes,
        },
    });
    data::TimelineEntry {
        revision: place.and_then(|place| place.revision.clone()),
        line: place.map(|place| place.line),
        statement: beginning(&seen.statement.sql, LONGEST),
        transaction: before + seen.transaction,
        locks: locks.collect(),
        work: seen.works.clone(),
    }
}
