//! A statement, and an attempt to create an enum type: [`Statement`], [`EnumCreation`].

use serde::{Deserialize, Serialize};

use super::Place;

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
    pub(super) fn comes_too_late(&self) -> bool {
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
