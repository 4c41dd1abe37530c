//! The output of a run while it goes on: whole lines, and under a terminal one line of progress.
//!
//! Where many services are judged, what is routine about a service is kept back, and printed
//! with its first red case. The report has it all.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fmt;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// So many services are told of in full.
const FEW: usize = 8;
/// Set to `debug`: says how things were done, too.
const LOG: &str = "HARNESS_LOG";

/// One run's output.
struct Terminal {
    /// The line of progress; hidden where standard error is no terminal.
    bar: ProgressBar,
    /// Tells whether routine lines are kept back.
    is_brief: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The services that are judged at the moment, each with the number of its cases.
    running: BTreeMap<String, usize>,
    /// Those of which a case ended that rests on evidence.
    done: BTreeSet<String>,
    /// The lines that were kept back.
    kept: BTreeMap<String, Vec<String>>,
    /// The number of services to which a criterion does not apply, of which nothing was said.
    waived: BTreeMap<&'static str, usize>,
}

static TERMINAL: OnceLock<Terminal> = OnceLock::new();

/// Begins the output of a run over some services; `in_full` where every line is wanted.
pub fn begin(services: usize, in_full: bool) {
    let target = ProgressDrawTarget::stderr();
    let bar = ProgressBar::with_draw_target(Some(services as u64), target);
    let style = "{pos} of {len} services in {elapsed}{left}: {wide_msg}";
    // The template is one of ours.
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style.with_key("left", left));
    }
    if !bar.is_hidden() {
        bar.enable_steady_tick(Duration::from_secs(1));
    }
    let is_brief = services > FEW && !in_full && !is_debugging();
    let state = Mutex::default();
    // A process has one run.
    let _ = TERMINAL.set(Terminal {
        bar,
        is_brief,
        state,
    });
}

/// Writes the time that it may still take, once anything tells.
fn left(state: &ProgressState, text: &mut dyn fmt::Write) {
    if state.pos() > 0 {
        // The text takes everything.
        let _ = write!(text, ", about {} left", HumanDuration(state.eta()));
    }
}

/// Tells whether the details of how things were done are wanted.
pub fn is_debugging() -> bool {
    env::var(LOG).is_ok_and(|level| level == "debug")
}

/// A case of a service begins.
pub fn case_begins(service: &str) {
    if let Some(terminal) = TERMINAL.get() {
        let mut state = terminal.state();
        *state.running.entry(service.to_owned()).or_default() += 1;
        terminal.show(&state);
    }
}

/// A case of a service ended; `is_gathered` where it rested on what a session gathers.
pub fn case_ended(service: &str, is_gathered: bool) {
    if let Some(terminal) = TERMINAL.get() {
        let mut state = terminal.state();
        if let Some(cases) = state.running.get_mut(service) {
            *cases -= 1;
        }
        state.running.retain(|_, cases| *cases > 0);
        if is_gathered && state.done.insert(service.to_owned()) {
            terminal.bar.inc(1);
        }
        terminal.show(&state);
    }
}

/// A line on a service that is worth reading only where it is red.
pub fn routine(service: &str, line: &str) {
    let text = format!("{service}: {line}");
    match TERMINAL.get().filter(|terminal| terminal.is_brief) {
        Some(terminal) => {
            let mut state = terminal.state();
            state.kept.entry(service.to_owned()).or_default().push(text);
        }
        None => print(&text),
    }
}

/// A criterion does not apply to a service, as the manifest says.
pub fn waived(service: &str, criterion: &'static str, reason: &str) {
    if let Some(terminal) = TERMINAL.get().filter(|terminal| terminal.is_brief) {
        *terminal.state().waived.entry(criterion).or_default() += 1;
    }
    routine(service, &format!("{criterion} does not apply: {reason}"));
}

/// Prints what was kept back about a service, of which a case is red.
pub fn tell_all(service: &str) {
    let kept = TERMINAL
        .get()
        .and_then(|terminal| terminal.state().kept.remove(service));
    kept.into_iter().flatten().for_each(|line| print(&line));
}

/// The run is over.
pub fn end() {
    if let Some(terminal) = TERMINAL.get() {
        terminal.bar.finish_and_clear();
        let waived = std::mem::take(&mut terminal.state().waived);
        for (criterion, services) in waived {
            let plural = if services == 1 { "" } else { "s" };
            print(&format!(
                "{criterion} does not apply to {services} service{plural}; the report has the reasons"
            ));
        }
    }
}

/// Prints a whole line on standard error, in one piece because services run side by side.
pub fn print(line: &str) {
    // Nobody reads any more: no reason to fail.
    beside_progress(|| drop(io::stderr().write_all(format!("{line}\n").as_bytes())));
}

/// Writes to standard output, in one piece.
pub fn write_out(bytes: &[u8]) {
    beside_progress(|| {
        let mut stdout = io::stdout().lock();
        let _ = stdout.write_all(bytes);
        let _ = stdout.flush();
    });
}

/// Takes the line of progress away meanwhile.
fn beside_progress(write: impl FnOnce()) {
    match TERMINAL.get() {
        Some(terminal) => terminal.bar.suspend(write),
        None => write(),
    }
}

impl Terminal {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, state: &State) {
        let running: Vec<&str> = state.running.keys().map(String::as_str).collect();
        self.bar.set_message(running.join(", "));
    }
}
