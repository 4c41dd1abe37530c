//! The start of a service's interpreter: [`Interpreters`].
//!
//! Most of what an interpreter does until it can migrate is to import packages, the
//! same ones for each service. Where that can be shared, a worker is a fork of a
//! parent that has imported them ([`forks`](super::forks)); where it cannot, or
//! nothing is known of the service yet, it is a fresh process. What a service can
//! observe is the same both ways.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use once_cell::sync::OnceCell;

pub use super::forks::Load;
use super::forks::{Forks, Request, at_start};
use super::streams::{CHANNEL, Streams};
use crate::error::{HarnessError, Result, Stage};
use crate::files::write_whole;
use crate::installed;
use crate::manifest::Service;
use crate::process::supervisor::{Ending, SupervisedProcess, SupervisedSpec};

/// The scripts, embedded so that the crate works from anywhere; the first one is run.
const SCRIPTS: &[(&str, &str)] = &[
    ("worker.py", include_str!("python/worker.py")),
    (
        "migration_harness_build.py",
        include_str!("python/build.py"),
    ),
    (
        "migration_harness_channel.py",
        include_str!("python/channel.py"),
    ),
    (
        "migration_harness_commands.py",
        include_str!("python/commands.py"),
    ),
    ("migration_harness_door.py", include_str!("python/door.py")),
    (
        "migration_harness_drivers.py",
        include_str!("python/drivers.py"),
    ),
    (
        "migration_harness_enums.py",
        include_str!("python/enums.py"),
    ),
    (
        "migration_harness_filters.py",
        include_str!("python/filters.py"),
    ),
    (
        "migration_harness_flask.py",
        include_str!("python/flask.py"),
    ),
    (
        "migration_harness_guard.py",
        include_str!("python/guard.py"),
    ),
    (
        "migration_harness_imported.py",
        include_str!("python/imported.py"),
    ),
    (
        "migration_harness_listeners.py",
        include_str!("python/listeners.py"),
    ),
    (
        "migration_harness_models.py",
        include_str!("python/models.py"),
    ),
    (
        "migration_harness_pieces.py",
        include_str!("python/pieces.py"),
    ),
    (
        "migration_harness_places.py",
        include_str!("python/places.py"),
    ),
    (
        "migration_harness_probe.py",
        include_str!("python/probe.py"),
    ),
    (
        "migration_harness_frames.py",
        include_str!("python/frames.py"),
    ),
    (
        "migration_harness_asked.py",
        include_str!("python/asked.py"),
    ),
    (
        "migration_harness_needs.py",
        include_str!("python/needs.py"),
    ),
    (
        "migration_harness_recorder.py",
        include_str!("python/recorder.py"),
    ),
    (
        "migration_harness_revisions.py",
        include_str!("python/revisions.py"),
    ),
    (
        "migration_harness_commits.py",
        include_str!("python/commits.py"),
    ),
    (
        "migration_harness_running.py",
        include_str!("python/running.py"),
    ),
    (
        "migration_harness_source.py",
        include_str!("python/source.py"),
    ),
    (
        "migration_harness_unwritten.py",
        include_str!("python/unwritten.py"),
    ),
    (
        "migration_harness_writer.py",
        include_str!("python/writer.py"),
    ),
    ("forks.py", include_str!("python/forks.py")),
    ("preloaded.py", include_str!("python/preloaded.py")),
];
/// The variables that pass from our own environment to the worker; all else comes from the
/// manifest.
const INHERITED: &[&str] = &["PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE"];

/// Starts the interpreters of one run.
pub struct Interpreters {
    run: PathBuf,
    /// Set once the scripts are there.
    script: OnceCell<PathBuf>,
    bytecode: PathBuf,
    forks: Forks,
}

/// An interpreter that runs.
pub struct StartedInterpreter {
    /// Its supervised process.
    pub supervised: SupervisedProcess,
    /// The reason that it is not a fork; `None` if it is one.
    pub fresh: Option<String>,
}

impl Interpreters {
    /// For a run with its files in `run`, and what outlives it in `base`. `services`
    /// are the names of those that the run judges, as far as is known, which `load` reads;
    /// `shared` says that other processes take part in the run.
    #[must_use]
    pub fn new(run: &Path, base: &Path, services: Vec<String>, load: Load, shared: bool) -> Self {
        Self {
            run: run.to_owned(),
            script: OnceCell::new(),
            bytecode: base.join("pycache"),
            forks: Forks::new(run, base, services, load, shared),
        }
    }

    /// The script of a worker, which is written, with the others, when it is needed.
    fn script(&self) -> Result<&Path> {
        let written = self.script.get_or_try_init(|| {
            for (name, text) in SCRIPTS {
                // Another process may be reading the one that is there.
                write_whole(&self.run.join(name), text.as_bytes())?;
            }
            Ok(self.run.join(SCRIPTS[0].0))
        });
        let script = written.map_err(|cause: io::Error| {
            let run = self.run.display();
            let problem = format!("the worker's scripts cannot be written to {run}: {cause}");
            HarnessError::new(Stage::Alembic, problem)
        });
        script.map(PathBuf::as_path)
    }

    /// Starts the interpreter of a service, in the service's directory.
    ///
    /// # Errors
    /// No process can be made. That the program cannot be run shows later.
    pub async fn start(&self, service: &Service, streams: Streams) -> Result<StartedInterpreter> {
        let script = text(self.script()?);
        let refused = match self.fork(service, &script, &streams).await {
            Ok(supervised) => {
                return Ok(StartedInterpreter {
                    supervised,
                    fresh: None,
                });
            }
            Err(refused) => refused,
        };
        let mut words = self.worker(service, &script, &streams).into_iter();
        let program = words.next().unwrap_or_default();
        let supervised = SupervisedProcess::spawn(SupervisedSpec {
            env: Some(os_strings(environment(service))),
            fds: vec![(streams.channel, CHANNEL)],
            stdout: streams.stdout.into(),
            stderr: streams.stderr.into(),
            ..SupervisedSpec::new(program, &service.directory, Ending::Kill).args(words)
        })
        .await?;
        Ok(StartedInterpreter {
            supervised,
            fresh: Some(refused),
        })
    }

    /// A fork of the parent that this service may share, or why there is none.
    async fn fork(
        &self,
        service: &Service,
        script: &str,
        streams: &Streams,
    ) -> Result<SupervisedProcess, String> {
        let plan = self.forks.plan_for(service)?;
        let parent = self.words(service, script, ["fork", &text(plan)]);
        let mut words = parent.into_iter();
        let program = words.next().unwrap_or_default();
        let spec = SupervisedSpec {
            env: Some(os_strings(
                inherited().into_iter().chain(at_start(service)).collect(),
            )),
            ..SupervisedSpec::new(program, "/", Ending::Kill).args(words)
        };
        let worker = self.worker(service, script, streams);
        let argv = worker.into_iter().skip_while(|word| word != script);
        let set_later = service
            .database_url_env
            .iter()
            .chain(service.database_env.keys());
        let request = Request {
            env: environment(service),
            cwd: service.directory.clone(),
            argv: argv.collect(),
            variables: set_later.cloned().collect(),
            mark: String::new(),
        };
        self.forks.fork(service, spec, request, streams).await
    }

    /// Says whether the imports of a service are unknown, or may have changed.
    #[must_use]
    pub fn is_new(&self, service: &Service) -> bool {
        self.forks.is_new(service)
    }

    /// Remembers what an interpreter imported, for the next run.
    pub fn remember(&self, service: &Service, told: super::imports::ImportReport) {
        self.forks.remember(service, told);
    }

    /// The command line of a worker.
    fn worker(&self, service: &Service, script: &str, streams: &Streams) -> Vec<String> {
        let channel = CHANNEL.to_string();
        self.words(service, script, [&channel, &text(&streams.stack)])
    }

    /// The command line of a worker, or of a parent of workers.
    fn words(&self, service: &Service, script: &str, arguments: [&str; 2]) -> Vec<String> {
        let mut words = service.python.clone();
        let prefix = format!("pycache_prefix={}", self.bytecode.display());
        words.extend(["-X".to_owned(), prefix, script.to_owned()]);
        words.extend(arguments.map(str::to_owned));
        words.push(module_of(&service.driver).to_owned());
        words
    }
}

fn text(path: impl AsRef<Path>) -> String {
    path.as_ref().to_string_lossy().into_owned()
}

/// The module behind a SQLAlchemy driver name (docs.sqlalchemy.org, "PostgreSQL").
fn module_of(driver: &str) -> &str {
    match driver {
        "" => "psycopg2",
        "psycopg_async" => "psycopg",
        other => other,
    }
}

fn inherited() -> BTreeMap<String, String> {
    let value = |name: &str| match name {
        "PATH" => installed::search_path()?.into_string().ok(),
        _ => std::env::var(name).ok(),
    };
    INHERITED
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), value(name)?)))
        .collect()
}

fn environment(service: &Service) -> BTreeMap<String, String> {
    let mut variables = inherited();
    variables.extend(service.env.clone());
    variables
}

fn os_strings(variables: BTreeMap<String, String>) -> Vec<(OsString, OsString)> {
    variables
        .into_iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

pub(super) fn broken(service: &Service, cause: &dyn std::fmt::Display) -> HarnessError {
    HarnessError::new(
        Stage::Alembic,
        format!("{}: the worker cannot be reached: {cause}", service.name),
    )
}
