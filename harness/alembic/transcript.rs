//! The record of one command of a worker: [`Transcript`], built event by event.
//!
//! Events arrive as they happen, so a transcript is complete up to the moment an
//! interpreter ended, whatever ended it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

mod event;
mod exception;
mod probe;

pub use event::Event;
pub use exception::{Exception, Frame, Need};
pub use probe::{Counters, Held, HeldIndex, Measure, Probe, Settled, SettledIndex, Unprobed};

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

/// One statement that went to PostgreSQL.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// Counts up within one worker.
    pub number: u64,
    /// Its text, without parameters, cut where it is very long.
    pub sql: String,
    /// The place where a revision issued it; `None` for Alembic's own and `env.py`'s.
    pub place: Option<Place>,
    /// Tells whether it ran on another connection than the one that `env.py` gave Alembic.
    #[serde(default)]
    pub beside: bool,
    /// The server's process that was given it, where the driver says which one.
    #[serde(default)]
    pub session: Option<i32>,
    /// The outcome.
    pub outcome: StatementOutcome,
}

/// PostgreSQL's in_failed_sql_transaction
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
pub const ABORTED: &str = "25P02";

impl Statement {
    /// Tells whether it was refused for nothing but a failure before it.
    fn comes_too_late(&self) -> bool {
        matches!(&self.outcome, StatementOutcome::Failed { sqlstate: Some(state), .. } if state == ABORTED)
    }
}

/// The outcome of a statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatementOutcome {
    /// Nothing was heard of it any more.
    Unfinished,
    /// It ran.
    Done {
        /// The time that it took.
        seconds: f64,
    },
    /// PostgreSQL or the driver refused it.
    Failed {
        /// PostgreSQL's error code, where it was PostgreSQL.
        sqlstate: Option<String>,
        /// The error's first line.
        message: String,
    },
}

/// An attempt to create an enum type, also one that a guard kept from running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnumCreation {
    /// The type's name.
    pub name: String,
    /// Its schema, where one was given.
    pub schema: Option<String>,
    /// The labels that were asked for, in order.
    pub labels: Vec<String>,
    /// The labels the type had before; `None` where it did not exist.
    pub before: Option<Vec<String>>,
    /// The labels it had afterwards; `None` where it does not exist or nobody could look.
    pub after: Option<Vec<String>>,
    /// The revision's place that asked for it.
    pub place: Option<Place>,
    /// The request: a statement, or SQLAlchemy's `ENUM.create`.
    pub how: EnumSource,
    /// The statement that ran, if one did.
    pub number: Option<u64>,
}

/// A request for an enum type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnumSource {
    /// A statement with `CREATE TYPE ... AS ENUM` in it.
    Sql,
    /// SQLAlchemy, through a table or `ENUM.create(checkfirst=False)`.
    Create,
    /// SQLAlchemy's `ENUM.create(checkfirst=True)`.
    Checkfirst,
}

/// A connection that the worker refused, and what the service tried to reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedConnection {
    /// The kind of thing that it sought.
    pub sought: ConnectionTarget,
    /// The host, or the path of a Unix-domain socket, where one was named.
    pub host: Option<String>,
    /// The port, where one was named.
    pub port: Option<String>,
    /// The database, where one was named.
    pub database: Option<String>,
    /// The service's innermost line.
    pub place: Option<Place>,
}

impl RefusedConnection {
    /// The address as people write it.
    #[must_use]
    pub fn address(&self) -> String {
        let host = self.host.as_deref().unwrap_or("a database");
        match &self.port {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }
}

/// A connection to the disposable database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// The server's process at the other end.
    pub session: Option<i32>,
    /// The service's innermost line when it was opened.
    pub place: Option<Place>,
}

/// The kinds of connections that are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionTarget {
    /// A PostgreSQL database that a driver was told to open.
    Database,
    /// A database of this SQLAlchemy dialect.
    Dialect(String),
    /// A database that was opened and showed no token.
    Untokened,
    /// A PostgreSQL server, with this program.
    Program(String),
    /// Anything at all: Python opened a socket.
    Socket,
}

/// A transaction that was open when `env.py` configured Alembic, which then leaves the
/// commit to whoever began it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenTransaction {
    /// The call of `context.configure`.
    pub place: Option<Place>,
    /// The last statement before; `None` where the transaction was begun without one.
    pub begun_by: Option<String>,
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
    /// An empty transcript of `command`, whose outcome is not known yet.
    #[must_use]
    pub fn new(command: impl Into<String>, output: PathBuf) -> Self {
        Self {
            command: command.into(),
            outcome: Outcome::Finished,
            seconds: 0.0,
            steps: Vec::new(),
            statements: Vec::new(),
            enums: Vec::new(),
            refused: Vec::new(),
            connected: Vec::new(),
            measures: Vec::new(),
            broken: Vec::new(),
            version_table: None,
            open_transaction: None,
            exited: None,
            raised_in_step: None,
            output,
        }
    }

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

    /// Adds what one event says.
    pub fn record(&mut self, event: Event) {
        match event {
            Event::Step {
                revision,
                direction,
                file,
                message,
                line,
                is_unwritten,
            } => {
                self.raised_in_step = None;
                self.steps.push(Step {
                    revision,
                    direction,
                    file,
                    line,
                    is_unwritten,
                    message,
                    seconds: None,
                    awaitable: false,
                });
            }
            Event::StepRaised { error } => self.raised_in_step = Some(error),
            Event::Stepped { seconds, awaitable } => {
                if let Some(step) = self.steps.last_mut() {
                    step.seconds = Some(seconds);
                    step.awaitable = awaitable;
                }
            }
            Event::OpenTransaction { place } => {
                let begun_by = self.statements.last().map(|one| one.sql.clone());
                self.open_transaction = Some(OpenTransaction { place, begun_by });
            }
            Event::Statement {
                number,
                sql,
                place,
                beside,
                session,
            } => self.statements.push(Statement {
                number,
                sql,
                place,
                beside,
                session,
                outcome: StatementOutcome::Unfinished,
            }),
            Event::Done { number, seconds } => self.end(number, StatementOutcome::Done { seconds }),
            Event::Failed {
                number,
                sqlstate,
                message,
            } => {
                self.end(number, StatementOutcome::Failed { sqlstate, message });
            }
            Event::Enum(creation) => self.enums.push(creation),
            Event::Refused(refused) => self.refused.push(refused),
            Event::Probe(probe) => self.measures.push(Measure::Probe(probe)),
            Event::Unprobed(unprobed) => self.measures.push(Measure::Unprobed(unprobed)),
            Event::Settled(settled) => self.measures.push(Measure::Settled(settled)),
            Event::Connected(connected) => self.connected.push(connected),
            Event::Broken { trace } => self.broken.push(trace),
            Event::Ready { .. }
            | Event::Unusable { .. }
            | Event::Committed { .. }
            | Event::Answer { .. } => {}
        }
    }

    /// Takes over that the command returned, and whether its last revision did.
    pub fn returned(&mut self, exited: Option<Exception>) -> Outcome {
        self.exited = exited;
        match self.raised_in_step.take() {
            Some(error) => Outcome::Swallowed(error),
            None => Outcome::Finished,
        }
    }

    fn end(&mut self, number: u64, outcome: StatementOutcome) {
        let found = self
            .statements
            .iter_mut()
            .rev()
            .find(|statement| statement.number == number);
        if let Some(statement) = found {
            statement.outcome = outcome;
        }
    }

    /// Joins what a later command of the same walk saw; its outcome becomes this one's.
    /// Each interpreter numbers its statements from one: they go on from the last one.
    pub fn append(&mut self, mut later: Self) {
        let last = self.statements.last().map_or(0, |one| one.number);
        if later
            .statements
            .first()
            .is_some_and(|one| one.number <= last)
        {
            later
                .statements
                .iter_mut()
                .for_each(|one| one.number += last);
            let numbers = later.enums.iter_mut().filter_map(|one| one.number.as_mut());
            numbers.for_each(|number| *number += last);
            let measures = later.measures.iter_mut();
            measures.for_each(|measure| *measure.number_mut() += last);
        }
        self.outcome = later.outcome;
        self.exited = later.exited;
        self.raised_in_step = later.raised_in_step;
        self.seconds += later.seconds;
        self.steps.extend(later.steps);
        self.statements.extend(later.statements);
        self.enums.extend(later.enums);
        self.refused.extend(later.refused);
        self.connected.extend(later.connected);
        self.measures.extend(later.measures);
        self.broken.extend(later.broken);
        self.version_table = later.version_table.or(self.version_table.take());
        self.open_transaction = later.open_transaction.or(self.open_transaction.take());
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
