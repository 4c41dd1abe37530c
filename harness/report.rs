//! The only place that lays out text: progress, findings, the page, and where files go.

pub mod annotations;
mod changes;
#[cfg(feature = "program")]
pub mod command;
mod diagnostics;
mod diff;
#[cfg(feature = "program")]
pub mod discovery;
pub mod documentation;
#[cfg(feature = "program")]
pub mod explain;
pub mod fixes;
pub mod join;
pub mod outputs;
mod page_data;
pub mod parts;
pub mod record;
pub mod terminal;

pub use migration_page as page;
pub use migration_page::data;

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use annotate_snippets::Renderer;
use once_cell::sync::Lazy;

use crate::criteria::{
    self, Blocker, Criterion, Finding, Help, Verdict, published_revisions, single_head,
};
use crate::error::{HarnessError, Result};
use crate::evidence::{Evidence, Part};
use crate::gather::progress::Progress;
use crate::invocation::{Invocation, PROGRAM_NAME};
use crate::manifest::{BASE_REF, DIRECTORY_VARIABLE, Service};
use crate::postgres::kept::quoted;
use crate::postgres::{Kept, Phase};

/// One criterion on one service, as people call it.
#[derive(Debug, Clone)]
pub struct Case {
    /// The criterion.
    pub criterion: &'static Criterion,
    /// The service's name.
    pub service: String,
    /// The servers that were left running for a look at them.
    pub kept: Vec<Kept>,
    /// The file with everything that Python printed, where something failed.
    pub printed: Option<PathBuf>,
    /// The command that looks for a fix, where its criterion proposes one.
    pub fix: Option<String>,
    /// The findings that block it, where the case that reports them is not part of the run.
    pub explanation: Option<Explanation>,
}

/// The report of a criterion that is not judged itself.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The criterion.
    pub criterion: &'static Criterion,
    /// Its findings.
    pub findings: Vec<Finding>,
    /// Tells whether the manifest says that the criterion does not apply.
    pub declared: bool,
}

impl Explanation {
    /// The findings of the criterion that blocks a verdict, unless its own case prints them.
    #[must_use]
    pub fn find(
        verdict: &Result<Verdict>,
        service: &Service,
        evidence: &Evidence,
        is_printed: impl FnOnce(&str) -> bool,
    ) -> Option<Self> {
        let Ok(Verdict::Blocked { by, .. }) = verdict else {
            return None;
        };
        let Blocker::Criterion(id) = by else {
            return None;
        };
        let criterion = criteria::ALL.iter().find(|one| one.id == *id)?;
        let declared = criterion.declared(service).is_some();
        if !declared && is_printed(id) {
            return None;
        }
        match (criterion.judge)(service, evidence) {
            Verdict::Fail(findings) => Some(Self {
                criterion,
                findings,
                declared,
            }),
            _ => None,
        }
    }
}

impl Case {
    /// The case of `criterion` on the service that `file` describes.
    #[must_use]
    pub fn new(criterion: &'static Criterion, file: &Path) -> Self {
        let service = file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        Self {
            criterion,
            service,
            kept: Vec::new(),
            printed: None,
            explanation: None,
            fix: None,
        }
    }

    /// Its name, as the test runner has it.
    fn name(&self) -> String {
        format!("{}::{}.toml", self.criterion.id, self.service)
    }

    /// The case that would report what blocks this one, if it could be run.
    fn reporter(&self) -> Option<Self> {
        let explanation = self.explanation.as_ref()?;
        Some(Self {
            criterion: explanation.criterion,
            explanation: None,
            fix: None,
            ..self.clone()
        })
    }

    /// The servers that were left running, each with the command that opens it where it
    /// is of interest here.
    fn looks(&self) -> impl Iterator<Item = (&Kept, &str)> {
        let needs = self.criterion.needs;
        let phase = match needs.last() {
            Some(Part::Stairway) => Phase::UpAndDown,
            Some(Part::Models) => Phase::Models,
            Some(Part::Deployment) => Phase::Rows,
            Some(Part::Running) => Phase::Running,
            Some(Part::Migrated | Part::Stepped | Part::Locks) | None => Phase::UpgradeHead,
        };
        self.kept.iter().filter_map(move |kept| {
            let mut databases = kept.open.iter();
            let open = databases.find(|one| one.phase == phase);
            let open = open.or(kept.open.first())?;
            Some((kept, open.command.as_str()))
        })
    }

    /// The commands that the text of an error names for its reader to type.
    fn commands_of_error(&self, error: &HarnessError) -> Vec<String> {
        let own = error.commands.iter();
        self.all_commands(own.map(|command| diagnostics::local(command)).collect())
    }

    /// The commands that the text of the case, and of what blocks it, names for its reader
    /// to type.
    fn commands(&self, verdict: &Verdict) -> Vec<String> {
        match verdict {
            Verdict::Pass { .. } | Verdict::NotApplicable { .. } => Vec::new(),
            Verdict::Fail(findings) => self.all_commands(self.advised(findings)),
            Verdict::Blocked { .. } => self.all_commands(Vec::new()),
        }
    }

    /// Those of its text, of what blocks it and of a look at its servers, each once.
    fn all_commands(&self, own: Vec<String>) -> Vec<String> {
        let reporter = self.reporter().zip(self.explanation.as_ref());
        let explained = reporter.map(|(reporter, explanation)| {
            let rerun = (!explanation.declared).then(|| reporter.rerun());
            reporter
                .advised(&explanation.findings)
                .into_iter()
                .chain(rerun)
        });
        let looks = self.looks();
        let looks = looks.flat_map(|(kept, open)| [open.to_owned(), kept.remove.clone()]);
        let all = own
            .into_iter()
            .chain(looks)
            .chain([self.rerun()])
            .chain(explained.into_iter().flatten());
        all.collect::<BTreeSet<String>>().into_iter().collect()
    }

    /// The commands of an advice, as they stand in it, where paths are shortened.
    fn advised(&self, findings: &[Finding]) -> Vec<String> {
        let is_accept = |help: &Help| matches!(help, Help::Accept(_));
        let accepts = |finding: &Finding| finding.help.iter().any(is_accept);
        let accept = findings.iter().any(accepts).then(|| self.accept());
        let advised = findings.iter().flat_map(|finding| finding.commands.clone());
        let all = advised.chain(accept);
        all.map(|command| diagnostics::local(&command)).collect()
    }

    /// The command that accepts the present state of the service.
    #[must_use]
    pub fn accept(&self) -> String {
        let variable = "UPDATE_SCHEMAS=1";
        let command = Invocation::current().judge_with(variable, &self.filter(), &self.service);
        given(DIRECTORY_VARIABLE) + &command
    }

    /// The command that runs this case alone.
    #[must_use]
    pub fn rerun(&self) -> String {
        let asks_git = [single_head::CRITERION.id, published_revisions::CRITERION.id];
        let of_deployments = [Part::Deployment, Part::Running];
        let mut needs = self.criterion.needs.iter();
        let judges_a_deployment = needs.any(|part| of_deployments.contains(part));
        let base_ref = match asks_git.contains(&self.criterion.id) || judges_a_deployment {
            true => given(BASE_REF),
            false => String::new(),
        };
        let command = Invocation::current().judge(&self.filter());
        given(DIRECTORY_VARIABLE) + &base_ref + &command
    }

    /// The filter that selects it.
    fn filter(&self) -> String {
        format!("{}::{}", self.criterion.id, self.service)
    }
}

/// A variable as this run has it, to be typed in front of a command.
fn given(name: &str) -> String {
    let value = env::var(name).ok().filter(|value| !value.is_empty());
    value
        .map(|value| format!("{name}={} ", quoted(&value)))
        .unwrap_or_default()
}

/// The directory for the files of runs: `migration-harness` in cargo's target directory, if
/// this program lies in one, or else among what the user's programs keep.
#[must_use]
pub fn directory() -> PathBuf {
    let exe = env::current_exe().unwrap_or_default();
    let in_deps = exe.parent().is_some_and(|parent| parent.ends_with("deps"));
    let target = exe.ancestors().nth(if in_deps { 3 } else { 2 });
    // The caches of pipx and uv have such a tag too. With --target there is a directory in
    // between.
    let tagged = |dir: &Path| {
        fs::read_to_string(dir.join("CACHEDIR.TAG")).is_ok_and(|tag| tag.contains("cargo"))
    };
    let is_cargos = |dir: &&Path| in_deps || tagged(dir) || dir.parent().is_some_and(tagged);
    match target.filter(is_cargos) {
        Some(target) => target.join(PROGRAM_NAME),
        None => users_cache().unwrap_or_else(|| {
            // Every user has one of their own there.
            let uid = rustix::process::geteuid().as_raw();
            // What servers leave for a moment is in the same directory without the word.
            env::temp_dir().join(format!("{PROGRAM_NAME}-reports-{uid}"))
        }),
    }
}

/// `migration-harness` in the directory for what programs keep
/// (<https://specifications.freedesktop.org/basedir-spec/latest/>), unless it is another
/// user's, as after `sudo`.
fn users_cache() -> Option<PathBuf> {
    let named = |name: &str| env::var_os(name).map(PathBuf::from);
    let caches = match cfg!(target_os = "macos") {
        true => "Library/Caches",
        false => ".cache",
    };
    let uid = rustix::process::geteuid().as_raw();
    let is_ours = |dir: &PathBuf| {
        dir.is_absolute() && fs::metadata(dir).is_ok_and(|meta| meta.is_dir() && meta.uid() == uid)
    };
    let home = || named("HOME").filter(is_ours).map(|home| home.join(caches));
    let caches = named("XDG_CACHE_HOME").filter(is_ours).or_else(home)?;
    Some(caches.join(PROGRAM_NAME))
}

/// A path as short as it can be read: relative to where the command was run.
fn shown(file: &Path) -> String {
    let here = env::current_dir().unwrap_or_default();
    let plain = !file.components().any(|part| part == Component::ParentDir);
    let inside = match file.strip_prefix(&here) {
        Ok(inside) if plain => inside.to_owned(),
        // `..` goes only where the file system agrees.
        _ => {
            let whole = file.canonicalize().unwrap_or_else(|_| file.to_owned());
            let inside = whole.strip_prefix(&here).or(file.strip_prefix(&here));
            inside.unwrap_or(file).to_owned()
        }
    };
    match inside.as_os_str().is_empty() {
        true => ".".to_owned(),
        false => inside.display().to_string(),
    }
}

/// Prints what a green case has to say.
pub fn green(case: &Case, verdict: &Verdict) {
    match verdict {
        Verdict::Pass { notes } => notes
            .iter()
            .for_each(|note| terminal::routine(&case.service, note)),
        Verdict::NotApplicable {
            reason,
            of_run: true,
        } => {
            static SAID: Lazy<Mutex<BTreeSet<&str>>> = Lazy::new(Mutex::default);
            let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
            if said.insert(case.criterion.id) {
                terminal::print(&format!(
                    "{} applies to no service: {reason}",
                    case.criterion.id
                ));
            }
        }
        Verdict::NotApplicable { reason, .. } => {
            terminal::waived(&case.service, case.criterion.id, reason);
        }
        Verdict::Fail(_) | Verdict::Blocked { .. } => {}
    }
}

/// The report of a case about a criterion that is not judged in this run.
struct PrintedExplanation {
    service: String,
    criterion: &'static str,
    case: String,
}

/// The text of a red verdict. What blocks several cases of a service is said once.
#[must_use]
pub fn red(case: &Case, verdict: &Verdict) -> String {
    static SAID: Lazy<Mutex<Vec<PrintedExplanation>>> = Lazy::new(Mutex::default);
    let text = diagnostics::verdict(case, verdict, &renderer());
    let Some(explanation) = diagnostics::explanation(case, &renderer()) else {
        return text;
    };
    let by = case.explanation.as_ref().map_or("", |one| one.criterion.id);
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    let before = said
        .iter()
        .find(|one| one.service == case.service && one.criterion == by);
    if let Some(before) = before {
        return diagnostics::explained_before(text, &before.case);
    }
    said.push(PrintedExplanation {
        service: case.service.clone(),
        criterion: by,
        case: case.name(),
    });
    format!("{text}\n\n{explanation}")
}

/// The same without colour, whoever reads it.
fn plain(case: &Case, verdict: &Verdict) -> String {
    diagnostics::verdict(case, verdict, &Renderer::plain())
}

/// The findings that block a case, as data with their text.
fn plain_explanation(case: &Case) -> Option<data::Explanation> {
    let explanation = case.explanation.as_ref()?;
    let reporter = case.reporter()?;
    Some(data::Explanation {
        findings: page_data::findings(&explanation.findings, &case.accept()),
        text: diagnostics::explanation(case, &Renderer::plain())?,
        rerun: (!explanation.declared).then(|| reporter.rerun()),
    })
}

fn plain_error(error: &HarnessError, case: &Case) -> String {
    diagnostics::error(error, Some(case), &Renderer::plain())
}

/// The text of an error: no verdict, and never taken for one.
#[must_use]
pub fn error(error: &HarnessError, case: Option<&Case>) -> String {
    diagnostics::error(error, case, &renderer())
}

/// The text of an error of a case; one line where another case of this process has said it.
#[must_use]
pub fn case_error(error: &HarnessError, case: &Case) -> String {
    static SAID: Lazy<Mutex<Vec<(HarnessError, String)>>> = Lazy::new(Mutex::default);
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    let before = said.iter().find(|(other, _)| other == error);
    let Some((_, before)) = before else {
        said.push((error.clone(), case.name()));
        return self::error(error, Some(case));
    };
    diagnostics::repeated(error, before, case, &renderer())
}

/// Prints a red case that ends the run.
pub fn fail_fast(case: &Case, text: &str) {
    println!(
        "test {} ... FAILED\n\n{text}\n\n\
         FAIL_FAST: stopped at the first red case; what had not ended by then was not judged",
        case.name()
    );
}

/// Prints a remark about a service.
pub fn note(service: &str, text: &str) {
    terminal::print(&format!("{service}: {text}"));
}

/// Prints a line of progress.
pub fn progress(service: &str, progress: &Progress) {
    let line = line(progress);
    match progress {
        Progress::Detail(_) if !terminal::is_debugging() => {}
        Progress::Waiting { .. } | Progress::Provider(_) => {
            terminal::print(&format!("{service}: {line}"));
        }
        _ => terminal::routine(service, &line),
    }
}

fn line(progress: &Progress) -> String {
    match progress {
        Progress::Provider(note) => format!("PostgreSQL from {note}"),
        Progress::Server {
            version,
            provider,
            after,
            took,
        } => {
            let after = after.as_deref().map(|service| format!(", after {service}"));
            format!(
                "PostgreSQL {version} ready ({provider}{}, {:.1} s)",
                after.unwrap_or_default(),
                took.as_secs_f64()
            )
        }
        Progress::Interpreter {
            versions, seconds, ..
        } => format!("{versions} ready ({seconds:.1} s)"),
        Progress::Ran {
            command,
            revisions: 0,
            seconds,
            ok: true,
        } => format!("{command}: nothing to run ({seconds:.1} s)"),
        Progress::Ran {
            command,
            revisions,
            seconds,
            ok,
        } => {
            let plural = if *revisions == 1 { "" } else { "s" };
            let failed = if *ok { "" } else { ", then it failed" };
            format!("{command}: {revisions} revision{plural} in {seconds:.1} s{failed}")
        }
        Progress::Waiting {
            command,
            revision,
            after,
        } => {
            let at = revision
                .as_ref()
                .map(|revision| format!(" in revision {revision}"))
                .unwrap_or_default();
            format!("{command}: still running{at} after {} s", after.as_secs())
        }
        Progress::Note(text) | Progress::Detail(text) => text.clone(),
    }
}

/// Colour on a terminal, none in a pipe; `NO_COLOR` (<https://no-color.org>) and
/// `CLICOLOR_FORCE` (<https://bixense.com/clicolors/>) are honoured, and so is
/// `FORCE_COLOR`, which Python's tools know.
fn renderer() -> Renderer {
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    let choice = anstream::AutoStream::choice(&std::io::stdout());
    let forced = set("FORCE_COLOR") && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    if choice == anstream::ColorChoice::Never && !forced {
        Renderer::plain()
    } else {
        Renderer::styled()
    }
}
