//! Rows for the tables of a database: [`Planter`].
//!
//! The catalog goes in, INSERT statements come out. What a table takes is never guessed
//! from its catalog alone: PostgreSQL tries every statement, each by itself, and where it
//! refuses, what it names in the refusal gets the next candidate. What is planted depends
//! on the catalog and the wishes alone, so that two databases of one schema get the same
//! rows.
//!
//! ```text
//! catalog      the tables, and what each of them asks for
//!   -> dictionary, regex, candidates, values    the candidates for each column, in order
//!   -> draft, order                             rows to be tried, parents first
//!   -> solve, adapt                             candidates by which CHECKs hold; the next ones
//!   -> server                                   the oracle
//! ```

mod adapt;
mod calendar;
mod candidates;
pub mod catalog;
mod circle;
mod conditions;
pub mod dictionary;
mod draft;
mod geometry;
mod insert;
mod order;
mod planter;
mod pool;
mod regex;
mod rows;
pub mod server;
mod solve;
mod solving;
mod special;
mod spelling;
mod values;
mod work;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use catalog::Tables;
pub use planter::Planter;
pub use server::Refusal;
pub use special::{Class, Special};

/// The values of keys that have a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keys {
    /// Numbers far away from the first ones, so that seeds of a migration do not meet them.
    #[default]
    FarAway,
    /// Those of the sequences.
    FromSequences,
}

/// The rows that are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wishes {
    /// The number of rows in a table, 1,000 at most.
    pub rows: u32,
    /// The number in tables of which there are to be more or fewer, by schema and name; 0
    /// for tables that get none.
    pub rows_of: BTreeMap<(String, String), u32>,
    /// The values of keys.
    pub keys: Keys,
    /// SQL whose literals are to occur in rows, such as the statements of a deployment.
    pub statements: Vec<String>,
}

impl Default for Wishes {
    fn default() -> Self {
        Self {
            rows: 20,
            rows_of: BTreeMap::new(),
            keys: Keys::default(),
            statements: Vec::new(),
        }
    }
}

/// A row by its table's oid and its place in [`PlantedTable::rows`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RowId {
    /// The table's oid.
    pub table: i64,
    /// The row's place.
    pub at: usize,
}

/// Rows that were planted, and the tables that have none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planted {
    /// The tables that got rows, in the order in which they got them.
    pub tables: Vec<PlantedTable>,
    /// The tables that got none.
    pub empty: Vec<EmptyTable>,
    /// The number of times that the server was asked.
    pub round_trips: usize,
}

/// The rows of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlantedTable {
    /// The table's oid.
    pub oid: i64,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Both, quoted where PostgreSQL asks for it.
    pub text: String,
    /// The numbers of the columns of its primary key.
    pub key: Vec<i16>,
    /// Its rows.
    pub rows: Vec<PlantedRow>,
    /// The partitions of it that got no row.
    pub empty_partitions: Vec<String>,
}

/// A row as it stands in the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlantedRow {
    /// The statement that plants it, without a semicolon.
    pub insert: String,
    /// The statement that sets keys that had to wait for rows of other tables.
    pub update: Option<String>,
    /// The values by the column's number, as PostgreSQL writes them; `None` is NULL.
    pub values: BTreeMap<i16, Option<String>>,
    /// The texts that occur nowhere else, by the column's number.
    pub tokens: BTreeMap<i16, String>,
    /// The rows that it refers to.
    pub parents: Vec<RowId>,
    /// The partition that holds it, of a partitioned table.
    pub partition: Option<String>,
}

/// A table without rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmptyTable {
    /// The table's oid.
    pub oid: i64,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The reason.
    pub reason: Reason,
    /// Tells whether others may refer to rows that it held before.
    pub has_rows: bool,
}

/// The reason why a table has no rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// Its rows are kept elsewhere.
    Foreign,
    /// No rows were asked for.
    NotAsked,
    /// It has no partition that could hold one.
    NoPartition,
    /// A table that its rows have to refer to is empty.
    NoParent {
        /// The table, quoted where PostgreSQL asks for it.
        table: String,
    },
    /// A trigger or a rule took the rows.
    Taken {
        /// An INSERT that left nothing.
        insert: String,
    },
    /// PostgreSQL refused all candidates.
    Refused {
        /// The last refusal.
        refusal: Refusal,
        /// The INSERT that was refused.
        insert: String,
    },
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Foreign => f.write_str("it is a foreign table"),
            Self::NotAsked => f.write_str("no rows were asked for"),
            Self::NoPartition => f.write_str("it has no partition"),
            Self::NoParent { table } => write!(f, "its rows refer to {table}, which has none"),
            Self::Taken { insert } => write!(f, "nothing is left of its rows after {insert}"),
            Self::Refused { refusal, insert } => {
                write!(f, "{}: {} on {insert}", refusal.state, refusal.message)
            }
        }
    }
}

impl Planted {
    /// The table with an oid.
    #[must_use]
    pub fn table(&self, oid: i64) -> Option<&PlantedTable> {
        self.tables.iter().find(|table| table.oid == oid)
    }

    /// The statements that plant all of it, in order: the INSERTs, then the UPDATEs that set
    /// keys which had to wait.
    pub fn statements(&self) -> impl Iterator<Item = &str> {
        let rows = || self.tables.iter().flat_map(|table| &table.rows);
        let updates = rows().filter_map(|row| row.update.as_deref());
        rows().map(|row| row.insert.as_str()).chain(updates)
    }

    /// The statements that plant the rows that some refer to, directly or not, in order;
    /// without those rows' own.
    #[must_use]
    pub fn ancestors(&self, rows: &[RowId]) -> Vec<&str> {
        let mut found: Vec<RowId> = Vec::new();
        let mut ahead = rows.to_vec();
        while let Some(id) = ahead.pop() {
            if !found.contains(&id) {
                found.push(id);
                let row = self.table(id.table).and_then(|table| table.rows.get(id.at));
                ahead.extend(row.into_iter().flat_map(|row| row.parents.clone()));
            }
        }
        let place = |id: &RowId| self.tables.iter().position(|table| table.oid == id.table);
        found.sort_by_key(|id| (place(id), id.at));
        let mut inserts: Vec<&str> = Vec::new();
        for id in found {
            let row = self.table(id.table).and_then(|table| table.rows.get(id.at));
            inserts.extend(
                row.map(|row| row.insert.as_str())
                    .filter(|insert| !inserts.contains(insert)),
            );
        }
        inserts
    }
}
