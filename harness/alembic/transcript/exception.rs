//! An exception as data: [`Exception`].

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::RefusedConnection;

/// An exception that reached the command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// Its class.
    #[serde(rename = "type")]
    pub class: String,
    /// Its text.
    pub message: String,
    /// PostgreSQL's error code, where it came from there.
    pub sqlstate: Option<String>,
    /// Tells whether a Flask application is missing: none was found, or none was asked for.
    #[serde(default)]
    pub needs_application: bool,
    /// The service's own frames, outermost first.
    pub frames: Vec<Frame>,
    /// The exceptions that it was turned into or that followed, a line each.
    #[serde(default)]
    pub notes: Vec<String>,
    /// SQLAlchemy's code of the error, where it has one
    /// (<https://docs.sqlalchemy.org/en/20/errors.html>).
    #[serde(default)]
    pub code: Option<String>,
    /// The thing that is missing, where the error, or what led to it, says so.
    #[serde(default)]
    pub needs: Option<Need>,
    /// The exit status, where the process was to end with no other word: `sys.exit(1)`.
    #[serde(default)]
    pub exit_status: Option<i64>,
    /// The refused connection that it came from.
    #[serde(default)]
    pub refused: Option<Box<RefusedConnection>>,
}

impl Exception {
    /// The error in one line, by the driver's name for it where SQLAlchemy wraps one:
    /// `DuplicateObjectError: type "a" already exists`.
    #[must_use]
    pub fn line(&self) -> String {
        match self.first_line() {
            "" => self.name().to_owned(),
            text => format!("{}: {text}", self.name()),
        }
    }

    /// The class of the error that was wrapped, or its own.
    #[must_use]
    pub fn name(&self) -> &str {
        let first = self.message.lines().next().unwrap_or_default();
        // asyncpg: (sqlalchemy...asyncpg.Error) <class 'asyncpg.exceptions.X'>: text
        let by_asyncpg = first
            .split_once("<class '")
            .and_then(|(_, rest)| rest.split_once("'>"));
        // psycopg: (psycopg.errors.X) text
        let by_others = first
            .strip_prefix('(')
            .and_then(|rest| rest.split_once(") "));
        let path = by_asyncpg
            .or(by_others)
            .map_or(self.class.as_str(), |(path, _)| path);
        path.rsplit('.').next().unwrap_or(path)
    }

    /// The first line of its text, without the names of classes in front.
    #[must_use]
    pub fn first_line(&self) -> &str {
        let first = self.message.lines().next().unwrap_or_default();
        let text = first.split_once("'>: ").map_or(first, |(_, text)| text);
        match text
            .strip_prefix('(')
            .and_then(|rest| rest.split_once(") "))
        {
            Some((path, text)) if !path.contains(' ') => text,
            _ => text,
        }
    }
}

/// A thing that an exception says is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Need {
    /// A Python module.
    Module {
        /// Its name, with dots.
        name: String,
        /// The directories of the monorepo from which it could be imported.
        #[serde(default)]
        found: Vec<PathBuf>,
    },
    /// A dialect of SQLAlchemy's, as the URL names it.
    Dialect {
        /// Its name, with the driver's after a dot.
        #[serde(default)]
        name: String,
    },
    /// A section of the file from which `logging` is configured.
    Section {
        /// Its name.
        name: String,
    },
    /// Variables of the environment.
    Variables {
        /// Their names.
        names: Vec<String>,
    },
    /// Flask-Migrate, on the application.
    Extension,
    /// A driver for asyncio, or one that is none.
    Driver {
        /// Tells whether it has to be one for asyncio.
        is_async: bool,
    },
    /// Arguments of `-x`.
    Arguments {
        /// Their keys.
        names: Vec<String>,
        /// Tells whether the exception says so: else they were asked for, and then it was raised.
        is_certain: bool,
    },
    /// A thing that a program puts on Alembic's configuration before it runs a command.
    Caller {
        /// The way in which `env.py` reads it.
        expression: String,
        /// The way in which it is read where it may be missing.
        instead: String,
        /// Tells whether the exception says so.
        is_certain: bool,
    },
}

/// One frame of a traceback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// The source file, absolute.
    pub file: PathBuf,
    /// 1-based.
    pub line: u32,
    /// The function's name.
    pub function: String,
    /// The revision whose file it is.
    pub revision: Option<String>,
}
