//! A deployment on tables that hold rows, as it was seen: [`Deployment`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::catalog::Change;
use super::plan::Plan;
use super::running::{Release, Running};
use super::team_rows::RefusedStatement;
use crate::alembic::transcript::Transcript;
use crate::planting::{Class, Reason, Refusal};

/// The revisions above those that are deployed, and what they do to rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deployment {
    /// The deployed revisions, and the next ones.
    pub plan: Plan,
    /// The upgrade to what is deployed, where it failed; there is no more then.
    pub below: Option<Transcript>,
    /// The statement of the team's own rows that PostgreSQL refused; there is no more then.
    #[serde(default)]
    pub rows_refused: Option<RefusedStatement>,
    /// One for all pending revisions, or one for each where nothing is deployed.
    pub rollouts: Vec<Rollout>,
    /// The models of the running release, where what it does not know is dropped.
    #[serde(default)]
    pub known: Option<Known>,
}

/// The tables and columns that the models of a release know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// The release.
    pub release: Release,
    /// The columns of each table, as SQLAlchemy names it: `orders`, `sales.orders`.
    pub tables: BTreeMap<String, Vec<String>>,
}

impl Known {
    /// The models of the running release; `None` where they could not be asked.
    #[must_use]
    pub fn from_running(running: &Running) -> Option<Self> {
        let is_known = running.metadata && !running.tables.is_empty();
        is_known.then(|| Self {
            release: running.release.clone(),
            tables: running.tables.clone(),
        })
    }

    /// Tells whether the models have the column, or where that is `None` the table.
    #[must_use]
    pub fn has(&self, table: &str, column: Option<&str>) -> bool {
        let columns = self.tables.get(table);
        columns.is_some_and(|columns| {
            column.is_none_or(|column| columns.iter().any(|one| one == column))
        })
    }
}

/// The effects of one `alembic upgrade` on a database with rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    /// The revisions it runs, in order.
    pub revisions: Vec<String>,
    /// The tables that hold rows, with their number.
    pub planted: Vec<(String, usize)>,
    /// The tables without rows.
    pub empty: Vec<Empty>,
    /// The number of special rows beside them.
    pub special: usize,
    /// The upgrade with plain rows; where there is no failure, with the special ones too.
    pub upgrade: Transcript,
    /// The fewest rows with which it fails as well, where it fails with plain rows.
    pub smallest: Vec<String>,
    /// Tells whether any row of that table will do.
    pub is_any_row: bool,
    /// The special rows with which it fails, although it does not with plain ones.
    pub refused: Vec<RefusedRow>,
    /// Values that are not what they were.
    pub altered: Vec<AlteredValues>,
    /// The objects that differ from an upgrade without rows.
    pub changes: Vec<Change>,
    /// The tables that take no INSERT afterwards, and did before.
    pub stuck: Vec<Stuck>,
    /// The way back, a revision at a time, from the last one; it ends where one raises.
    pub down: Vec<(String, Transcript)>,
    /// The revision whose downgrade fails without rows too, so that the way back ended there.
    pub down_without_rows: Option<String>,
    /// Old values that are not there again after the whole way back.
    pub not_restored: Vec<AlteredValues>,
}

/// A table without rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Empty {
    /// The table, quoted where PostgreSQL asks for it.
    pub table: String,
    /// The reason.
    pub reason: Reason,
    /// Tells whether a statement of the deployment names it.
    pub is_named: bool,
}

/// A special row with which the upgrade fails.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RefusedRow {
    /// Its table, quoted where PostgreSQL asks for it.
    pub table: String,
    /// The column that is otherwise than in plain rows.
    pub column: String,
    /// The way in which it is.
    pub class: Class,
    /// Its value; `None` is NULL.
    pub value: Option<String>,
    /// The fewest rows with which the upgrade fails, this one last.
    pub inserts: Vec<String>,
    /// The upgrade with them.
    pub upgrade: Transcript,
}

/// A table that takes no INSERT with defaults any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stuck {
    /// The table, quoted where PostgreSQL asks for it.
    pub table: String,
    /// The INSERT.
    pub insert: String,
    /// The answer to it.
    pub refusal: Refusal,
}

/// Values of a table that are gone or others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlteredValues {
    /// The table as it was called, quoted where PostgreSQL asks for it.
    pub table: String,
    /// The column, where it is about one.
    pub column: Option<String>,
    /// The way in which they are.
    pub how: How,
    /// The number of rows that are concerned.
    pub rows: usize,
    /// The number of rows there were.
    pub of: usize,
    /// One value before and after; `None` is NULL, or gone.
    pub example: (Option<String>, Option<String>),
    /// Tells whether a statement of the deployment does that to the rows or the column it names.
    pub is_meant: bool,
}

/// The ways in which values are not what they were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// The table is gone, and its values are in no other.
    TableGone,
    /// The column is gone, and its values are in no other.
    ColumnGone,
    /// Rows are gone, and some are left.
    RowsGone,
    /// All rows are gone.
    Emptied,
    /// The values are others.
    Changed,
    /// The values were converted to another type, from which they do not come back.
    Converted {
        /// The type before.
        from: String,
        /// The type after.
        to: String,
    },
}

impl Rollout {
    /// Tells whether nothing of it needs a word.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        let down = self.down.iter().all(|(_, down)| down.finished());
        self.upgrade.finished()
            && down
            && self.refused.is_empty()
            && self.altered.iter().all(|one| one.is_meant)
            && self.changes.is_empty()
            && self.stuck.is_empty()
            && self.not_restored.is_empty()
    }
}

impl Deployment {
    /// Everything that Alembic was asked to do for it.
    pub(super) fn transcripts(&self) -> impl Iterator<Item = &Transcript> {
        let rollouts = self.rollouts.iter().flat_map(|rollout| {
            let refused = rollout.refused.iter().map(|row| &row.upgrade);
            let down = rollout.down.iter().map(|(_, down)| down);
            std::iter::once(&rollout.upgrade).chain(refused).chain(down)
        });
        self.below.iter().chain(rollouts)
    }
}
