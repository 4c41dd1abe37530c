//! What the running release still does with its tables while a deployment is under way:
//! [`Running`].

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::deployment::{Plan, StatementRefused};
use crate::alembic::transcript::Transcript;

/// The statements of the models that are running, before a deployment and after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Running {
    /// The deployed revisions, and the next ones.
    pub plan: Plan,
    /// The release that runs.
    pub release: Release,
    /// The upgrade to what is deployed, where it failed; there is no more then.
    pub below: Option<Transcript>,
    /// The statement of the team's own rows that PostgreSQL refused; there is no more then.
    pub rows_refused: Option<StatementRefused>,
    /// Tells whether its `env.py` names any metadata.
    pub metadata: bool,
    /// The upgrade, with rows.
    pub upgrade: Option<Transcript>,
    /// The statements that it could execute before.
    pub statements: usize,
    /// The statements that failed before, and are left out.
    pub left_out: Vec<Tried>,
    /// The statements that it can execute no more.
    pub broken: Vec<Tried>,
    /// The columns that it knows, by table.
    pub tables: BTreeMap<String, Vec<String>>,
    /// The class behind each table.
    pub classes: BTreeMap<String, Class>,
}

/// A release, as git has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The ref as it was named.
    pub name: String,
    /// Its commit.
    pub commit: String,
}

/// The place of a class of the running release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    /// Its file, relative to the monorepo.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u32,
}

/// A statement of the models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// Its table, as SQLAlchemy names it.
    pub table: String,
    /// Its effect.
    pub kind: Kind,
    /// The columns that it names or sets.
    pub columns: Vec<String>,
    /// The columns of its `ON CONFLICT`.
    #[serde(default)]
    pub target: Vec<String>,
    /// The particularity of the values; empty where they are those of a row.
    pub detail: String,
    /// Its text.
    pub sql: String,
    /// Tells whether it was prepared before the deployment.
    #[serde(default)]
    pub is_warm: bool,
    /// The outcome.
    pub error: Option<Failure>,
}

/// The kinds of statements that models make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// All columns, with fetch.
    Select,
    /// One row.
    Insert,
    /// One column of one row.
    Update,
    /// A row that no other refers to.
    Delete,
    /// `INSERT ... ON CONFLICT`.
    Upsert,
}

/// The error of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// PostgreSQL's code; `None` where Python raised.
    pub state: Option<String>,
    /// The class of the exception.
    #[serde(rename = "type")]
    pub class: String,
    /// Its first line.
    pub message: String,
}

/// A value that was made up may be refused for what it is: unique, exclusion, foreign key and
/// check (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
const OF_VALUES: &[&str] = &["23505", "23P01", "23503", "23514"];

impl Failure {
    /// Tells whether it may be due to a value that was made up.
    #[must_use]
    pub fn is_of_values(&self) -> bool {
        let state = self.state.as_deref();
        state.is_some_and(|state| OF_VALUES.contains(&state))
    }
}

impl Tried {
    /// Tells whether it works, as far as made up values can tell.
    #[must_use]
    pub fn works(&self) -> bool {
        self.error.as_ref().is_none_or(Failure::is_of_values)
    }
}

impl Running {
    /// Everything that Alembic was asked to do for it.
    pub(super) fn transcripts(&self) -> impl Iterator<Item = &Transcript> {
        self.below.iter().chain(&self.upgrade)
    }
}
