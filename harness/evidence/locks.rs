//! The locks, reads and writes of a deployment, as they were measured: [`Locks`].

mod cost;
mod counted;
mod mode;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::alembic::sql;
use crate::alembic::transcript::{Held, Measure, Statement, Transcript};
pub use cost::{Cost, Growth, Work};
pub use counted::Counted;
pub use mode::Mode;

/// The first words of statements that may run others, in functions and triggers.
const RUN_OTHERS: &[&str] = &[
    "do", "call", "select", "values", "with", "insert", "update", "delete", "merge",
];

/// The deployment, measured; one for all pending revisions, or one for each where nothing
/// is deployed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Locks {
    /// Each upgrade, in order; it ends with the first that fails.
    pub measured: Vec<Measured>,
}

/// One `alembic upgrade` on tables with many rows, of which each statement was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The revisions it runs, in order.
    pub revisions: Vec<String>,
    /// The upgrade, with what was measured.
    pub upgrade: Transcript,
    /// Tells whether counters begin at nothing in each transaction.
    pub flushes: bool,
    /// The relations that are deployed, but for Alembic's own and those of extensions.
    pub relations: Vec<Relation>,
    /// The indexes that are invalid afterwards, and were not before.
    pub invalid: Vec<InvalidIndex>,
    /// The same on a quarter of the rows, where that tells how its work grows with them.
    #[serde(default)]
    pub fewer: Option<Box<Measured>>,
    /// The same where rows are looked up one by one, on all rows and on a quarter of them, where
    /// the work seems to grow faster than the rows: the plan for few rows is not that for many.
    #[serde(default)]
    pub nested: Option<Box<Measured>>,
}

/// A relation of the deployed database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relation {
    /// Its oid.
    pub oid: i64,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Both, quoted where PostgreSQL asks for it.
    pub text: String,
    /// Its `pg_class.relkind`.
    pub kind: String,
    /// Its file.
    pub filenode: i64,
    /// Its indexes, each with its file.
    pub indexes: Vec<(i64, i64)>,
    /// The number of its rows before the deployment.
    pub rows: i64,
}

/// An index that no query uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvalidIndex {
    /// Its name.
    pub name: String,
    /// The table, quoted where PostgreSQL asks for it.
    pub table: String,
    /// Tells whether the table is partitioned: such an index is valid once each partition has
    /// one that is attached, and has no entries of its own
    /// (<https://www.postgresql.org/docs/current/ddl-partitioning.html>).
    #[serde(default)]
    pub is_partitioned: bool,
}

impl Locks {
    /// Everything that Alembic was asked to do for it.
    pub(super) fn transcripts(&self) -> impl Iterator<Item = &Transcript> {
        let all = self.measured.iter().flat_map(Measured::with_others);
        all.map(|measured| &measured.upgrade)
    }
}

impl Measured {
    /// Itself, and those that were measured beside it.
    fn with_others(&self) -> impl Iterator<Item = &Self> {
        let nested = self.nested.as_deref();
        let fewer = [
            self.fewer.as_deref(),
            nested.and_then(|one| one.fewer.as_deref()),
        ];
        let others = fewer.into_iter().flatten().chain(nested);
        std::iter::once(self).chain(others)
    }

    /// The relations by their oid.
    #[must_use]
    pub fn by_oid(&self) -> BTreeMap<i64, &Relation> {
        self.relations.iter().map(|one| (one.oid, one)).collect()
    }

    /// Tells whether a block or a function both locks and works: in which order, one question
    /// after all of it cannot tell.
    #[must_use]
    pub fn hides_an_order(&self) -> bool {
        let (relations, statements) = (self.by_oid(), self.by_number());
        let mut known = BTreeSet::new();
        self.upgrade.measures.iter().any(|measure| {
            let Measure::Probe(probe) = measure else {
                return false;
            };
            let held = probe.relations.iter();
            let deployed = held.filter(|held| relations.contains_key(&held.oid));
            let modes = deployed.flat_map(|held| held.modes.iter().map(|mode| (held.oid, mode)));
            let blocking = modes.filter(|(_, mode)| Mode::read(mode).is_some());
            let taken = blocking
                .filter(|(oid, mode)| known.insert((&probe.transaction, *oid, (*mode).clone())));
            taken.count() > 0
                && probe.relations.iter().any(Held::is_worked_on)
                && statements
                    .get(&probe.number)
                    .is_some_and(|one| runs_others(one))
        })
    }

    /// The statements by their number.
    #[must_use]
    pub fn by_number(&self) -> BTreeMap<u64, &Statement> {
        let statements = self.upgrade.statements.iter();
        statements.map(|one| (one.number, one)).collect()
    }
}

fn runs_others(statement: &Statement) -> bool {
    let first = sql::words(&statement.sql).into_iter().next();
    first.is_some_and(|word| RUN_OTHERS.contains(&word.as_str()))
}
