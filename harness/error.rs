//! The error where no judgement was possible: [`HarnessError`].
//!
//! A service that breaks a promise is a verdict, never an error. An error says which stage could not do its part, what it saw
//! and what would help; it is plain data, so that cases of one run that live in
//! several processes can share it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The stage that could not do its part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Reading `services-manifest/`.
    Manifest,
    /// Getting, using or removing a PostgreSQL server.
    Postgres,
    /// Reading an Alembic environment or driving it in the service's interpreter.
    Alembic,
    /// Reading the base ref's files.
    Git,
    /// Collecting or sharing what was seen.
    Evidence,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Manifest => "manifest",
            Self::Postgres => "postgres",
            Self::Alembic => "alembic",
            Self::Git => "git",
            Self::Evidence => "evidence",
        })
    }
}

/// No judgement was possible, and why.
///
/// `message` is one lowercase fragment; `details` are whole lines that support
/// it (a log's tail, what was tried); `help` is what to do or type next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{stage}: {message}")]
pub struct HarnessError {
    /// The stage that could not do its part.
    pub stage: Stage,
    /// The problem, as a lowercase fragment.
    pub message: String,
    /// Lines that support the message.
    pub details: Vec<String>,
    /// Advice.
    pub help: Option<String>,
    /// The commands that `help` and `details` name for their reader to type, as they stand there.
    #[serde(default)]
    pub commands: Vec<String>,
}

/// The result of a stage.
pub type Result<T, E = HarnessError> = std::result::Result<T, E>;

impl HarnessError {
    /// An error of `stage` that says `message`.
    pub fn new(stage: Stage, message: impl Into<String>) -> Self {
        Self {
            stage,
            message: message.into(),
            details: Vec::new(),
            help: None,
            commands: Vec::new(),
        }
    }

    /// Adds one or more lines that support the message.
    #[must_use]
    pub fn detail(mut self, text: impl AsRef<str>) -> Self {
        self.details
            .extend(text.as_ref().lines().map(str::to_owned));
        self
    }

    /// Names a command that the help or a detail says to type.
    #[must_use]
    pub fn command(mut self, command: impl Into<String>) -> Self {
        self.commands.push(command.into());
        self
    }

    /// Says what would help.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }
}

impl From<migration_revisions::error::Error> for HarnessError {
    fn from(error: migration_revisions::error::Error) -> Self {
        Self {
            details: error.details,
            help: error.help,
            ..Self::new(Stage::Alembic, error.message)
        }
    }
}
