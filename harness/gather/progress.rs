//! The progress of gathering evidence: [`Progress`].

use std::time::Duration;

/// Something that happened, for a person who waits.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// A remark about the choice of server, made once per run.
    Provider(String),
    /// A server answers.
    Server {
        /// Its version.
        version: String,
        /// Its provider.
        provider: &'static str,
        /// The service that had it before, on which it left nothing.
        after: Option<String>,
        /// From the request to the first answer.
        took: Duration,
    },
    /// The interpreter has imported Alembic.
    Interpreter {
        /// Python's, Alembic's and SQLAlchemy's versions in words.
        versions: String,
        /// The layers that keep it to the disposable server.
        guard: String,
        /// From its start.
        seconds: f64,
    },
    /// A command ended.
    Ran {
        /// The command.
        command: String,
        /// The number of revisions that ran.
        revisions: usize,
        /// The time that it took.
        seconds: f64,
        /// Tells whether it succeeded.
        ok: bool,
    },
    /// A command is silent.
    Waiting {
        /// The command.
        command: String,
        /// The revision that runs.
        revision: Option<String>,
        /// Since the command began.
        after: Duration,
    },
    /// A detail for those who look into the harness itself.
    Detail(String),
    /// Something worth knowing that is no part of a verdict.
    Note(String),
}

/// The receiver of progress.
pub type Say<'a> = &'a (dyn Fn(Progress) + Sync);
