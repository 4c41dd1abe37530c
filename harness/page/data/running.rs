//! The work of the running release on its tables, as a report shows it.

use serde::{Deserialize, Serialize};

/// The release that is running beside a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// The release, as people know it.
    pub release: String,
    /// The states of the database after the deployment began, in order, each by the statement
    /// that had been committed last; the last one is its end.
    pub states: Vec<State>,
    /// The statements, by table and kind.
    pub deeds: Vec<StatementCounts>,
}

/// A state of the database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The revision of the last statement; `None` at the end.
    pub revision: Option<String>,
    /// Its line in the revision's file.
    pub line: Option<u32>,
}

/// The statements of one kind on one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementCounts {
    /// The table, or the file of statements that the team gives.
    pub table: String,
    /// The kind, as SQL calls it.
    pub kind: String,
    /// The number of statements.
    pub statements: usize,
    /// The number of those that worked before the deployment.
    pub before: usize,
    /// The number of those that worked at each state.
    pub then: Vec<usize>,
}
