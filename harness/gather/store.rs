//! Gathers each part of the evidence once per run: [`Store`].
//!
//! Cases of one process share memory. Where the runner gives every case a process
//! of its own (cargo-nextest sets `NEXTEST_RUN_ID`, one value per run), they share
//! files that are keyed by that value, never by content: a verdict is never older
//! than its run.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};
use tokio::time::timeout_at;

use super::cores::CorePermits;
use super::private::{self, broken};
use super::progress::Say;
use super::{Context, Keep, Writing};
use crate::alembic::interpreters::{Interpreters, Load};
use crate::alembic::prefetch::Prefetch;
use crate::alembic::transcript::Transcript;
use crate::error::{HarnessError, Result, Stage};
use crate::evidence::{Evidence, History, Part, SchemaFile, notes};
use crate::files::write_private;
use crate::manifest::Service;
use crate::postgres::{Kept, Servers};

/// Files of earlier runs are kept this long, so that a transcript can be read.
const KEPT_FOR: Duration = Duration::from_secs(24 * 3600);

/// Tells whether anything that was selected is red, as far as these parts of the evidence tell.
pub type FailsSoFar = fn(&Service, &Evidence, &[Part]) -> bool;

/// The evidence of a run so far.
pub struct Store {
    directory: PathBuf,
    prefetch: Prefetch,
    interpreters: Interpreters,
    servers: Servers,
    cores: CorePermits,
    across_processes: bool,
    keep: Option<FailsSoFar>,
    until: Option<Instant>,
    services: Mutex<HashMap<PathBuf, Arc<Mutex<StoredEvidence>>>>,
}

/// The evidence of one service so far.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct StoredEvidence {
    /// Everything that was gathered, once its history was read.
    evidence: Option<Result<Evidence>>,
    /// The parts that a session was asked for, and why it could not gather them.
    asked: BTreeMap<Part, Result<()>>,
    /// The servers that were left running.
    #[serde(default)]
    kept: Vec<Kept>,
}

impl Store {
    /// The store of this run, with its files below `base`, for `services` as far as it
    /// is known which ones the run judges, which `load` reads and which may use so many `cores`.
    ///
    /// # Errors
    /// Neither `base` nor the directory for temporary files can be written.
    pub fn for_this_run(
        base: &Path,
        services: Vec<String>,
        load: Load,
        cores: usize,
    ) -> Result<Self> {
        let nextest = std::env::var("NEXTEST_RUN_ID")
            .ok()
            .filter(|id| !id.is_empty());
        let id = nextest
            .clone()
            .unwrap_or_else(|| format!("{}-{}", std::process::id(), nanoseconds()));
        let temporary = std::env::temp_dir().join(format!(
            "migration-harness-runs-{}",
            rustix::process::geteuid().as_raw()
        ));
        let mut problem = None;
        for candidate in [base, &temporary] {
            let directory = candidate.join("runs").join(&id);
            let writable = || fs::write(directory.join(".writable"), &id);
            match private::directory(&directory).and_then(|()| writable()) {
                Ok(()) => {
                    remove_old(&candidate.join("runs"));
                    let shared = nextest.is_some();
                    return Ok(Self {
                        cores: CorePermits::new(&directory, cores),
                        interpreters: Interpreters::new(
                            &directory, candidate, services, load, shared,
                        ),
                        directory,
                        prefetch: Prefetch::default(),
                        servers: Servers::new(nextest.is_none()),
                        across_processes: nextest.is_some(),
                        keep: None,
                        until: None,
                        services: Mutex::default(),
                    });
                }
                Err(cause) => problem = Some(format!("{}: {cause}", directory.display())),
            }
        }
        Err(HarnessError::new(
            Stage::Evidence,
            "no directory for the files of this run can be made",
        )
        .detail(problem.unwrap_or_default())
        .help("make the target directory or TMPDIR writable"))
    }

    /// Begins to read the histories of services, which `load` makes of their files; not
    /// where other processes of the run may have read them.
    pub fn read_ahead(
        &self,
        files: impl Iterator<Item = PathBuf>,
        load: impl Fn(&Path) -> Result<Service> + Copy + Send + 'static,
    ) {
        if !self.across_processes {
            self.prefetch.begin(files, load);
        }
    }

    /// From now on the server of a service that is red by `red` is left running.
    #[must_use]
    pub fn keeping(mut self, red: Option<FailsSoFar>) -> Self {
        if red.is_some() {
            self.servers = Servers::new(false);
        }
        self.keep = red;
        self
    }

    /// A store of its own, for a service that is judged apart from the others of a run.
    ///
    /// # Errors
    /// Neither `base` nor the directory for temporary files can be written.
    pub fn apart(base: &Path, services: &[String], cores: usize) -> Result<Self> {
        let none = |_: &Path| -> Result<Service> {
            let problem = "this service is judged by itself";
            Err(HarnessError::new(Stage::Evidence, problem))
        };
        Self::for_this_run(base, services.to_vec(), none, cores)
    }

    /// From some moment on nothing is gathered any more, and what is under way is given up.
    #[must_use]
    pub fn ending(mut self, until: Option<Instant>) -> Self {
        self.until = until;
        self
    }

    /// The servers of a service that were left running.
    #[must_use]
    pub fn kept(&self, file: &Path) -> Vec<Kept> {
        let services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = services.get(file).cloned().unwrap_or_default();
        drop(services);
        let gathered = shared.lock().unwrap_or_else(PoisonError::into_inner);
        gathered.kept.clone()
    }

    /// Ends the servers that wait for another service.
    ///
    /// # Errors
    /// Naming what could not be removed.
    pub fn end(&self, runtime: &tokio::runtime::Runtime) -> Result<()> {
        runtime.block_on(self.servers.end())
    }

    /// The directory of this run's files: `runs/<run>` below the base.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The evidence for a criterion that needs `needs`, gathering what is missing;
    /// `wanted` is what the whole selection needs of this service, so that one
    /// session serves all of it.
    ///
    /// # Errors
    /// A part that was needed could not be gathered.
    pub fn evidence(
        &self,
        service: &Service,
        needs: &[Part],
        wanted: &[Part],
        runtime: &tokio::runtime::Runtime,
        say: Say<'_>,
    ) -> Result<Evidence> {
        let shared = {
            let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
            services.entry(service.file.clone()).or_default().clone()
        };
        let mut gathered = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let directory = self.directory.join(&service.name);
        private::directory(&directory).map_err(|cause| broken(&directory, &cause))?;
        let file = self
            .across_processes
            .then(|| SharedFile::lock(&directory))
            .transpose()?;
        if let Some(file) = &file {
            *gathered = file.read()?;
        }
        let context = Context {
            directory: &directory,
            prefetch: &self.prefetch,
            interpreters: &self.interpreters,
            servers: &self.servers,
            cores: &self.cores,
        };
        let task = Task {
            service,
            context,
            fails: self.keep,
            say,
        };
        let complete = gathered.complete(&task, needs, wanted);
        let changed = self.in_time(runtime, complete)?;
        if let (true, Some(file)) = (changed, &file) {
            file.write(&gathered)?;
        }
        let mut evidence = gathered.evidence(needs)?;
        evidence.notes = notes::read(service);
        evidence.schema = Some(SchemaFile::read(service));
        Ok(evidence)
    }
}

impl Store {
    /// The service as it was at a commit, in the directory of this run, with today's interpreter.
    ///
    /// # Errors
    /// Git cannot tell, or nothing can be written.
    pub fn as_of(&self, service: &Service, commit: &str) -> Result<Service> {
        let directory = self.directory.join("base");
        private::directory(&directory).map_err(|cause| broken(&directory, &cause))?;
        let tree = directory.join(&service.name);
        super::ground::as_of(service, commit, &tree, commit)
    }

    /// Has Alembic write a revision into the service's directory.
    ///
    /// # Errors
    /// No server or no interpreter can be had.
    pub fn write(
        &self,
        writing: &Writing,
        service: &Service,
        history: &History,
        runtime: &tokio::runtime::Runtime,
        say: Say<'_>,
    ) -> Result<Transcript> {
        let directory = self.directory.join(&service.name);
        private::directory(&directory).map_err(|cause| broken(&directory, &cause))?;
        let context = Context {
            directory: &directory,
            prefetch: &self.prefetch,
            interpreters: &self.interpreters,
            servers: &self.servers,
            cores: &self.cores,
        };
        let written = writing.run(service, history, &context, say);
        self.in_time(runtime, written)?
    }

    /// The result of it, unless time is over before; servers and interpreters end with it.
    fn in_time<T>(
        &self,
        runtime: &tokio::runtime::Runtime,
        work: impl Future<Output = T>,
    ) -> Result<T> {
        let Some(until) = self.until else {
            return Ok(runtime.block_on(work));
        };
        let late = |_| HarnessError::new(Stage::Evidence, "not judged in time");
        runtime
            .block_on(async { timeout_at(until.into(), work).await })
            .map_err(late)
    }
}

/// A service whose evidence is to be gathered, and all that this takes.
struct Task<'a> {
    service: &'a Service,
    context: Context<'a>,
    fails: Option<FailsSoFar>,
    say: Say<'a>,
}

impl StoredEvidence {
    /// Gathers what is missing of `needs`, and what is missing of `wanted` with it; says
    /// whether there was anything to gather.
    async fn complete(&mut self, task: &Task<'_>, needs: &[Part], wanted: &[Part]) -> bool {
        let is_new = self.evidence.is_none();
        if is_new {
            let history = super::history(task.service, &task.context).await;
            self.evidence = Some(history.map(|history| Evidence {
                service: task.service.file.clone(),
                history,
                ..Evidence::default()
            }));
        }
        let missing = |part: &Part| !self.asked.contains_key(part);
        let (true, Some(Ok(before))) = (needs.iter().any(missing), &self.evidence) else {
            return is_new;
        };
        let parts = needs.iter().chain(wanted).copied().filter(missing);
        let parts: BTreeSet<Part> = parts.collect();
        let held: Vec<Part> = self.asked.keys().chain(&parts).copied().collect();
        let is_whole = self.asked.values().all(Result::is_ok);
        let keep = |evidence: &Evidence| {
            let fails = |fails: FailsSoFar| fails(task.service, evidence, &held);
            is_whole && task.fails.is_some_and(fails)
        };
        let keep: Option<Keep<'_>> = task.fails.is_some().then_some(&keep);
        let mut evidence = before.clone();
        let (ran, kept) = super::session(
            task.service,
            &mut evidence,
            &parts,
            &task.context,
            keep,
            task.say,
        )
        .await;
        if ran.is_ok() {
            self.evidence = Some(Ok(evidence));
        }
        self.kept.extend(kept);
        self.asked
            .extend(parts.into_iter().map(|part| (part, ran.clone())));
        true
    }

    /// Returns the evidence so far. A part that is needed and could not be gathered is an
    /// error; any other one may explain what is missing in those.
    fn evidence(&self, needs: &[Part]) -> Result<Evidence> {
        for part in needs {
            self.asked.get(part).cloned().transpose()?;
        }
        let nothing = || HarnessError::new(Stage::Evidence, "no history was gathered");
        self.evidence.clone().unwrap_or_else(|| Err(nothing()))
    }
}

/// The file through which processes of one run share a service's evidence; locked
/// for as long as this lives.
struct SharedFile {
    path: PathBuf,
    _lock: File,
}

impl SharedFile {
    fn lock(directory: &Path) -> Result<Self> {
        let lock = directory.join("lock");
        let file = File::create(&lock).map_err(|cause| broken(&lock, &cause))?;
        file.lock().map_err(|cause| broken(&lock, &cause))?;
        Ok(Self {
            path: directory.join("evidence.json"),
            _lock: file,
        })
    }

    fn read(&self) -> Result<StoredEvidence> {
        match fs::read(&self.path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|cause| broken(&self.path, &cause)),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                Ok(StoredEvidence::default())
            }
            Err(cause) => Err(broken(&self.path, &cause)),
        }
    }

    /// Whole or not at all: a process that is killed here leaves the old file.
    fn write(&self, gathered: &StoredEvidence) -> Result<()> {
        let bytes = serde_json::to_vec(gathered).map_err(|cause| broken(&self.path, &cause))?;
        write_private(&self.path, &bytes).map_err(|cause| broken(&self.path, &cause))
    }
}

fn nanoseconds() -> u128 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos()
}

/// Removes the files of runs that are long over; a run that is not keeps its
/// directory young by making directories in it.
fn remove_old(runs: &Path) {
    let Ok(entries) = runs.read_dir() else { return };
    for entry in entries.flatten() {
        let age = entry
            .metadata()
            .and_then(|data| data.modified())
            .map(|time| time.elapsed().unwrap_or_default());
        if age.is_ok_and(|age| age > KEPT_FOR) {
            // Another run may be doing the same; what is left is tried again next time.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
