//! The protocol between a worker and the harness: [`Event`].

use std::path::PathBuf;

use serde::Deserialize;

use super::{
    Connection, Direction, EnumCreation, Exception, Place, Probe, RefusedConnection, Settled,
    Unprobed,
};

/// A message of a worker while a command runs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The interpreter has imported what it needs.
    Ready {
        /// Python's version.
        python: String,
        /// Alembic's version.
        alembic: String,
        /// SQLAlchemy's version.
        sqlalchemy: String,
        /// Since the interpreter started.
        seconds: f64,
        /// Tells whether it has a driver that refuses a password that is hashed less often than
        /// is recommended.
        strict_drivers: bool,
    },
    /// The interpreter lacks what it needs.
    Unusable {
        /// The import that failed.
        message: String,
        /// Python's version.
        python: String,
    },
    /// A revision starts.
    Step {
        /// The revision.
        revision: String,
        /// The direction.
        direction: Direction,
        /// Its file.
        file: PathBuf,
        /// The docstring's first line.
        message: Option<String>,
        /// The line of its function.
        line: Option<u32>,
        /// Tells whether it has no such function.
        is_unwritten: bool,
    },
    /// `env.py` configured Alembic on a connection with an open transaction.
    OpenTransaction {
        /// The call.
        place: Option<Place>,
    },
    /// The revision returned.
    Stepped {
        /// The time that it took.
        seconds: f64,
        /// Tells whether it returned an awaitable.
        awaitable: bool,
    },
    /// The revision raised.
    StepRaised {
        /// The exception.
        error: Exception,
    },
    /// A statement starts.
    Statement {
        /// Its number.
        number: u64,
        /// Its text.
        sql: String,
        /// Its place.
        place: Option<Place>,
        /// Tells whether it runs on another connection than Alembic's.
        #[serde(default)]
        beside: bool,
        /// The server's process.
        session: Option<i32>,
    },
    /// SQLAlchemy opened a connection to the disposable database.
    Connected(Connection),
    /// The statement ran.
    Done {
        /// Its number.
        number: u64,
        /// The time that it took.
        seconds: f64,
    },
    /// The statement failed.
    Failed {
        /// Its number.
        number: u64,
        /// PostgreSQL's error code.
        sqlstate: Option<String>,
        /// The error's first line.
        message: String,
    },
    /// The locks and the work of a statement.
    Probe(Probe),
    /// A statement was not measured.
    Unprobed(Unprobed),
    /// The catalog after a statement that was not measured in its own transaction.
    Settled(Settled),
    /// The worker waits: transactions up to this statement were committed.
    Committed {
        /// The statement's number.
        number: u64,
    },
    /// Something tried to create an enum type.
    Enum(EnumCreation),
    /// A connection to anything but the disposable database was refused.
    Refused(RefusedConnection),
    /// The worker's own listener failed, which is no fault of the service.
    Broken {
        /// Python's traceback.
        trace: String,
    },
    /// The command ended.
    Answer {
        /// The value that it returned.
        #[serde(default)]
        ok: Option<serde_json::Value>,
        /// The exception that it raised.
        #[serde(default)]
        error: Option<Exception>,
    },
}
