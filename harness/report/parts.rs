//! The files that the processes of one run leave for its report, and the report made of them.
//!
//! ```text
//! <run>/report/run.json                      the first process's: when, where, which services
//! <run>/report/processes/<process>.json      the cases a process was asked for; locked while it lives
//! <run>/report/ended/<process>.json          the same, once it has ended by itself
//! <run>/report/cases/<criterion>::<service>.json
//! <run>/report/services/<service>.<fact>.json
//! ```
//!
//! A case that a process was asked for and that has no file was not judged, whatever
//! ended the process. Each file is written whole or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use migration_revisions::pool;
use rayon::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::data::{self, Case, Outcome, Report};
use crate::criteria;
use crate::files::write_whole;

/// `run.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Begun {
    id: String,
    began: String,
    host: String,
    /// The directory of the report, absolute.
    directory: PathBuf,
    services: Vec<String>,
}

/// A case that a process was asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SelectedCase {
    /// The criterion.
    pub criterion: String,
    /// The service.
    pub service: String,
    /// The command that runs it alone.
    pub rerun: String,
    /// The service's manifest file.
    pub manifest: String,
}

/// The page data of services, each fact by its file.
type Services = BTreeMap<PathBuf, data::Service>;

/// The parts of one run.
#[derive(Debug, Clone)]
pub struct Parts {
    directory: PathBuf,
}

/// This process's own part; it counts as running for as long as this lives.
#[derive(Debug)]
pub struct Process {
    parts: Parts,
    /// The texts that it wrote itself, by file: most often all there is, and then nothing is read.
    written: Mutex<Services>,
    file: PathBuf,
    /// Tells whether it is the first one of its run.
    pub is_first: bool,
    _lock: File,
}

impl Parts {
    /// The parts of the run whose files are in `run`.
    #[must_use]
    pub fn new(run: &Path) -> Self {
        Self {
            directory: run.join("report"),
        }
    }

    /// The parts of the run below `runs` that began last, of those whose report goes to
    /// `directory`.
    #[must_use]
    pub fn last_of(runs: &Path, directory: &Path) -> Option<Self> {
        let directory = std::path::absolute(directory).ok()?;
        let entries = runs.read_dir().ok()?.flatten();
        let parts = entries.map(|entry| Self::new(&entry.path()));
        let begun = parts.filter_map(|parts| {
            let begun: Begun = read(&parts.directory.join("run.json")).ok()?;
            (begun.directory == directory).then_some((begun.began, parts))
        });
        begun.max_by(|a, b| a.0.cmp(&b.0)).map(|(_, parts)| parts)
    }

    /// Says which cases this process was asked for, of a manifest with these services,
    /// and where the report goes.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn begin(
        self,
        services: &BTreeSet<String>,
        asked: &[SelectedCase],
        directory: &Path,
    ) -> io::Result<Process> {
        for part in ["processes", "ended", "cases", "services"] {
            fs::create_dir_all(self.directory.join(part))?;
        }
        let run = self.directory.join("run.json");
        let begun = Begun {
            id: self.id(),
            began: now(),
            host: host(),
            directory: std::path::absolute(directory)?,
            services: services.iter().cloned().collect(),
        };
        let is_first = write_once(&run, &begun)?;
        let name = format!("{}-{:x}.json", std::process::id(), nanoseconds());
        let file = self.directory.join("processes").join(&name);
        let draft = self.directory.join(name);
        fs::write(&draft, serde_json::to_vec(asked)?)?;
        let lock = File::open(&draft)?;
        lock.lock()?;
        fs::rename(&draft, &file)?;
        Ok(Process {
            parts: self,
            written: Mutex::default(),
            file,
            is_first,
            _lock: lock,
        })
    }

    fn id(&self) -> String {
        let run = self.directory.parent().and_then(Path::file_name);
        run.unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Tells whether a process of this run has neither ended by itself nor been ended.
    fn is_running(&self) -> bool {
        let files = files(&self.directory.join("processes"));
        files.iter().any(|file| {
            // Unlocked: it was killed. Not there any more: it has just ended.
            File::open(file).is_ok_and(|file| file.try_lock_shared().is_err())
        })
    }

    /// Tells whether this is the first time that it is asked; for what is printed once a run.
    #[must_use]
    pub fn first_time(&self, what: &str) -> bool {
        File::create_new(self.directory.join(what)).is_ok()
    }

    /// The report, as far as the run has come.
    ///
    /// # Errors
    /// A part cannot be read, naming it.
    pub fn report(&self) -> io::Result<Report> {
        self.report_with(Services::new())
    }

    /// The same, where some of what was written need not be read.
    fn report_with(&self, known: Services) -> io::Result<Report> {
        let begun: Begun = read(&self.directory.join("run.json"))?;
        let mut services: BTreeMap<String, data::Service> = BTreeMap::new();
        let empty = |name: &String| data::Service {
            name: name.clone(),
            ..data::Service::default()
        };
        services.extend(
            begun
                .services
                .iter()
                .map(|name| (name.clone(), empty(name))),
        );
        for shown in self.services(known)?.into_values() {
            let name = shown.name.clone();
            services.entry(name).or_default().absorb(shown);
        }
        let report = Report {
            schema: data::SCHEMA.to_owned(),
            version: data::VERSION,
            harness: env!("CARGO_PKG_VERSION").to_owned(),
            runs: vec![data::Run {
                id: begun.id,
                began: begun.began,
                written: now(),
                host: begun.host,
            }],
            criteria: criteria::ALL.iter().map(criterion).collect(),
            services: services.into_values().collect(),
            cases: self.cases()?,
            absent: Vec::new(),
        };
        Ok(report.in_order())
    }

    /// The page data of services; of what is `known` the files are not read.
    fn services(&self, mut known: Services) -> io::Result<Services> {
        let mut unknown = files(&self.directory.join("services"));
        unknown.retain(|file| !known.contains_key(file));
        let shown = read_all(&unknown, data::Service::from_json)?;
        known.extend(unknown.into_iter().zip(shown));
        Ok(known)
    }

    /// The cases that were judged, and those that were asked for and were not.
    fn cases(&self) -> io::Result<Vec<Case>> {
        let mut cases: Vec<Case> = read_all(&files(&self.directory.join("cases")), |bytes| {
            serde_json::from_slice(bytes)
        })?;
        let there: BTreeSet<String> = cases.iter().map(Case::name).collect();
        let mut asked: BTreeSet<SelectedCase> = BTreeSet::new();
        for part in ["processes", "ended"] {
            for file in files(&self.directory.join(part)) {
                match read::<Vec<SelectedCase>>(&file) {
                    Ok(cases) => asked.extend(cases),
                    // It has just moved to `ended`, which is read next.
                    Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
                    Err(cause) => return Err(cause),
                }
            }
        }
        cases.extend(
            asked
                .into_iter()
                .map(unjudged)
                .filter(|case| !there.contains(&case.name())),
        );
        Ok(cases)
    }
}

impl Process {
    /// Adds a case that was judged.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn case(&self, case: &Case) -> io::Result<()> {
        let name = format!("{}.json", case.name());
        write_whole(
            &self.parts.directory.join("cases").join(name),
            &serde_json::to_vec(case)?,
        )
    }

    /// Adds a fact about a service, unless another case has.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn service(
        &self,
        name: &str,
        fact: &str,
        shown: impl FnOnce() -> data::Service,
    ) -> io::Result<()> {
        let file = self
            .parts
            .directory
            .join("services")
            .join(format!("{name}.{fact}.json"));
        if file.exists() {
            return Ok(());
        }
        let shown = shown();
        write_whole(&file, &shown.to_json()?)?;
        self.written().insert(file, shown);
        Ok(())
    }

    /// The report, as far as the run has come.
    ///
    /// # Errors
    /// A part cannot be read, naming it.
    pub fn report(&self) -> io::Result<Report> {
        let written = std::mem::take(&mut *self.written());
        self.parts.report_with(written)
    }

    fn written(&self) -> MutexGuard<'_, Services> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The parts of the whole run.
    #[must_use]
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Says that this process has ended; and whether no other one is running, so that
    /// it is for this one to write the report.
    pub fn end(&self) -> bool {
        if let Some(name) = self.file.file_name() {
            // Where that fails the process looks killed, and its cases are judged all the same.
            let _ = fs::rename(&self.file, self.parts.directory.join("ended").join(name));
        }
        !self.parts.is_running()
    }
}

fn criterion(criterion: &criteria::Criterion) -> data::Criterion {
    data::Criterion {
        id: criterion.id.to_owned(),
        asserts: criterion.asserts.to_owned(),
        why: criterion.why.to_owned(),
        remedy: criterion.remedy.to_owned(),
    }
}

fn unjudged(asked: SelectedCase) -> Case {
    let about = super::documentation::page_of(&asked.criterion);
    Case {
        criterion: asked.criterion,
        service: asked.service,
        outcome: Outcome::NotJudged,
        seconds: 0.0,
        summary: "it was selected, and the run ended before it was judged".to_owned(),
        text: String::new(),
        notes: Vec::new(),
        findings: Vec::new(),
        blocked_by: None,
        explanation: None,
        about,
        rerun: asked.rerun,
        commands: Vec::new(),
        manifest: asked.manifest,
    }
}

/// The JSON files of a directory, sorted.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = directory.read_dir().into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    files.sort();
    files
}

/// Reads a file of JSON; an error names it.
///
/// # Errors
/// It is not there, or is something else.
pub(super) fn read<T: DeserializeOwned>(file: &Path) -> io::Result<T> {
    read_as(file, |bytes| serde_json::from_slice(bytes))
}

fn read_as<T>(file: &Path, parse: impl Fn(&[u8]) -> serde_json::Result<T>) -> io::Result<T> {
    let named = |kind, cause: &dyn std::fmt::Display| {
        io::Error::new(kind, format!("{}: {cause}", file.display()))
    };
    let bytes = fs::read(file).map_err(|cause| named(cause.kind(), &cause))?;
    parse(&bytes).map_err(|cause| named(io::ErrorKind::InvalidData, &cause))
}

/// Reads files of JSON, on every core; in their order.
///
/// # Errors
/// As for one file.
fn read_all<T: Send>(
    files: &[PathBuf],
    parse: impl Fn(&[u8]) -> serde_json::Result<T> + Sync,
) -> io::Result<Vec<T>> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let read = || files.par_iter().map(|file| read_as(file, &parse)).collect();
    pool().map_err(io::Error::other)?.install(read)
}

/// Writes a file unless it is there; says whether it was written.
fn write_once(file: &Path, content: &impl Serialize) -> io::Result<bool> {
    let draft = file.with_extension(format!("{}-{:x}", std::process::id(), nanoseconds()));
    fs::write(&draft, serde_json::to_vec(content)?)?;
    let linked = fs::hard_link(&draft, file);
    fs::remove_file(&draft)?;
    match linked {
        Ok(()) => Ok(true),
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(cause) => Err(cause),
    }
}

/// This moment in UTC.
fn now() -> String {
    OffsetDateTime::now_utc()
        .format(&Rfc3339)
        .unwrap_or_default()
}

fn nanoseconds() -> i128 {
    OffsetDateTime::now_utc().unix_timestamp_nanos()
}

/// This machine's name.
fn host() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}
