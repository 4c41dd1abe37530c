//! The locks of a deployment, statement by statement, as a report shows them.

use serde::{Deserialize, Serialize};

/// A statement of the deployment that keeps others from a deployed table, or works on one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// The revision that issued it.
    pub revision: Option<String>,
    /// Its line in the revision's file.
    pub line: Option<u32>,
    /// Its text, the beginning of a long one.
    pub statement: String,
    /// The transaction that it ran in, counted from 1.
    pub transaction: usize,
    /// The locks that the transaction held after it and that keep others from a table.
    pub locks: Vec<Lock>,
    /// The work that it did on many rows.
    pub work: Vec<String>,
}

/// A lock on a deployed table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// The table, quoted where PostgreSQL asks for it.
    pub table: String,
    /// Its mode, in PostgreSQL's words.
    pub mode: String,
    /// The deeds that it keeps others from.
    pub blocks: Blocks,
}

/// The deeds that a lock keeps others from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blocks {
    /// They can read, and not write.
    Writes,
    /// They can neither read nor write.
    ReadsAndWrites,
}
