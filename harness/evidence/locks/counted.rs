//! The work of each statement, from counters that only grow: [`Counted`].

use std::collections::BTreeMap;

use crate::alembic::transcript::{Counters, Held, Probe};

/// The counters of a relation in a transaction, and what was read of each of its indexes.
#[derive(Debug)]
struct Look {
    transaction: String,
    counters: Counters,
    indexes: BTreeMap<i64, i64>,
}

/// The last look at each relation, by session.
#[derive(Debug)]
pub struct Counted {
    last: BTreeMap<(i32, i64), Look>,
    /// Tells whether counters begin at nothing in each transaction.
    flushes: bool,
}

impl Counted {
    /// One that has seen nothing.
    #[must_use]
    pub fn new(flushes: bool) -> Self {
        Self {
            last: BTreeMap::new(),
            flushes,
        }
    }

    /// The work on a relation since the last look at it, and the most that one index read.
    pub fn since(&mut self, probe: &Probe, held: &Held) -> (Counters, i64) {
        let indexes: BTreeMap<i64, i64> =
            held.indexes.iter().map(|one| (one.oid, one.read)).collect();
        let now = Look {
            transaction: probe.transaction.clone(),
            counters: held.counters,
            indexes: indexes.clone(),
        };
        let before = self.last.insert((probe.session, held.oid), now);
        let before = before.filter(|look| {
            let is_flushed = self.flushes && look.transaction != probe.transaction;
            !is_flushed && !held.counters.was_flushed_since(look.counters)
        });
        let Some(before) = before else {
            return (held.counters, indexes.values().copied().max().unwrap_or(0));
        };
        let grown = |(oid, now): (&i64, &i64)| now - before.indexes.get(oid).copied().unwrap_or(0);
        let most = indexes.iter().map(grown).max().unwrap_or(0);
        (held.counters.since(before.counters), most)
    }
}
