//! The record of one command of a worker: [`Transcript`], which `record.rs` builds event by event.
//!
//! Events arrive as they happen, so a transcript is complete up to the moment an
//! interpreter ended, whatever ended it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

mod connection;
mod event;
mod exception;
mod probe;
mod record;
mod statement;

pub use connection::{Connection, ConnectionTarget, OpenTransaction, RefusedConnection};
pub use event::Event;
pub use exception::{Exception, Frame, Need};
pub use probe::{Counters, Held, HeldIndex, Measure, Probe, Settled, SettledIndex, Unprobed};
pub use statement::{ABORTED, EnumCreation, EnumSource, Statement, StatementOutcome};

use crate::postgres::activity::Wait;

/// A place in a revision file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The revision whose file it is; `None` outside of revision files.
    #[serde(default)]
    pub revision: Option<String>,
    /// The file, absolute.
    pub file: PathBuf,
    /// 1-based.
    pub line: u32,
    /// 1-based, inclusive; only from Python 3.11.
    #[serde(default)]
    pub end_line: Option<u32>,
    /// 1-based byte in the line; only from Python 3.11.
    #[serde(default)]
    pub column: Option<u32>,
    /// 1-based byte after the end; only from Python 3.11.
    #[serde(default)]
    pub end_column: Option<u32>,
}

/// One revision's `upgrade` or `downgrade` that Alembic called.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The revision.
    pub revision: String,
    /// Tells whether it was upgraded or downgraded.
    pub direction: Direction,
    /// Its file, absolute.
    pub file: PathBuf,
    /// The line of the function that was called, where it stands in that file.
    #[serde(default)]
    pub line: Option<u32>,
    /// Tells whether the revision has no such function.
    #[serde(default)]
    pub is_unwritten: bool,
    /// The docstring's first line.
    pub message: Option<String>,
    /// The time that it took; `None` if it did not return.
    pub seconds: Option<f64>,
    /// Tells whether it returned something that nobody awaited (`async def upgrade`).
    pub awaitable: bool,
}

/// The direction of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From base towards head.
    Upgrade,
    /// From head towards base.
    Downgrade,
}

/// The outcome of a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It returned.
    Finished,
    /// It raised.
    Raised(Exception),
    /// It returned, although a revision raised: `env.py` caught that.
    Swallowed(Exception),
    /// It took longer than it may, and was ended.
    TimedOut {
        /// The limit, in seconds.
        limit: f64,
        /// The interpreter's stack when the limit passed.
        python: Vec<String>,
        /// PostgreSQL's activity, and what it waited for.
        database: Vec<String>,
        /// Its sessions that waited for others.
        #[serde(default)]
        waits: Vec<Wait>,
    },
    /// The interpreter ended in the middle of it.
    Ended {
        /// Its end, in words.
        how: String,
        /// The end of what it had printed.
        output: Vec<String>,
    },
}

/// The version table that `env.py` configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionTable {
    /// Its name.
    #[serde(rename = "version_table")]
    pub name: String,
    /// Its schema, where one was given.
    pub schema: Option<String>,
    /// The schema that the service's connection was in when the command began.
    #[serde(default)]
    pub default_schema: Option<String>,
}

/// All that was seen of one command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transcript {
    /// The command, as one would type it: `upgrade head`.
    pub command: String,
    /// The outcome.
    pub outcome: Outcome,
    /// The time that it took, in seconds.
    pub seconds: f64,
    /// The revisions that ran, in order.
    pub steps: Vec<Step>,
    /// The statements, in order.
    pub statements: Vec<Statement>,
    /// The enum types that something tried to create, in order.
    pub enums: Vec<EnumCreation>,
    /// Connections that were refused because they go elsewhere.
    pub refused: Vec<RefusedConnection>,
    /// Connections that SQLAlchemy opened.
    #[serde(default)]
    pub connected: Vec<Connection>,
    /// The locks and reads of statements, where they were measured, in order.
    #[serde(default)]
    pub measures: Vec<Measure>,
    /// Tracebacks of the worker's own listeners; anything here spoils the evidence.
    pub broken: Vec<String>,
    /// The version table in use, once `env.py` configured one.
    pub version_table: Option<VersionTable>,
    /// The transaction that Alembic found open, if there was one.
    #[serde(default)]
    pub open_transaction: Option<OpenTransaction>,
    /// The place where the service ended its process with the exit status 0, which is success.
    #[serde(default)]
    pub exited: Option<Exception>,
    /// The exception that the last revision raised.
    #[serde(default)]
    pub raised_in_step: Option<Exception>,
    /// The file that holds everything the interpreter printed.
    pub output: PathBuf,
}

impl Outcome {
    /// The error that kept the command from its end.
    #[must_use]
    pub fn error(&self) -> Option<&Exception> {
        match self {
            Self::Raised(error) | Self::Swallowed(error) => Some(error),
            Self::Finished | Self::TimedOut { .. } | Self::Ended { .. } => None,
        }
    }
}

impl Transcript {
    /// Tells whether the command returned.
    #[must_use]
    pub fn finished(&self) -> bool {
        self.outcome == Outcome::Finished
    }

    /// The statements that these revisions issued.
    pub fn statements_of<'a>(
        &'a self,
        revisions: &'a [String],
    ) -> impl DoubleEndedIterator<Item = &'a Statement> {
        self.statements.iter().filter(|statement| {
            let place = statement.place.as_ref();
            let revision = place.and_then(|place| place.revision.as_ref());
            revision.is_some_and(|revision| revisions.contains(revision))
        })
    }

    /// The last statement that did not run to its end; where that was refused because an
    /// earlier one had aborted its transaction, the one that had.
    #[must_use]
    pub fn failed_statement(&self) -> Option<&Statement> {
        let is_done = |one: &&Statement| matches!(one.outcome, StatementOutcome::Done { .. });
        let mut failed = self.statements.iter().rev().filter(|one| !is_done(one));
        let last = failed.next()?;
        match last.comes_too_late() {
            true => failed.find(|one| !one.comes_too_late()).or(Some(last)),
            false => Some(last),
        }
    }

    /// The revision that was running when the command ended without finishing.
    #[must_use]
    pub fn failed_step(&self) -> Option<&Step> {
        self.steps.last().filter(|step| step.seconds.is_none())
    }
}

#[cfg(test)]
mod tests;
