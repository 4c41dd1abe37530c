//! The command `report`: names the report of the last run, which it writes where no
//! process of that run could; or joins the reports of several machines.

use std::env;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use super::data::Report;
use super::outputs::{self, Output};
use super::parts::Parts;
use super::{annotations, join, record};
use crate::invocation::Invocation;

/// Names the last run's report, or joins `parts`, each a report.json or its directory; writes
/// the `outputs` of it.
#[must_use]
pub fn run(parts: &[PathBuf], outputs: &[Output]) -> ExitCode {
    let base = super::directory();
    let directory = record::directory(&base);
    let done = if parts.is_empty() {
        last(&base, &directory)
    } else {
        joined(parts, &directory)
    };
    let written = done.and_then(|(report, complete)| {
        outputs::write(&report, outputs)?;
        Ok(complete)
    });
    match written {
        Ok(complete) => {
            let page = directory.join("index.html");
            println!("{}", page.display());
            open(&page);
            if complete {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(cause) => {
            eprintln!("report: {cause}");
            ExitCode::FAILURE
        }
    }
}

/// The last run's report, written anew from its parts as long as they are there.
fn last(base: &Path, directory: &Path) -> io::Result<(Report, bool)> {
    if let Some(parts) = Parts::last_of(&base.join("runs"), directory) {
        let report = record::write(directory, || parts.report())?;
        record::annotate(&report, &parts);
        record::summarize(&report, &parts)?;
        say(&report);
        Ok((report, true))
    } else if directory.join("report.json").exists() {
        let report = join::load(directory)?;
        say(&report);
        Ok((report, true))
    } else {
        let missing = format!(
            "no run has left anything in {}; `{}` is one",
            base.display(),
            Invocation::current().judge_all()
        );
        Err(io::Error::new(io::ErrorKind::NotFound, missing))
    }
}

/// One report of several. Not complete where no part holds a case of the manifest.
fn joined(parts: &[PathBuf], directory: &Path) -> io::Result<(Report, bool)> {
    let parts = parts
        .iter()
        .map(|path| join::load(path))
        .collect::<io::Result<_>>()?;
    let Some(report) = join::join(parts) else {
        return Err(io::Error::other("there is nothing to join"));
    };
    record::write_report(directory, &report)?;
    if annotations::are_wanted() {
        annotations::github(&report)
            .iter()
            .for_each(|line| println!("{line}"));
    }
    outputs::summarize(&report)?;
    say(&report);
    if !report.absent.is_empty() {
        eprintln!(
            "no part holds {} of the manifest's cases:",
            report.absent.len()
        );
        report.absent.iter().for_each(|name| eprintln!("  {name}"));
    }
    let complete = report.absent.is_empty();
    Ok((report, complete))
}

fn say(report: &Report) {
    let counts = report.counts();
    let counted: Vec<String> = counts
        .iter()
        .map(|(outcome, count)| format!("{count} {}", outcome.words()))
        .collect();
    println!("{} cases: {}", report.cases.len(), counted.join(", "));
}

/// Opens the page for somebody who sits before a screen.
fn open(page: &Path) {
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    let screen = cfg!(target_os = "macos") || set("DISPLAY") || set("WAYLAND_DISPLAY");
    if !io::stdout().is_terminal() || !screen || set("CI") {
        return;
    }
    let program = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    // It has been named: where there is no such program, nothing is lost.
    let _ = Command::new(program)
        .arg(page)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
}
