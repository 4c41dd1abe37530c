//! The cases and services that a process is to judge: [`Selection`].

use std::collections::BTreeSet;
use std::env;
use std::path::Path;

use migration_revisions::cores;

use super::arguments::Arguments;
use crate::criteria::{self, Criterion};
use crate::error::{HarnessError, Result, Stage};
use crate::evidence::Part;
use crate::invocation::Invocation;
use crate::manifest::{self, Service};
use crate::report::Case;

/// Names the services to judge, separated by white space or commas.
const ONLY: &str = "ONLY";

/// The cases that this process was asked for.
pub(super) struct Selection {
    pub(super) arguments: Arguments,
    pub(super) services: BTreeSet<String>,
    /// Every service of the manifest, chosen or not.
    pub(super) all: BTreeSet<String>,
}

impl Selection {
    /// The selection of this process's arguments and of `ONLY` among the manifest's services.
    ///
    /// # Errors
    /// It is empty, other than by `--partition`: there may be more parts than services.
    pub(super) fn read(all: BTreeSet<String>) -> Result<Self> {
        Self::new(Arguments::read(Invocation::words()), all)
    }

    /// The selection of such arguments.
    ///
    /// # Errors
    /// It is empty.
    pub(super) fn new(arguments: Arguments, all: BTreeSet<String>) -> Result<Self> {
        let mut selection = Self {
            arguments,
            services: chosen(all.clone())?,
            all,
        };
        selection.not_empty()?;
        if let Some(partition) = selection.arguments.partition {
            let judged = selection.judged(|_| true);
            selection.services = partition.select(judged).collect();
        }
        Ok(selection)
    }

    /// Tells whether a case of this criterion and service was asked for.
    pub(super) fn contains(&self, criterion: &str, service: &str) -> bool {
        self.services.contains(service) && self.arguments.select(&super::name(criterion, service))
    }

    /// Every case that was asked for.
    pub(super) fn cases(&self) -> Vec<Case> {
        let of_service = |service: &String| {
            let selected = criteria::ALL
                .iter()
                .filter(|criterion| self.contains(criterion.id, service));
            let file = service.clone() + ".toml";
            selected
                .map(|criterion| Case::new(criterion, Path::new(&file)))
                .collect::<Vec<_>>()
        };
        self.services.iter().flat_map(of_service).collect()
    }

    /// Tells whether this process or one beside it judges a criterion on a service.
    pub(super) fn judges(&self, criterion: &str, service: &str) -> bool {
        self.contains(criterion, service) || beside_this_case().contains(&criterion)
    }

    /// Tells whether the case of a criterion is surely judged in the run in which this one is, so
    /// that its findings are printed there.
    pub(super) fn surely_judges(&self, criterion: &str, this: &Case) -> bool {
        let name = |criterion: &str| super::name(criterion, &this.service);
        let beside = || {
            let command = runner().unwrap_or_default();
            selects_both(&command, &name(this.criterion.id), &name(criterion))
        };
        self.contains(criterion, &this.service) || (is_one_of_many() && beside())
    }

    /// The number of cores that the run may use.
    pub(super) fn cores(&self) -> usize {
        self.arguments.runner.test_threads.unwrap_or_else(cores)
    }

    /// The services of which more than the files is needed, by any process of the run.
    pub(super) fn gathered(&self) -> Vec<String> {
        match env::var_os("NEXTEST_RUN_ID") {
            Some(_) => self.services.iter().cloned().collect(),
            None => self.judged(|criterion| !criterion.needs.is_empty()),
        }
    }

    /// The services that this process judges by any of the criteria that are `meant`.
    pub(super) fn judged(&self, meant: impl Fn(&Criterion) -> bool) -> Vec<String> {
        let is_judged = |service: &&String| {
            let mut criteria = criteria::ALL.iter().filter(|one| meant(one));
            criteria.any(|criterion| self.contains(criterion.id, service))
        };
        self.services.iter().filter(is_judged).cloned().collect()
    }

    /// The parts that all selected criteria together need of a service.
    pub(super) fn parts(&self, service: &Service) -> Vec<Part> {
        let selected = criteria::ALL
            .iter()
            .filter(|criterion| self.judges(criterion.id, &service.name));
        let applicable = selected.filter(|criterion| criterion.waived(service).is_none());
        applicable
            .flat_map(|criterion| criterion.needs)
            .copied()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    }

    /// Says what there is, where nothing is selected.
    fn not_empty(&self) -> Result<()> {
        let any = |service: &String| {
            criteria::ALL
                .iter()
                .any(|criterion| self.contains(criterion.id, service))
        };
        let runner = &self.arguments.runner;
        // No case is ever ignored, and none is a benchmark.
        let others = runner.ignored || (runner.bench && !runner.test);
        if runner.list || (!others && self.services.iter().any(any)) {
            return Ok(());
        }
        let filters: Vec<&str> = self.arguments.filters().map(String::as_str).collect();
        let flag = match (runner.ignored, others) {
            (true, _) => " --ignored",
            (_, true) => " --bench",
            _ => "",
        };
        let known: Vec<&str> = self
            .services
            .iter()
            .map(String::as_str)
            .chain(criteria::ids())
            .collect();
        let nearest = filters
            .iter()
            .find_map(|filter| manifest::nearest(filter, known.iter().copied()));
        let hint = nearest
            .map(|nearest| format!("did you mean `{nearest}`? "))
            .unwrap_or_default();
        let problem = format!("no case matches `{}{flag}`", filters.join("` or `"));
        Err(HarnessError::new(Stage::Manifest, problem)
            .detail(format!(
                "services: {}",
                self.services.iter().cloned().collect::<Vec<_>>().join(", ")
            ))
            .detail(format!("criteria: {}", criteria::ids().join(", ")))
            .help(format!("{hint}{}", Invocation::current().other_tests())))
    }
}

/// Tells whether the test runner gives each case a process of its own.
fn is_one_of_many() -> bool {
    env::var_os("NEXTEST_RUN_ID").is_some()
}

/// The words of the test runner's command line, where the system tells; without paths, which
/// name no case: one may have a criterion's name in it.
fn runner() -> Option<Vec<String>> {
    let parent = rustix::process::getppid()?;
    let file = format!("/proc/{}/cmdline", parent.as_raw_nonzero());
    let command = std::fs::read_to_string(file).ok()?;
    Some(without_paths(command.split('\0')))
}

fn without_paths<'a>(words: impl Iterator<Item = &'a str>) -> Vec<String> {
    // Expressions have slashes too, around a pattern.
    let is_path = |word: &&str| word.contains('/') && !word.contains('(');
    words
        .filter(|word| !is_path(word))
        .map(str::to_owned)
        .collect()
}

/// Tells whether a runner that was started by these words, and runs the case `this`, runs
/// `other` as well. Where its words leave that open, it is not taken for granted.
fn selects_both(command: &[String], this: &str, other: &str) -> bool {
    let is_split = |word: &String| word.starts_with("--partition");
    let is_expression = |word: &String| word.starts_with("-E") || word.starts_with("--filter");
    let filters_for = |name: &str| {
        let mut words = command.iter().filter(|word| !word.is_empty());
        words.any(|word| name.contains(word.as_str()))
    };
    let matches = !filters_for(this) || filters_for(other);
    let (criterion, _) = other.split_once("::").unwrap_or((other, ""));
    let is_named = || command.iter().any(|word| word.contains(criterion));
    !command.is_empty()
        && !command.iter().any(is_split)
        && matches
        && (!command.iter().any(is_expression) || is_named())
}

/// The criteria that other processes of this run judge, as far as can be told: a runner
/// that gives each case a process of its own tells none of them about the others.
///
/// It is those that its command line names; all where it names none. A wrong guess
/// costs time and changes no verdict: what is missing later is gathered then.
fn beside_this_case() -> Vec<&'static str> {
    if !is_one_of_many() {
        return Vec::new();
    }
    let command = runner().unwrap_or_default();
    let is_named = |id: &&str| command.iter().any(|word| word.contains(id));
    let named: Vec<&str> = criteria::ids().into_iter().filter(is_named).collect();
    if named.is_empty() {
        criteria::ids()
    } else {
        named
    }
}

/// The services that `ONLY` names, or all.
fn chosen(all: BTreeSet<String>) -> Result<BTreeSet<String>> {
    let listed = || all.iter().cloned().collect::<Vec<_>>().join(", ");
    if all.is_empty() {
        return Err(
            HarnessError::new(Stage::Manifest, "services/ holds no <service>.toml")
                .help("add one file per service; its name is the service's name"),
        );
    }
    let only = env::var(ONLY).unwrap_or_default();
    let mut services = BTreeSet::new();
    for name in only
        .split(|letter: char| letter == ',' || letter.is_whitespace())
        .filter(|name| !name.is_empty())
    {
        let name = name.trim_end_matches(".toml");
        if !all.contains(name) {
            let nearest = manifest::nearest(name, all.iter().map(String::as_str));
            let hint = nearest
                .map(|nearest| format!("did you mean `{nearest}`? "))
                .unwrap_or_default();
            return Err(HarnessError::new(
                Stage::Manifest,
                format!("{ONLY} names \"{name}\", which is no service"),
            )
            .help(format!("{hint}services: {}", listed())));
        }
        services.insert(name.to_owned());
    }
    Ok(if services.is_empty() { all } else { services })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn a_path_of_the_runner_names_no_case() {
        let words = [
            "/home/ann/rows/cargo-nextest",
            "nextest",
            "run",
            "locks",
            "-E",
            "test(/outbox/)",
        ];
        let kept = without_paths(words.into_iter());
        assert_eq!(kept, ["nextest", "run", "locks", "-E", "test(/outbox/)"]);
    }

    #[rstest]
    #[case::everything("cargo-nextest nextest run", true)]
    #[case::a_profile("cargo-nextest nextest run --profile ci", true)]
    #[case::the_service("cargo-nextest nextest run a.toml", true)]
    #[case::both("cargo-nextest nextest run upgrade_head outbox_indexes", true)]
    #[case::this_alone("cargo-nextest nextest run outbox", false)]
    #[case::a_part("cargo-nextest nextest run --partition hash:1/4", false)]
    #[case::an_expression("cargo-nextest nextest run -E test(/outbox/)", false)]
    #[case::one_of_both("cargo-nextest nextest run -E test(outbox)+test(upgrade_head)", true)]
    #[case::nobody_knows("", false)]
    fn what_a_runner_selects_beside_a_case(#[case] command: &str, #[case] both: bool) {
        let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        let other = "upgrade_head::a.toml";
        assert_eq!(selects_both(&words, "outbox_indexes::a.toml", other), both);
    }
}
