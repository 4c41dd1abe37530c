//! The locks and the work of a statement, as the worker measured them: [`Probe`].

use serde::{Deserialize, Serialize};

/// An answer about one statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// It was measured.
    Probe(Probe),
    /// It was not.
    Unprobed(Unprobed),
    /// The catalog after it.
    Settled(Settled),
}

/// The state of a transaction after one of its statements.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// The statement.
    pub number: u64,
    /// Tells whether it ran in a transaction that was rolled back, before it ran by itself.
    pub rehearsed: bool,
    /// `pg_locks.virtualtransaction`, which no later transaction has.
    pub transaction: String,
    /// The server's process.
    pub session: i32,
    /// The setting as PostgreSQL writes it; `0` is none.
    pub lock_timeout: String,
    /// The relations that the transaction holds locks on: all of them, or those that were
    /// otherwise, or not locked, when it was asked before.
    pub relations: Vec<Held>,
    /// Tells whether these are all.
    #[serde(rename = "whole", default = "whole")]
    pub is_whole: bool,
    /// Tells whether its work was told in parts before.
    #[serde(rename = "told", default)]
    pub is_told: bool,
    /// The tag of the command that has just ended, where the statement is a block or calls a
    /// function (<https://www.postgresql.org/docs/current/event-trigger-matrix.html>).
    #[serde(default)]
    pub command: Option<String>,
    /// Those that it holds no lock on any more.
    #[serde(default)]
    pub gone: Vec<i64>,
}

fn whole() -> bool {
    true
}

/// A relation that a transaction holds locks on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Held {
    /// Its oid.
    pub oid: i64,
    /// Its `pg_class.relkind`; `None` where it is dropped, as is what follows.
    pub kind: Option<String>,
    /// Its schema.
    pub schema: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// The modes, as `pg_locks.mode`.
    pub modes: Vec<String>,
    /// Its file.
    pub filenode: Option<i64>,
    /// The work on it since the counters were last flushed.
    pub counters: Counters,
    /// Its indexes.
    pub indexes: Vec<HeldIndex>,
}

/// The counters of a relation in a session, as `pg_stat_get_xact_*` has them
/// (<https://www.postgresql.org/docs/current/monitoring-stats.html>): scans, tuples that they
/// read, tuples fetched by indexes, inserted, updated and deleted ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "[Option<i64>; 6]", into = "[Option<i64>; 6]")]
pub struct Counters {
    /// Sequential scans.
    pub scans: i64,
    /// Tuples that they read.
    pub read: i64,
    /// Tuples that indexes led to.
    pub fetched: i64,
    /// Tuples inserted.
    pub inserted: i64,
    /// Tuples updated.
    pub updated: i64,
    /// Tuples deleted.
    pub deleted: i64,
}

/// An index of a relation that a transaction holds locks on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldIndex {
    /// Its oid.
    pub oid: i64,
    /// Its name.
    pub name: String,
    /// Its file; 0 where it has none.
    pub filenode: i64,
    /// `pg_index.indisvalid`.
    pub valid: bool,
    /// The entries that scans of it read.
    pub read: i64,
}

/// A statement that was not measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unprobed {
    /// The statement.
    pub number: u64,
    /// PostgreSQL's answer where it was tried in a transaction.
    pub sqlstate: Option<String>,
    /// Tells whether it calls a function of the service's.
    #[serde(default)]
    pub calls: bool,
}

/// The files of a database after a statement that ran outside of a transaction block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// The statement.
    pub number: u64,
    /// Each relation with its file.
    pub files: Vec<(i64, i64)>,
    /// Each index.
    pub indexes: Vec<SettledIndex>,
}

/// An index of a database after such a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettledIndex {
    /// The oid of its relation.
    pub relation: i64,
    /// Its name.
    pub name: String,
    /// Its file.
    pub filenode: i64,
}

impl Measure {
    pub(super) fn number_mut(&mut self) -> &mut u64 {
        match self {
            Self::Probe(probe) => &mut probe.number,
            Self::Unprobed(unprobed) => &mut unprobed.number,
            Self::Settled(settled) => &mut settled.number,
        }
    }
}

impl From<[Option<i64>; 6]> for Counters {
    fn from(counted: [Option<i64>; 6]) -> Self {
        let [scans, read, fetched, inserted, updated, deleted] =
            counted.map(Option::unwrap_or_default);
        Self {
            scans,
            read,
            fetched,
            inserted,
            updated,
            deleted,
        }
    }
}

impl From<Counters> for [Option<i64>; 6] {
    fn from(counters: Counters) -> Self {
        let Counters {
            scans,
            read,
            fetched,
            inserted,
            updated,
            deleted,
        } = counters;
        [scans, read, fetched, inserted, updated, deleted].map(Some)
    }
}

impl Held {
    /// Tells whether its rows were read or changed.
    #[must_use]
    pub fn is_worked_on(&self) -> bool {
        let counters = self.counters;
        counters.read + counters.fetched + counters.updated + counters.deleted > 0
    }
}

impl Counters {
    /// The work since an earlier look.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            scans: self.scans - before.scans,
            read: self.read - before.read,
            fetched: self.fetched - before.fetched,
            inserted: self.inserted - before.inserted,
            updated: self.updated - before.updated,
            deleted: self.deleted - before.deleted,
        }
    }

    /// Tells whether it says less than an earlier look, which a flush explains.
    #[must_use]
    pub fn was_flushed_since(self, before: Self) -> bool {
        let less = |now: i64, then: i64| now < then;
        less(self.scans, before.scans)
            || less(self.read, before.read)
            || less(self.inserted, before.inserted)
            || less(self.updated, before.updated)
            || less(self.deleted, before.deleted)
    }
}
