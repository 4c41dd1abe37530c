//! One run of the test binary, and the case of one criterion on one service.

mod accept;
mod arguments;
mod base;
mod cases;
pub mod deployed;
#[cfg(feature = "program")]
pub mod fix;
mod schemas;
mod selection;

use std::collections::HashMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use libtest_mimic::Failed;
use once_cell::sync::{Lazy, OnceCell};
use tokio::runtime::Runtime;

use crate::criteria::fixes;
use crate::criteria::proposal::PublishedIds;
use crate::criteria::{self, Criterion, Verdict};
use crate::error::{HarnessError, Result, Stage};
use crate::evidence::{Evidence, Part};
use crate::gather::progress::Progress;
use crate::gather::store::{FailsSoFar, Store};
use crate::manifest::{Manifest, Service};
use crate::report::record::{EndedCase, Record};
use crate::report::{self, Case, Explanation};
use arguments::Arguments;
use selection::Selection;

/// Set to anything but `0`: the first red case ends the run.
const FAIL_FAST: &str = "FAIL_FAST";
/// Set to anything but `0`: the server of a red service is left running.
const KEEP_SERVER: &str = "KEEP_SERVER";
/// The exit status of `cargo test` when a test fails.
const FAILED: u8 = 101;

/// The bytes of stack for judging a case.
const STACK: usize = 16 << 20;

/// The state that all cases of this process share.
struct Run {
    manifest: Manifest,
    selection: Selection,
    /// Those whose file was read, by that file.
    services: Mutex<HashMap<PathBuf, Result<Service>>>,
    store: OnceCell<Store>,
    record: OnceCell<Option<Record>>,
    runtime: OnceCell<Runtime>,
}

static RUN: Lazy<Result<Run>> = Lazy::new(|| {
    let manifest = Manifest::locate()?;
    let selection = Selection::read(manifest.service_names()?)?;
    Ok(Run {
        manifest,
        selection,
        services: Mutex::default(),
        store: OnceCell::new(),
        record: OnceCell::new(),
        runtime: OnceCell::new(),
    })
});

fn run() -> Result<&'static Run> {
    RUN.as_ref().map_err(Clone::clone)
}

impl Run {
    /// The evidence of this run.
    fn store(&self) -> Result<&Store> {
        let red = set(KEEP_SERVER).then_some(is_red as FailsSoFar);
        self.store.get_or_try_init(|| {
            let services = self.selection.gathered();
            let cores = self.selection.cores();
            let load = |file: &Path| run()?.service(file);
            Ok(Store::for_this_run(&report::directory(), services, load, cores)?.keeping(red))
        })
    }

    /// The runtime that drives servers and interpreters.
    fn runtime(&self) -> Result<&Runtime> {
        self.runtime.get_or_try_init(threads)
    }

    /// The service of a file, which is read once.
    fn service(&self, file: &Path) -> Result<Service> {
        let services = || self.services.lock().unwrap_or_else(PoisonError::into_inner);
        let known = services().get(file).cloned();
        known.unwrap_or_else(|| {
            let read = self.manifest.service(file, &criteria::ids());
            services().insert(file.to_owned(), read.clone());
            read
        })
    }

    /// Begins to read the histories of the services that are to be judged.
    fn read_ahead(&'static self) {
        if let (false, Ok(store)) = (self.selection.arguments.runner.list, self.store()) {
            let directory = self.manifest.services_directory();
            let judged = self.selection.judged(|_| true).into_iter();
            let files = judged.map(|name| directory.join(name + ".toml"));
            store.read_ahead(files, |file| self.service(file));
        }
    }

    /// The record for the report; `None` where the cases are only listed.
    fn record(&self) -> Option<&Record> {
        let begin = || {
            let store = self.store().ok()?;
            let services = self.manifest.services_directory();
            Record::begin(
                store.directory(),
                &services,
                &self.selection.all,
                &self.selection.cases(),
                &self.selection.arguments.output,
            )
        };
        let listed = self.selection.arguments.runner.list;
        self.record
            .get_or_init(|| if listed { None } else { begin() })
            .as_ref()
    }

    /// Every case has ended, or nobody waits for the others.
    ///
    /// # Errors
    /// Naming what could not be removed.
    fn end(&self) -> Result<()> {
        let begun = self.store.get().zip(self.runtime.get());
        let ended = begun.map(|(store, runtime)| store.end(runtime));
        let told = self.record().map_or(Ok(()), Record::end);
        ended.unwrap_or(Ok(()))?;
        told.map_err(|cause| HarnessError::new(Stage::Evidence, cause.to_string()))
    }
}

/// A runtime of few threads.
fn threads() -> Result<Runtime> {
    let mut threads = tokio::runtime::Builder::new_multi_thread();
    let runtime = threads.worker_threads(2).enable_all().build();
    runtime.map_err(|cause| {
        let problem = format!("no threads can be started: {cause}");
        HarnessError::new(Stage::Evidence, problem)
    })
}

/// The `main` of the test binary and of `migration-harness verify`.
///
/// A selection that matches nothing is an error, which the runner alone would pass.
#[must_use]
pub fn main() -> ExitCode {
    let ended = run().and_then(|run| {
        schemas::permitted(&run.selection.arguments)?;
        run.read_ahead();
        run.record();
        let code = cases::run(run);
        run.end().map(|()| code)
    });
    ended.unwrap_or_else(|error| {
        eprintln!("{}", report::error(&error, None));
        ExitCode::from(FAILED)
    })
}

/// The name of a case, as the test runner has it.
fn name(criterion: &str, service: &str) -> String {
    format!("{criterion}::{service}.toml")
}

/// Judges one criterion on the service of one file, in a thread of its own: what an unoptimised
/// build keeps on the stack while it drives a session is near to what the runner's threads have.
///
/// # Errors
/// The text of everything that is red.
fn case(criterion: &'static Criterion, file: &Path) -> Result<(), Failed> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        let judged = thread.spawn_scoped(scope, || judged(criterion, file));
        let judged = judged.map_err(|cause| format!("no thread can be started: {cause}"))?;
        judged
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn judged(criterion: &'static Criterion, file: &Path) -> Result<(), Failed> {
    let mut case = Case::new(criterion, file);
    let began = Instant::now();
    let Judgement {
        verdict,
        judged,
        progress,
    } = Judgement::new(criterion, file, &case);
    case.kept = run()
        .and_then(Run::store)
        .map(|store| store.kept(file))
        .unwrap_or_default();
    case.printed = printed(&verdict, judged.as_ref(), &case);
    case.explanation = explanation(&verdict, judged.as_ref(), &case);
    let seen = judged
        .as_ref()
        .map(|(service, evidence)| (service, evidence));
    case.fix = fixable(&verdict, seen, criterion);
    if let Some(record) = run().ok().and_then(Run::record) {
        record.keep(&EndedCase {
            case: &case,
            verdict: &verdict,
            judged: seen,
            progress: &progress,
            seconds: began.elapsed().as_secs_f64(),
        });
    }
    let red = match verdict {
        Ok(verdict) if !verdict.is_red() => {
            report::green(&case, &verdict);
            return Ok(());
        }
        Ok(verdict) => report::red(&case, &verdict),
        Err(error) => report::case_error(&error, &case),
    };
    report::terminal::tell_all(&case.service);
    if ends_the_run() {
        report::fail_fast(&case, &red);
        if let Err(error) = run().and_then(Run::end) {
            eprintln!("{}", report::error(&error, None));
        }
        std::process::exit(i32::from(FAILED));
    }
    Err(red.into())
}

/// The result of judging one case.
struct Judgement {
    verdict: Result<Verdict>,
    /// The service and the evidence that it was judged on, where it came to that.
    judged: Option<(Service, Evidence)>,
    /// The progress meanwhile.
    progress: Vec<Progress>,
}

impl Judgement {
    fn new(criterion: &'static Criterion, file: &Path, case: &Case) -> Self {
        let told: Mutex<Vec<Progress>> = Mutex::default();
        let judged = judge(criterion, file, case, &told);
        let (verdict, judged) = match judged {
            Ok((verdict, judged)) => (Ok(verdict), judged),
            Err(error) => (Err(error), None),
        };
        Self {
            verdict,
            judged,
            progress: told.into_inner().unwrap_or_else(PoisonError::into_inner),
        }
    }
}

/// The verdict, and what it was judged on; what was said is added to `told`.
fn judge(
    criterion: &'static Criterion,
    file: &Path,
    case: &Case,
    told: &Mutex<Vec<Progress>>,
) -> Result<(Verdict, Option<(Service, Evidence)>)> {
    let run = run()?;
    let service = run.service(file)?;
    if let Some(waived) = criterion.waived(&service) {
        return Ok((waived, None));
    }
    let say = |progress: Progress| {
        report::progress(&case.service, &progress);
        told.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(progress);
    };
    let wanted = run.selection.parts(&service);
    let mut evidence =
        run.store()?
            .evidence(&service, criterion.needs, &wanted, run.runtime()?, &say)?;
    base::compare(criterion, &service, &mut evidence)?;
    let wanted = &run.selection.arguments;
    schemas::accept(criterion, &service, &mut evidence, wanted, &say)?;
    schemas::left_over(criterion, &evidence, &say);
    let verdict = criterion.verdict(&service, &evidence);
    let base = || accept::judge_base(criterion, &service, run.runtime()?, run.selection.cores());
    accept::findings(&service, &verdict, wanted, base, &say)?;
    Ok((verdict, Some((service, evidence))))
}

/// The findings that block a case, where no other case of this run surely prints them: its
/// criterion was not selected, does not apply to the service, or is not come to any more.
fn explanation(
    verdict: &Result<Verdict>,
    judged: Option<&(Service, Evidence)>,
    case: &Case,
) -> Option<Explanation> {
    let (service, evidence) = judged?;
    let run = run().ok()?;
    let is_printed = |id: &str| !ends_the_run() && run.selection.surely_judges(id, case);
    Explanation::find(verdict, service, evidence, is_printed)
}

/// The command that looks for a fix, where the criterion proposes one; it is not proved here.
fn fixable(
    verdict: &Result<Verdict>,
    judged: Option<(&Service, &Evidence)>,
    criterion: &Criterion,
) -> Option<String> {
    let (Ok(Verdict::Fail(_)), Some((service, evidence))) = (verdict, judged) else {
        return None;
    };
    let published = PublishedIds::new(service, evidence, evidence.merge.as_ref());
    let all = fixes::proposed(service, evidence, &published).into_iter();
    let mut own = all.filter(|proposal| proposal.criterion() == Some(criterion.id));
    own.any(|proposal| !proposal.fixes().is_empty())
        .then(|| report::fixes::command(&service.name, &[]))
}

/// Tells whether a red case ends the run; other runners than cargo's see to that themselves.
fn ends_the_run() -> bool {
    set(FAIL_FAST) && env::var_os("NEXTEST").is_none()
}

/// The file with everything that the service's Python printed, where that may explain
/// something: a command of the evidence failed, or the harness did.
fn printed(
    verdict: &Result<Verdict>,
    judged: Option<&(Service, Evidence)>,
    case: &Case,
) -> Option<PathBuf> {
    match verdict {
        // Anything that ran for other criteria explains nothing.
        Ok(Verdict::Fail(_)) if case.criterion.needs.is_empty() => None,
        Ok(Verdict::Fail(_)) => {
            let (_, evidence) = judged?;
            let failed = evidence
                .transcripts()
                .into_iter()
                .find(|one| !one.finished());
            failed.map(|failed| failed.output.clone())
        }
        Ok(_) => None,
        Err(_) => {
            let run = run().and_then(Run::store).ok()?;
            Some(run.directory().join(&case.service).join("output.txt"))
        }
    }
    .filter(|file| file.metadata().is_ok_and(|file| file.len() > 0))
}

/// Tells whether a criterion that was asked for is red, of those that need nothing else than
/// `held` and not nothing at all.
fn is_red(service: &Service, evidence: &Evidence, held: &[Part]) -> bool {
    let asked = |criterion: &&Criterion| {
        let told = criterion.needs.iter().all(|part| held.contains(part));
        let needs = !criterion.needs.is_empty();
        needs && told && run().is_ok_and(|run| run.selection.judges(criterion.id, &service.name))
    };
    let mut asked = criteria::ALL.iter().filter(asked);
    asked.any(|criterion| criterion.verdict(service, evidence).is_red())
}

fn set(variable: &str) -> bool {
    env::var(variable).is_ok_and(|value| !value.is_empty() && value != "0")
}
