//! A deployment on tables with rows, as a report shows it.

use serde::{Deserialize, Serialize};

/// A deployment of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// In words: `deployment of 2 revisions above 20251120_0900, from BASE_REF origin/main`.
    pub plan: String,
    /// The revisions that it runs, in order.
    pub pending: Vec<String>,
    /// One `alembic upgrade` for all of them, or one for each.
    pub rollouts: Vec<Rollout>,
}

/// One `alembic upgrade` on a database with rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    /// The revisions that it runs, in order.
    pub revisions: Vec<String>,
    /// Tells whether it ended without an error, with plain rows.
    pub ok: bool,
    /// The number of tables that held rows.
    pub with_rows: usize,
    /// The number of special rows beside the plain ones.
    pub special: usize,
    /// The tables. Where each revision is a deployment of its own, those with something to say.
    pub tables: Vec<Table>,
}

/// A table at what is deployed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// The table, quoted where PostgreSQL asks for it.
    pub name: String,
    /// The number of plain rows that it got.
    pub rows: usize,
    /// The reason that it got none.
    pub without: Option<String>,
    /// The changes of its values.
    pub changes: Vec<Change>,
}

/// Values of a table that are gone or others afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The column, where it is about one.
    pub column: Option<String>,
    /// The way in which they are.
    pub became: Became,
    /// The number of rows that are concerned.
    pub rows: usize,
    /// The number of rows that there were.
    pub of: usize,
    /// One value before; `None` is NULL.
    pub before: Option<String>,
    /// The same afterwards; `None` is NULL, or gone.
    pub after: Option<String>,
    /// Tells whether a statement of the deployment says so.
    pub meant: bool,
}

/// The ways in which values are not what they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Became {
    /// They are nowhere any more.
    Gone,
    /// Rows are gone.
    Fewer,
    /// They are others.
    Changed,
    /// They were converted to a type from which they do not come back.
    Converted,
    /// The way back does not give them back.
    NotRestored,
}
