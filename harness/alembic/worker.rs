//! Drives Alembic inside a service's own interpreter: [`Worker`].
//!
//! One Python process per service, in the service's directory, with next to no
//! environment. It answers over a socket of its own, so nothing that the service
//! prints is taken for an answer; what it prints goes to a file.

mod command;
mod ending;
mod going;
pub(crate) mod handed_over;
mod history;
mod last_words;
mod shadows;

pub use command::{
    Command, FilterQuestion, Probing, ReflectedKind, Release, Stage as ReleaseStage,
};
pub use going::Going;
pub use history::{History, LoadedRevision};

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::net::unix::OwnedWriteHalf;
use tokio::time::timeout;

use super::channel::{Events, Received};
use super::imports::ImportReport;
use super::interpreters::{Interpreters, broken};
use super::output::Output;
use super::secret::Secret;
use super::streams::Streams;
use super::transcript::{Event, Exception, Transcript, VersionTable};
use crate::error::{HarnessError, Result, Stage};
use crate::manifest::Service;
use crate::postgres::{Database, Server};
use crate::process::random;
use crate::process::supervisor::SupervisedProcess;

/// The silence of the service after which a line of progress is due.
const SILENCE: Duration = Duration::from_secs(5);

/// An interpreter that has imported Alembic and waits for commands.
pub struct Worker {
    /// `None` once it was ended for taking too long.
    supervised: Option<SupervisedProcess>,
    fresh: Option<String>,
    events: Events,
    commands: OwnedWriteHalf,
    output: Output,
    stack: PathBuf,
    about: About,
    alive: bool,
    has_run_env: bool,
    /// Tells whether a command since the database was opened runs `env.py`.
    has_run_env_here: bool,
    /// The bytes on the channel that are not the worker's.
    spoiled: Option<String>,
    secret: Secret,
    /// The layers with which the kernel guards it.
    kernel: Vec<String>,
}

/// The versions and features that a worker runs on.
#[derive(Debug, Clone)]
pub struct About {
    /// Python's version.
    pub python: String,
    /// Alembic's version.
    pub alembic: String,
    /// SQLAlchemy's version.
    pub sqlalchemy: String,
    /// From the interpreter's start to its readiness, in seconds.
    pub seconds: f64,
    /// Tells whether it has a driver that refuses a password that is hashed less often than is
    /// recommended.
    pub strict_drivers: bool,
}

/// Something to say while a command runs.
#[derive(Debug, Clone, Copy)]
pub enum WorkerSignal<'a> {
    /// The worker reported something.
    Event(&'a Event),
    /// Nothing was heard for a while; the time since the command began.
    Silence(Duration),
}

/// The place of one command, and the time that it may take.
pub struct Limits<'a> {
    /// The deadline for the command.
    pub limit: Duration,
    /// The server to ask what it waits for when the limit passes.
    pub server: &'a Server,
    /// The database the command works on.
    pub database: &'a Database,
    /// Told of everything as it happens.
    pub watch: &'a (dyn Fn(WorkerSignal<'_>) + Sync),
}

impl Worker {
    /// Starts the service's interpreter; what it prints goes to the file `output`.
    ///
    /// # Errors
    /// The interpreter does not start, or cannot import Alembic and SQLAlchemy.
    pub async fn start(
        service: &Service,
        output: &Path,
        interpreters: &Interpreters,
    ) -> Result<Self> {
        service.has_interpreter()?;
        let stack = output.with_file_name("stack.txt");
        let key = random::hex(16).map_err(|cause| broken(service, &cause))?;
        let (ours, theirs) = UnixStream::pair().map_err(|cause| broken(service, &cause))?;
        let (output, [stdout, stderr]) =
            Output::collect(output.to_owned()).map_err(|cause| broken(service, &cause))?;
        let streams = Streams {
            channel: blocking(theirs).map_err(|cause| broken(service, &cause))?,
            stdout: stdout.into(),
            stderr: stderr.into(),
            stack: stack.clone(),
        };
        let started = interpreters.start(service, streams).await?;
        let (reader, mut commands) = ours.into_split();
        let first = format!("{key}\n");
        // An interpreter that has ended already says so below.
        let _ = commands.write_all(first.as_bytes()).await;
        let mut worker = Self {
            supervised: Some(started.supervised),
            fresh: started.fresh,
            events: Events::new(reader, &key),
            commands,
            output,
            stack,
            about: About {
                python: String::new(),
                alembic: String::new(),
                sqlalchemy: String::new(),
                seconds: 0.0,
                strict_drivers: false,
            },
            alive: true,
            has_run_env: false,
            has_run_env_here: false,
            spoiled: None,
            secret: Secret::default(),
            kernel: Vec::new(),
        };
        worker.await_ready(service).await?;
        Ok(worker)
    }

    /// The reason that it is not a fork; `None` if it is one.
    #[must_use]
    pub fn fresh(&self) -> Option<&str> {
        self.fresh.as_deref()
    }

    /// The layers that keep it to the disposable server (`docs/safety.md`), once it was told
    /// which one that is.
    #[must_use]
    pub fn guard(&self) -> String {
        let kernel = match self.kernel.is_empty() {
            true => "not the kernel".to_owned(),
            false => format!("the kernel ({})", self.kernel.join(", ")),
        };
        format!("SQLAlchemy, drivers, audit hook, {kernel}, token")
    }

    /// The modules that it has imported; `None` where the service's code keeps it from saying so.
    ///
    /// # Errors
    /// The interpreter ended, or the worker itself failed.
    pub async fn imports(&mut self, service: &Service) -> Result<Option<ImportReport>> {
        let answer = self.ask("imports", json!({}), service).await?;
        Ok(answer
            .ok()
            .and_then(|answer| serde_json::from_value(answer).ok()))
    }

    /// The file that holds everything it prints.
    #[must_use]
    pub fn output(&self) -> &Path {
        self.output.file()
    }

    /// The versions and features that it runs on.
    #[must_use]
    pub fn about(&self) -> &About {
        &self.about
    }

    async fn await_ready(&mut self, service: &Service) -> Result<()> {
        let python = service.python.join(" ");
        let event = timeout(service.timeouts.verify, self.next()).await;
        match event {
            Ok(Some(Event::Ready { python, alembic, sqlalchemy, seconds, strict_drivers })) => {
                self.about = About { python, alembic, sqlalchemy, seconds, strict_drivers };
                Ok(())
            }
            Ok(Some(Event::Unusable { message, python: version })) => Err(HarnessError::new(
                Stage::Alembic,
                format!("{}: {python} (Python {version}) cannot import Alembic: {message}", service.name),
            )
            .help("install the service's requirements into that interpreter, or set `python` in the manifest")),
            Ok(_) => {
                let how = self.ended().await;
                Err(HarnessError::new(Stage::Alembic, format!("{}: {python} {how}", service.name))
                    .detail(self.tail().join("\n"))
                    .help(shadows::advice(service).unwrap_or_else(|| "run that command by hand; `python` in the manifest says which one is used".to_owned())))
            }
            Err(_) => Err(HarnessError::new(
                Stage::Alembic,
                format!("{}: {python} did not import Alembic in {:?}", service.name, service.timeouts.verify),
            )
            .detail(self.python_stack().await.join("\n"))
            .help("raise `timeouts.verify` in the manifest, or see why the import takes so long")),
        }
    }

    /// Tells the worker which database is the disposable one, and sets the variables that
    /// hand it to the service. Any other connection is refused.
    ///
    /// # Errors
    /// The interpreter ended or does not answer.
    pub async fn open(&mut self, service: &Service, database: &Database) -> Result<()> {
        let secret = Secret::new(database.passwords());
        self.secret = secret.clone();
        self.events.mask(secret);
        self.has_run_env_here = false;
        let answer = self
            .ask("open", handed_over::to(service, database), service)
            .await?
            .map_err(|raised| unexpected(service, &raised))?;
        let kernel = answer.get("kernel").cloned().unwrap_or_default();
        self.kernel = serde_json::from_value(kernel).unwrap_or_default();
        Ok(())
    }

    /// The history as Alembic loads it, or what Alembic raised.
    ///
    /// # Errors
    /// The interpreter ended or does not answer in time.
    pub async fn history(&mut self, service: &Service) -> Result<Result<History, Exception>> {
        let with = json!({
            "directory": service.directory, "ini": service.alembic_ini, "section": service.alembic_section,
            "flask_app": handed_over::flask_app(service),
        });
        Ok(match self.ask("history", with, service).await? {
            Ok(answer) => Ok(serde_json::from_value(answer).map_err(|cause| {
                HarnessError::new(
                    Stage::Alembic,
                    format!("{}: the worker's history: {cause}", service.name),
                )
            })?),
            Err(raised) => Err(raised),
        })
    }

    /// Runs one command, in an Alembic context of its own.
    pub async fn run(&mut self, command: Command<'_>, limits: &Limits<'_>) -> Transcript {
        self.answer(command, limits).await.0
    }

    /// The same, with what the command returned.
    pub async fn answer(
        &mut self,
        command: Command<'_>,
        limits: &Limits<'_>,
    ) -> (Transcript, Value) {
        let mut going = self.begin(command).await;
        loop {
            if let Some(answer) = self.until_committed(&mut going, limits).await {
                return (going.transcript, answer);
            }
        }
    }

    async fn send(&mut self, what: &str, with: &Value) -> io::Result<()> {
        let mut line = json!({ "do": what, "with": with }).to_string();
        line.push('\n');
        self.commands.write_all(line.as_bytes()).await
    }

    /// One command that touches no database, within `timeouts.verify`.
    async fn ask(
        &mut self,
        what: &str,
        with: Value,
        service: &Service,
    ) -> Result<Result<Value, Exception>> {
        self.send(what, &with)
            .await
            .map_err(|cause| broken(service, &cause))?;
        let mut broken = None;
        let answer = timeout(service.timeouts.verify, async {
            loop {
                match self.next().await {
                    Some(Event::Broken { trace }) => broken = Some(trace),
                    Some(Event::Answer {
                        error: Some(raised),
                        ..
                    }) => return Some(Err(raised)),
                    Some(Event::Answer { ok, .. }) => return Some(Ok(ok.unwrap_or_default())),
                    Some(_) => {}
                    None => return None,
                }
            }
        })
        .await;
        if let Some(trace) = broken {
            return Err(faulty(service, &trace));
        }
        match answer {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => {
                let how = self.ended().await;
                Err(HarnessError::new(Stage::Alembic, format!("{}: while asked for its {what}, Python {how}", service.name))
                    .detail(self.tail().join("\n")))
            }
            Err(_) => Err(HarnessError::new(
                Stage::Alembic,
                format!("{}: `{what}` took longer than {:?}", service.name, service.timeouts.verify),
            )
            .detail(self.python_stack().await.join("\n"))
            .help("raise `timeouts.verify` in the manifest, or see why loading the revisions takes so long")),
        }
    }

    /// The next event; `None` once the channel is closed or spoiled.
    async fn next(&mut self) -> Option<Event> {
        match self.events.next().await {
            Received::Event(event) => Some(*event),
            Received::Closed => None,
            Received::Spoiled(text) => {
                self.spoiled = Some(text);
                drop(self.supervised.take());
                None
            }
        }
    }

    /// Tells whether the interpreter can take another command.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.alive
    }

    /// Tells whether `env.py` has run in it, or begun to.
    #[must_use]
    pub fn has_run_env(&self) -> bool {
        self.has_run_env
    }

    /// Tells whether one ran since the database was opened.
    #[must_use]
    pub fn has_run_env_here(&self) -> bool {
        self.has_run_env_here
    }
}

fn version_table(answer: &Value) -> Option<VersionTable> {
    let contexts = answer.get("contexts")?.as_array()?.clone();
    contexts
        .into_iter()
        .next_back()
        .and_then(|context| serde_json::from_value(context).ok())
}

/// A fault of the worker's own code: no verdict can be had of what it reported.
#[must_use]
pub fn faulty(service: &Service, trace: &str) -> HarnessError {
    HarnessError::new(
        Stage::Alembic,
        format!("{}: the harness's worker failed", service.name),
    )
    .detail(trace)
    .help("this is a fault of the harness, not of the service: please report it with these lines")
}

/// The place where the service ended the command, as a success.
fn exited(answer: &Value) -> Option<Exception> {
    serde_json::from_value(answer.get("exited")?.clone()).ok()?
}

fn blocking(stream: UnixStream) -> io::Result<OwnedFd> {
    let stream = stream.into_std()?;
    stream.set_nonblocking(false)?;
    Ok(stream.into())
}

fn unexpected(service: &Service, raised: &Exception) -> HarnessError {
    HarnessError::new(
        Stage::Alembic,
        format!(
            "{}: the worker raised {}: {}",
            service.name, raised.class, raised.message
        ),
    )
}
