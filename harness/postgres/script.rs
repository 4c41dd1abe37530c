//! SQL that is run before anything of the service's own, statement by statement: [`Script`].
//!
//! Statements are told apart as psql does it
//! (<https://www.postgresql.org/docs/current/app-psql.html>), because some of them, such as
//! `ALTER SYSTEM`, are refused in the company of others.

mod split;

pub use split::Unreadable;

/// SQL that is run as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Its origin in words: a file below the root, or a key of the manifest.
    pub origin: String,
    /// Its statements, in order.
    pub statements: Vec<Statement>,
}

/// One statement of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The line on which it begins, from 1.
    pub line: u32,
    /// Its text, without the semicolon at its end.
    pub sql: String,
}

impl Script {
    /// Reads the statements of a text that comes from `origin`.
    ///
    /// # Errors
    /// A quote is never closed, or it holds what is for psql and not for the server.
    pub fn read(origin: String, text: &str) -> Result<Self, Unreadable> {
        let statements = split::statements(text)?;
        Ok(Self { origin, statements })
    }
}
