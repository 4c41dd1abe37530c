//! The statements of the running release while a deployment is under way: [`Running`].

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::plan::Plan;
use super::team_rows::RefusedStatement;
use crate::alembic::transcript::Transcript;
use crate::git::short;

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
    pub rows_refused: Option<RefusedStatement>,
    /// Tells whether its `env.py` names any metadata.
    pub metadata: bool,
    /// The upgrade, with rows.
    pub upgrade: Option<Transcript>,
    /// The number of statements that were tried before.
    pub deeds: Vec<StatementCounts>,
    /// The statements that failed before, and are left out.
    pub left_out: Vec<TriedStatement>,
    /// The states of the database that it met since then, in order; the last is the end.
    pub states: Vec<State>,
    /// The rows of the next release that it cannot read.
    pub mixed: Vec<TriedStatement>,
    /// The columns that it knows, by table.
    pub tables: BTreeMap<String, Vec<String>>,
    /// The class behind each table.
    pub classes: BTreeMap<String, Class>,
}

/// The statements of one kind on one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementCounts {
    /// The table, as SQLAlchemy names it; empty where the team gives the statements.
    pub table: String,
    /// The kind.
    pub kind: StatementKind,
    /// The number of those that worked before the deployment.
    pub works: usize,
    /// The number of those that failed before it.
    pub fails: usize,
}

/// The number of states between a deployment's transactions that are tried.
pub const MOST_STATES: usize = 40;

/// The database after something of the deployment was committed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The last statement of what was committed; `None` at the end.
    pub after: Option<u64>,
    /// The reason why it was not tried.
    pub untried: Option<String>,
    /// The statements that failed and had worked before the deployment.
    pub failed: Vec<TriedStatement>,
}

/// A release, as git has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The ref as it was named.
    pub name: String,
    /// Its commit.
    pub commit: String,
}

/// As people know it: `origin/main 4be1c07`.
impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let commit = short(&self.commit);
        match self.name.starts_with(commit) {
            true => f.write_str(commit),
            false => write!(f, "{} {commit}", self.name),
        }
    }
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
pub struct TriedStatement {
    /// Its place among all of them.
    #[serde(default)]
    pub number: usize,
    /// Its table, as SQLAlchemy names it.
    pub table: String,
    /// Its effect.
    pub kind: StatementKind,
    /// The columns that it names or sets.
    pub columns: Vec<String>,
    /// The columns of its `ON CONFLICT`.
    #[serde(default)]
    pub target: Vec<String>,
    /// The particularity of the values; empty where they are those of a row.
    pub detail: String,
    /// Its text.
    pub sql: String,
    /// Its place, where the team gives it.
    #[serde(default)]
    pub given: Option<Class>,
    /// Tells whether it was prepared before the deployment.
    #[serde(default)]
    pub is_warm: bool,
    /// The outcome.
    pub error: Option<Failure>,
}

/// The kinds of statements that models make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatementKind {
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
    /// A statement that the team gives.
    Given,
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

impl TriedStatement {
    /// Tells whether it works, as far as made up values can tell.
    #[must_use]
    pub fn works(&self) -> bool {
        let is_made_up = self.kind != StatementKind::Given;
        let mut error = self.error.iter();
        error.all(|error| is_made_up && error.is_of_values())
    }

    /// Tells whether it is that statement, executed in the same way.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (self.number, self.is_warm) == (other.number, other.is_warm)
    }
}

impl Running {
    /// The number of statements that it could execute before.
    #[must_use]
    pub fn statements(&self) -> usize {
        self.deeds.iter().map(|deed| deed.works).sum()
    }

    /// The statements that it can execute no more.
    pub fn broken(&self) -> impl Iterator<Item = &TriedStatement> {
        self.states
            .last()
            .into_iter()
            .flat_map(|state| &state.failed)
    }

    /// The state at which a statement that fails at another one works again.
    #[must_use]
    pub fn until(&self, one: &TriedStatement, since: usize) -> Option<usize> {
        let later = self.states.iter().enumerate().skip(since + 1);
        let mut tried = later.filter(|(_, state)| state.untried.is_none());
        let works = |state: &State| !state.failed.iter().any(|other| other.is_same(one));
        tried.find(|(_, state)| works(state)).map(|(at, _)| at)
    }

    /// Everything that Alembic was asked to do for it.
    pub(super) fn transcripts(&self) -> impl Iterator<Item = &Transcript> {
        self.below.iter().chain(&self.upgrade)
    }
}
