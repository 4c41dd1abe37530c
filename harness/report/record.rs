//! Keeps what a run says for its report, and writes the report: [`Record`].
//!
//! No verdict depends on it: what cannot be written is said once, in one line.

use std::collections::BTreeSet;
use std::env;
use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use migration_revisions::pool;

use super::annotations::{self, in_repository};
use super::data::{self, Report};
use super::outputs::{self, Output};
use super::parts::{Parts, Process, SelectedCase};
use super::terminal::print;
use super::{Case, page, page_data};
use crate::criteria::Verdict;
use crate::error::HarnessError;
use crate::evidence::Evidence;
use crate::files::write_whole;
use crate::gather::progress::Progress;
use crate::manifest::Service;

/// Names another directory for `index.html` and `report.json`.
const DIRECTORY: &str = "REPORT_DIR";

/// The record of this process.
pub struct Record {
    directory: PathBuf,
    /// The directory of the services' files, from the root of their git repository if possible.
    manifest: String,
    outputs: Vec<Output>,
    process: Process,
    complained: AtomicBool,
}

/// One case that has ended.
pub struct EndedCase<'a> {
    /// The case.
    pub case: &'a Case,
    /// The outcome.
    pub verdict: &'a Result<Verdict, HarnessError>,
    /// The service and the evidence that it was judged on, where it came to that.
    pub judged: Option<(&'a Service, &'a Evidence)>,
    /// The progress meanwhile.
    pub progress: &'a [Progress],
    /// The time that it took.
    pub seconds: f64,
}

/// The directory of the report, if the files of runs are in `base`.
#[must_use]
pub fn directory(base: &Path) -> PathBuf {
    match env::var_os(DIRECTORY).filter(|value| !value.is_empty()) {
        Some(named) => PathBuf::from(named),
        None => base.join("report"),
    }
}

impl Record {
    /// Says which cases this process was asked for, in the run whose files are in `run`;
    /// `services` are all of the manifest, whose files are in `manifest`.
    ///
    /// The first process of a run writes a report in which nothing is judged yet: a run
    /// that is killed leaves that one, and not the one of an earlier run.
    #[must_use]
    pub fn begin(
        run: &Path,
        manifest: &Path,
        services: &BTreeSet<String>,
        cases: &[Case],
        outputs: &[Output],
    ) -> Option<Self> {
        let manifest = in_repository(manifest).unwrap_or_else(|| super::shown(manifest));
        let asked: Vec<SelectedCase> = cases
            .iter()
            .map(|case| SelectedCase {
                criterion: case.criterion.id.to_owned(),
                service: case.service.clone(),
                rerun: case.rerun(),
                manifest: file_of(&manifest, &case.service),
            })
            .collect();
        let directory = directory(run.ancestors().nth(2).unwrap_or(run));
        let record = match Parts::new(run).begin(services, &asked, &directory) {
            Ok(process) => Self {
                directory,
                manifest,
                outputs: outputs.to_vec(),
                process,
                complained: AtomicBool::new(false),
            },
            Err(cause) => {
                print(&format!("report: none will be written: {cause}"));
                return None;
            }
        };
        if record.process.is_first {
            let written = record.write();
            // Anything that cannot be written is said at the end, where more is to be written.
            record.warn_once(written.map(|report| drop(outputs::write(&report, &record.outputs))));
        }
        Some(record)
    }

    /// Keeps a case that has ended.
    pub fn keep(&self, ended: &EndedCase<'_>) {
        let manifest = file_of(&self.manifest, &ended.case.service);
        self.warn_once(self.process.case(&case(ended, manifest)));
        if let Some((service, evidence)) = ended.judged {
            for fact in page_data::facts(evidence) {
                let shown = || page_data::fact(fact, service, evidence);
                self.warn_once(self.process.service(&service.name, &fact.name(), shown));
            }
        }
        let name = &ended.case.service;
        let started = page_data::started(name, ended.progress);
        if started.server.is_some() || started.interpreter.is_some() {
            self.warn_once(self.process.service(name, "started", || started));
        }
    }

    /// Keeps what was proved about the fixes of a service.
    #[cfg(feature = "program")]
    pub fn keep_fixes(&self, fixed: &super::fixes::ServiceFixes) {
        let name = &fixed.service;
        let shown = || data::Service {
            name: name.clone(),
            fixes: Some(page_data::fixes(fixed)),
            ..data::Service::default()
        };
        self.warn_once(self.process.service(name, "fixes", shown));
    }

    /// Writes the report, unless another process of the same run is still at work, and
    /// then the annotations; says where it is.
    ///
    /// # Errors
    /// An output that was asked for cannot be written.
    pub fn end(&self) -> io::Result<()> {
        self.ended(true)
    }

    /// The same without annotations, which a run of the cases writes.
    ///
    /// # Errors
    /// An output that was asked for cannot be written.
    pub fn end_beside_another(&self) -> io::Result<()> {
        self.ended(false)
    }

    fn ended(&self, is_annotated: bool) -> io::Result<()> {
        if !self.process.end() {
            return Ok(());
        }
        match self.write() {
            Ok(report) => {
                if env::var_os("NEXTEST").is_none() {
                    if is_annotated {
                        annotate(&report, self.process.parts());
                        self.warn_once(summarize(&report, self.process.parts()));
                    }
                    print(&format!(
                        "report: {}",
                        super::shown(&self.directory.join("index.html"))
                    ));
                }
                outputs::write(&report, &self.outputs)
            }
            Err(cause) if self.outputs.is_empty() => {
                self.warn_once(Err(cause));
                Ok(())
            }
            Err(cause) => Err(cause),
        }
    }

    fn write(&self) -> io::Result<Report> {
        write(&self.directory, || self.process.report())
    }

    fn warn_once(&self, written: io::Result<()>) {
        if let Err(cause) = written
            && !self.complained.swap(true, Ordering::Relaxed)
        {
            print(&format!("report: it is not complete: {cause}"));
        }
    }
}

/// Prints the annotations, once per run, where somebody reads them.
pub fn annotate(report: &Report, parts: &Parts) {
    if annotations::are_wanted() && parts.first_time("annotated") {
        for line in annotations::github(report) {
            println!("{line}");
        }
    }
}

/// Adds the report to the summary of GitHub's step, once per run.
///
/// # Errors
/// The file cannot be written.
pub fn summarize(report: &Report, parts: &Parts) -> io::Result<()> {
    match parts.first_time("summarized") {
        true => outputs::summarize(report),
        false => Ok(()),
    }
}

/// Writes the report of a run, as far as it has come.
///
/// # Errors
/// A part cannot be read, or the directory cannot be written.
pub fn write(directory: &Path, report: impl FnOnce() -> io::Result<Report>) -> io::Result<Report> {
    let lock = locked(directory)?;
    let report = report()?;
    write_report(directory, &report)?;
    drop(lock);
    Ok(report)
}

/// Writes both files of a report.
///
/// # Errors
/// The directory cannot be written.
pub fn write_report(directory: &Path, report: &Report) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let page = || write_whole(&directory.join("index.html"), page::html(report).as_bytes());
    let json = || write_whole(&directory.join("report.json"), &report.to_json()?);
    let both = || match report.has_seen_anything() {
        true => pool().map(|pool| pool.install(|| rayon::join(page, json))),
        // The first page of a run: the threads have other things to do.
        false => Ok((page(), json())),
    };
    // A service may say what nobody has thought of; no verdict is lost with the page.
    let written = catch_unwind(AssertUnwindSafe(both));
    let written = written.map_err(|_| io::Error::other("the page cannot be laid out"))?;
    let (page, json) = written.map_err(io::Error::other)?;
    page.and(json)
}

/// One writer at a time, so that both files tell of the same moment.
fn locked(directory: &Path) -> io::Result<File> {
    fs::create_dir_all(directory)?;
    let lock = File::create(directory.join(".lock"))?;
    lock.lock()?;
    Ok(lock)
}

fn case(ended: &EndedCase<'_>, manifest: String) -> data::Case {
    let case = ended.case;
    let bare = data::Case {
        criterion: case.criterion.id.to_owned(),
        service: case.service.clone(),
        outcome: data::Outcome::NotJudged,
        seconds: ended.seconds,
        summary: String::new(),
        text: String::new(),
        notes: Vec::new(),
        findings: Vec::new(),
        blocked_by: None,
        explanation: None,
        about: super::documentation::page_of(case.criterion.id),
        rerun: case.rerun(),
        commands: Vec::new(),
        manifest,
    };
    match ended.verdict {
        Ok(verdict) => data::Case {
            text: super::plain(case, verdict),
            explanation: super::plain_explanation(case),
            commands: case.commands(verdict),
            ..page_data::verdict(verdict, &case.accept(), bare)
        },
        Err(error) => data::Case {
            text: super::plain_error(error, case),
            commands: case.commands_of_error(error),
            ..page_data::error(error, bare)
        },
    }
}

/// The file of a service in the directory of the services.
fn file_of(directory: &str, service: &str) -> String {
    format!("{directory}/{service}.toml")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::criteria;
    use crate::error::Stage;

    #[test]
    fn what_an_error_says_to_type_is_among_the_commands_of_its_case() {
        let here = env::current_dir().unwrap();
        let file = here.join("services-manifest/services/orders.toml");
        let command = format!(
            "git config --global --add safe.directory {}/a",
            here.display()
        );
        let error = HarnessError::new(Stage::Git, format!("{}: not read", file.display()))
            .help(format!("`{command}`"))
            .command(command);
        let verdict = Err(error);
        let ended = EndedCase {
            case: &Case::new(&criteria::ALL[0], &file),
            verdict: &verdict,
            judged: None,
            progress: &[],
            seconds: 0.0,
        };
        let case = case(&ended, String::new());
        let command = "git config --global --add safe.directory a";
        assert!(
            case.commands.iter().any(|one| one == command),
            "{:?}",
            case.commands
        );
        assert!(case.commands.contains(&case.rerun));
        assert!(case.text.contains(command), "{}", case.text);
        let said = "git: services-manifest/services/orders.toml: not read";
        assert_eq!(case.summary, said);
        assert_eq!(case.findings[0].title, said);
    }
}
