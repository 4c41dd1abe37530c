//! The commands to the worker, one at a time, each in an interpreter that suits it.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;

use super::lacking::{lacking, not_preloaded};
use super::refused::refused;
use super::running::Looking;
use super::{Driver, needs};
use crate::alembic::transcript::{Event, Exception, Transcript};
use crate::alembic::worker::{self, Command, Limits, Worker, WorkerSignal};
use crate::error::Result;
use crate::gather::progress::Progress;

/// The unit that needs an interpreter of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Isolation {
    /// All commands may share one.
    Nothing,
    /// Each database, whose first command loads what the service can load but once.
    Database,
    /// Each run of `env.py`.
    Command,
}

/// A command and what ended it: one that a fresh interpreter met as well need not be tried there
/// again, as where the fewest rows are sought with which an upgrade fails.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Failure {
    command: String,
    class: String,
    sqlstate: Option<String>,
    /// The innermost frame of the service.
    place: Option<(PathBuf, u32)>,
}

impl Failure {
    fn new(command: Command<'_>, raised: &Exception) -> Self {
        let frame = raised.frames.last();
        Self {
            command: command.to_string(),
            class: raised.class.clone(),
            sqlstate: raised.sqlstate.clone(),
            place: frame.map(|frame| (frame.file.clone(), frame.line)),
        }
    }
}

impl Driver<'_> {
    pub(super) fn no_step_yet(&self) -> Transcript {
        let output = self.worker.output().to_owned();
        Transcript::new("upgrade, one revision at a time", output)
    }

    pub(super) async fn upgrade(&mut self, revision: &str) -> Result<Transcript> {
        let transcript = self.command(Command::Upgrade(revision)).await?;
        self.ran(&transcript);
        Ok(transcript)
    }

    /// One command within the limit that the manifest sets for a way of upgrading.
    pub(super) async fn command(&mut self, command: Command<'_>) -> Result<Transcript> {
        self.drive(command, self.service.timeouts.upgrade).await
    }

    /// One command, with progress where it is slow; a refused connection is an error.
    pub(super) async fn drive(
        &mut self,
        command: Command<'_>,
        limit: Duration,
    ) -> Result<Transcript> {
        // On the heap: all that a session does is made of this, and a thread's stack is small.
        let answer = Box::pin(self.answer(command, limit)).await;
        answer.map(|(transcript, _)| transcript)
    }

    /// The same, with what the command returned.
    ///
    /// The `alembic` command runs each of them in a process of its own, and some
    /// `env.py` can run but once in a process: where one raises in an interpreter that has
    /// run it before, it is tried again in a fresh one, and what works there has worked. From
    /// then on, each command has an interpreter of its own, or each database, where the one
    /// before was the first on its database.
    pub(super) async fn answer(
        &mut self,
        command: Command<'_>,
        limit: Duration,
    ) -> Result<(Transcript, Value)> {
        self.answer_looking(command, limit, None).await
    }

    /// The same, with a look at what was committed whenever the command waits for one.
    pub(super) async fn answer_looking(
        &mut self,
        command: Command<'_>,
        limit: Duration,
        mut looking: Option<&mut Looking<'_>>,
    ) -> Result<(Transcript, Value)> {
        let used = self.worker.has_run_env();
        if used && self.isolation == Isolation::Command && command.runs_env() {
            self.renew().await?;
            return Box::pin(self.attempt(command, limit, looking)).await;
        }
        let is_first = !self.worker.has_run_env_here();
        let first = Box::pin(self.attempt(command, limit, looking.as_deref_mut())).await?;
        let raised = first.0.outcome.error().filter(|_| command.runs_env());
        let Some(failure) = raised.map(|raised| Failure::new(command, raised)) else {
            return Ok(first);
        };
        if !used || self.confirmed.contains(&failure) {
            self.confirmed.insert(failure);
            return Ok(first);
        }
        (self.say)(Progress::Detail(format!(
            "{command} raised where env.py had run before: once more in a fresh interpreter"
        )));
        self.renew().await?;
        if let Some(looking) = &mut looking {
            looking.forget();
        }
        let second = Box::pin(self.attempt(command, limit, looking)).await?;
        if second.0.finished() {
            self.isolation = self.isolation.max(match is_first {
                true => Isolation::Database,
                false => Isolation::Command,
            });
        }
        let again = second.0.outcome.error();
        if again.is_some_and(|again| Failure::new(command, again) == failure) {
            self.confirmed.insert(failure);
        }
        // Anything that failed in a revision may have left something, which the second attempt met.
        match second.0.finished() || first.0.steps.is_empty() {
            true => Ok(second),
            false => Ok(first),
        }
    }

    /// One command in the interpreter there is.
    async fn attempt(
        &mut self,
        command: Command<'_>,
        limit: Duration,
        mut looking: Option<&mut Looking<'_>>,
    ) -> Result<(Transcript, Value)> {
        let say = self.say;
        let current: Mutex<Option<String>> = Mutex::new(None);
        let watch = |sign: WorkerSignal<'_>| match sign {
            WorkerSignal::Event(Event::Step { revision, .. }) => {
                if let Ok(mut current) = current.lock() {
                    *current = Some(revision.clone());
                }
            }
            WorkerSignal::Event(_) => {}
            WorkerSignal::Silence(after) => say(Progress::Waiting {
                command: command.to_string(),
                revision: current.lock().ok().and_then(|current| current.clone()),
                after,
            }),
        };
        let limits = Limits {
            limit,
            server: &self.server,
            database: &self.database,
            watch: &watch,
        };
        let mut going = self.worker.begin(command).await;
        let answer = loop {
            if let Some(answer) = self.worker.until_committed(&mut going, &limits).await {
                break answer;
            }
            if let (Some(looking), Some(number)) = (&mut looking, going.committed) {
                looking.look(number, &self.server, &self.database).await?;
            }
        };
        let mut transcript = going.transcript;
        needs::locate(&mut transcript, &self.service.root);
        for statement in &transcript.statements {
            self.touched.note(&statement.sql, &self.database.user);
        }
        if transcript.version_table.is_some() {
            self.version_table.clone_from(&transcript.version_table);
        }
        for why in self.server.take_refused() {
            let why = why.trim_start_matches("migration-harness: ");
            say(Progress::Note(format!(
                "{command}: a connection was refused: {why}"
            )));
        }
        refused(self.service, &self.database, &transcript)?;
        lacking(self.service, &self.server, &transcript).await?;
        not_preloaded(self.service, &self.server, &transcript)?;
        if let Some(trace) = transcript.broken.first() {
            return Err(worker::faulty(self.service, trace));
        }
        Ok((transcript, answer))
    }

    /// Tells whether what this database saw may come of the databases before it, in the same
    /// interpreter. Then each database has one of its own from now on, and it is worth to try
    /// again on a fresh one: an application that is made in a process that knows all models
    /// may create their tables, for instance. Once per session.
    pub(super) fn doubts(&mut self) -> bool {
        let doubts = self.is_shared && !self.doubted && self.isolation == Isolation::Nothing;
        if doubts {
            self.doubted = true;
            self.isolation = Isolation::Database;
            (self.say)(Progress::Detail(
                "once more in an interpreter that ran on no other database".to_owned(),
            ));
        }
        doubts
    }

    /// Asks the first interpreter for its imports, which later runs share. What fails
    /// here costs time only.
    pub(super) async fn note_imports(&mut self) {
        let is_new = || self.context.interpreters.is_new(self.service);
        if self.started != 1 || self.imports.is_some() || !self.worker.is_alive() || !is_new() {
            return;
        }
        match self.worker.imports(self.service).await {
            Ok(told) => self.imports = told,
            Err(error) => (self.say)(Progress::Note(format!(
                "its imports are not remembered: {}: {}",
                error.message,
                error.details.join(" ")
            ))),
        }
    }

    /// A fresh interpreter, where the one there was has ended: what ended it is known, and
    /// says nothing of what comes next.
    pub(super) async fn revive(&mut self) -> Result<()> {
        match self.worker.is_alive() {
            true => Ok(()),
            false => self.renew().await,
        }
    }

    /// Puts a fresh interpreter in the place of the one there was.
    pub(super) async fn renew(&mut self) -> Result<()> {
        self.note_imports().await;
        self.worker.end().await;
        self.started += 1;
        let output = self.context.output(self.started);
        self.worker = Worker::start(self.service, &output, self.context.interpreters).await?;
        (self.say)(Progress::Detail(format!(
            "interpreter {} is at work",
            self.started
        )));
        self.worker.open(self.service, &self.database).await
    }

    pub(super) fn ran(&self, transcript: &Transcript) {
        (self.say)(Progress::Ran {
            command: transcript.command.clone(),
            revisions: transcript.steps.len(),
            seconds: transcript.seconds,
            ok: transcript.finished(),
        });
    }
}
