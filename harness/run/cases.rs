//! The test cases, one per criterion and service, and their output in whole lines.
//!
//! The test runner prints a case's line in pieces, between which others may print. So it is
//! left what it alone knows (lists and its other formats), and the lines for people are
//! written here, each at once.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Instant;

use anstream::{AutoStream, ColorChoice};
use libtest_mimic::{Arguments as Runner, ColorSetting, FormatSetting, Trial};

use super::{FAILED, Run, case, schemas};
use crate::criteria::{self, Criterion};
use crate::report::terminal;

/// One case, as people call it.
struct NamedCase {
    name: String,
    service: String,
    criterion: &'static Criterion,
    file: PathBuf,
}

/// Runs the selected cases; the exit status is the test runner's.
pub(super) fn run(run: &'static Run) -> ExitCode {
    let arguments = &run.selection.arguments;
    let directory = run.manifest.services_directory();
    let mut cases: Vec<NamedCase> = Vec::new();
    for service in &run.selection.services {
        let file = directory.join(format!("{service}.toml"));
        cases.extend(criteria::ALL.iter().map(|criterion| NamedCase {
            name: super::name(criterion.id, service),
            service: service.clone(),
            criterion,
            file: file.clone(),
        }));
    }
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    let all = cases.len();
    if is_for_people(&arguments.runner) {
        cases.retain(|case| arguments.select(&case.name));
        let filtered_out = all - cases.len();
        let services: BTreeSet<&str> = cases.iter().map(|case| case.service.as_str()).collect();
        terminal::begin(services.len(), schemas::writes(arguments));
        return in_lines(&arguments.runner, cases, filtered_out);
    }
    if arguments.filters().count() > 1 {
        cases.retain(|case| arguments.select(&case.name));
    }
    let trials = cases
        .into_iter()
        .map(|one| Trial::test(one.name, move || case(one.criterion, &one.file)));
    libtest_mimic::run(&arguments.for_runner(), trials.collect()).exit_code()
}

/// Tells whether the cases are run, and told in the format that people read.
fn is_for_people(arguments: &Runner) -> bool {
    let is_pretty = matches!(arguments.format, None | Some(FormatSetting::Pretty));
    is_pretty
        && !arguments.list
        && !arguments.quiet
        && !arguments.ignored
        && !arguments.bench
        && arguments.logfile.is_none()
}

/// Runs the cases side by side. Every line is written at once.
fn in_lines(arguments: &Runner, cases: Vec<NamedCase>, filtered_out: usize) -> ExitCode {
    let began = Instant::now();
    let count = cases.len();
    let width = cases.iter().map(|case| case.name.chars().count()).max();
    let width = width.unwrap_or_default();
    let choice = color(arguments);
    let plural = if count == 1 { "" } else { "s" };
    print(choice, &format!("\nrunning {count} test{plural}\n"));
    let cores = thread::available_parallelism().map_or(1, Into::into);
    let threads = arguments.test_threads.unwrap_or(cores).min(count);
    let mut failed: Vec<(String, String)> = Vec::new();
    on_threads(threads, cases, |name, text| {
        let ended = if text.is_none() { OK } else { RED };
        print(choice, &format!("test {name:width$} ... {ended}\n"));
        failed.extend(text.map(|text| (name, text)));
    });
    terminal::end();
    print(choice, &failures(&failed));
    let ended = if failed.is_empty() { OK } else { RED };
    print(
        choice,
        &format!(
            "\ntest result: {ended}. {} passed; {} failed; 0 ignored; 0 measured; {filtered_out} filtered out; finished in {:.2}s\n\n",
            count - failed.len(),
            failed.len(),
            began.elapsed().as_secs_f64()
        ),
    );
    match failed.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(FAILED),
    }
}

fn color(arguments: &Runner) -> ColorChoice {
    match arguments.color {
        Some(ColorSetting::Always) => ColorChoice::Always,
        Some(ColorSetting::Never) => ColorChoice::Never,
        Some(ColorSetting::Auto) | None => AutoStream::choice(&io::stdout()),
    }
}

/// Judges the cases, and hands over the name of each as it has ended, with the text where it is
/// red.
fn on_threads(
    threads: usize,
    cases: Vec<NamedCase>,
    mut ended: impl FnMut(String, Option<String>),
) {
    let waiting = Mutex::new(cases.into_iter());
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..threads {
            let (sender, waiting) = (sender.clone(), &waiting);
            scope.spawn(move || {
                let next = || {
                    waiting
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .next()
                };
                while let Some(case) = next() {
                    terminal::case_begins(&case.service);
                    let text = judged(&case);
                    terminal::case_ended(&case.service, !case.criterion.needs.is_empty());
                    // Nobody listens any more only where all is over.
                    let _ = sender.send((case.name, text));
                }
            });
        }
        drop(sender);
        for (name, text) in receiver {
            ended(name, text);
        }
    });
}

const OK: &str = "\x1b[32mok\x1b[0m";
const RED: &str = "\x1b[31mFAILED\x1b[0m";

/// The text of a red case; none of a green one.
fn judged(named: &NamedCase) -> Option<String> {
    match catch_unwind(AssertUnwindSafe(|| case(named.criterion, &named.file))) {
        Ok(Ok(())) => None,
        Ok(Err(failed)) => Some(failed.message().unwrap_or_default().to_owned()),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            let text = text.map_or(String::new(), |text| format!(": {text}"));
            Some(format!("test panicked{text}"))
        }
    }
}

/// The texts of the red cases, and their names.
fn failures(failed: &[(String, String)]) -> String {
    if failed.is_empty() {
        return String::new();
    }
    let texts = failed
        .iter()
        .map(|(name, text)| format!("---- {name} ----\n{text}\n\n"));
    let texts: String = texts.collect();
    let names: String = failed
        .iter()
        .map(|(name, _)| format!("    {name}\n"))
        .collect();
    format!("\nfailures:\n\n{texts}\nfailures:\n{names}")
}

/// Writes a text at once.
fn print(choice: ColorChoice, text: &str) {
    let mut bytes = AutoStream::new(Vec::new(), choice);
    // A vector takes everything; where nobody reads the output any more, nothing is lost.
    let _ = bytes.write_all(text.as_bytes());
    terminal::write_out(&bytes.into_inner());
}
