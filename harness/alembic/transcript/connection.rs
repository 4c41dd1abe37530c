//! The connections of a command: [`Connection`], and those that were refused,
//! [`RefusedConnection`].

use serde::{Deserialize, Serialize};

use super::Place;

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
