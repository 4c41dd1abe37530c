//! The test cases, one per criterion and service, as the test runner takes them.

use std::process::ExitCode;

use libtest_mimic::Trial;

use super::{Run, case};
use crate::criteria;

/// Runs the selected cases; the exit status is the test runner's.
pub(super) fn run(run: &'static Run) -> ExitCode {
    let arguments = &run.selection.arguments;
    let directory = run.manifest.services_directory();
    let mut trials: Vec<Trial> = Vec::new();
    for service in &run.selection.services {
        let file = directory.join(format!("{service}.toml"));
        trials.extend(criteria::ALL.iter().map(|criterion| {
            let file = file.clone();
            let name = super::name(criterion.id, service);
            Trial::test(name, move || case(criterion, &file))
        }));
    }
    trials.sort_by(|one, other| one.name().cmp(other.name()));
    if arguments.filters().count() > 1 {
        trials.retain(|trial| arguments.select(trial.name()));
    }
    libtest_mimic::run(&arguments.for_runner(), trials).exit_code()
}
