//! A report as plain data: [`Report`], which is also `report.json`.
//!
//! `docs/report.md` describes the fields to those who read the file; a change that
//! their programs would notice raises [`VERSION`]. Paths are relative to where the
//! run was started, where that is possible.

mod deployment;
mod fixes;
mod locks;
mod running;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use deployment::{Became, Change, Deployment, Rollout, Table};
pub use fixes::{Class, DefectWithoutFix, FileEdits, Fix, Fixes, LineEdit};
pub use locks::{Blocks, Lock, TimelineEntry};
pub use running::{Running, State as ReleaseState, StatementCounts};

/// The value of `schema`.
pub const SCHEMA: &str = "migration-harness/report";
/// The value of `version`.
pub const VERSION: u32 = 1;

/// One run, or several that were joined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// [`VERSION`].
    pub version: u32,
    /// The version of the crate that wrote it.
    pub harness: String,
    /// The runs it is made of.
    pub runs: Vec<Run>,
    /// Every criterion, in the order of the list.
    pub criteria: Vec<Criterion>,
    /// Every service of the manifest, by name, with what was seen of it.
    pub services: Vec<Service>,
    /// The cases that were selected, by criterion and service.
    pub cases: Vec<Case>,
    /// The cases of the manifest that no run selected (`criterion::service`).
    pub absent: Vec<String>,
}

/// One run of the test runner on one machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Run {
    /// Unique among all runs.
    pub id: String,
    /// Its beginning, in UTC (RFC 3339).
    pub began: String,
    /// The time at which the report was written.
    pub written: String,
    /// The machine's name.
    pub host: String,
}

/// One promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Criterion {
    /// Its name in test results.
    pub id: String,
    /// The promise.
    pub asserts: String,
    /// The reason that it matters.
    pub why: String,
    /// The remedy where it is red.
    pub remedy: String,
}

/// The outcome of a case; the worst comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The service breaks the promise.
    Failed,
    /// No judgement was possible: a `harness error`.
    Error,
    /// Another criterion explains why it could not be judged.
    Blocked,
    /// It was selected and did not end: killed, timed out, or the run stopped before.
    NotJudged,
    /// The promise holds.
    Passed,
    /// The manifest says that it does not apply.
    NotApplicable,
}

/// One criterion on one service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// The criterion.
    pub criterion: String,
    /// The service.
    pub service: String,
    /// The outcome.
    pub outcome: Outcome,
    /// Since the case began, in seconds; what cases share counts where it was waited for.
    pub seconds: f64,
    /// In one line: the first finding, the cause, the reason.
    pub summary: String,
    /// The text of the log, without colour; empty unless red.
    pub text: String,
    /// The notes of a green result.
    pub notes: Vec<String>,
    /// The findings, one defect each.
    pub findings: Vec<Finding>,
    /// The criterion that reports what kept this one from being judged.
    #[serde(default)]
    pub blocked_by: Option<String>,
    /// The report of that one, where no other case of the report says it.
    #[serde(default)]
    pub explanation: Option<Explanation>,
    /// The page about the criterion: an address or a path.
    #[serde(default)]
    pub about: String,
    /// The command that runs this case alone.
    pub rerun: String,
    /// The commands that its texts name for their reader to type, as they stand there.
    #[serde(default)]
    pub commands: Vec<String>,
    /// The service's manifest file, from the root of its git repository if it is in one.
    pub manifest: String,
}

/// The report of a criterion that was not judged itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// Its findings.
    pub findings: Vec<Finding>,
    /// Their text, without colour.
    pub text: String,
    /// The command that judges it, unless the manifest says that it does not apply.
    pub rerun: Option<String>,
}

/// One defect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The problem.
    pub title: String,
    /// The places, the first one first.
    pub places: Vec<Place>,
    /// The text that was expected, where two texts are compared.
    pub expected: Option<String>,
    /// The text that was found instead.
    pub found: Option<String>,
    /// Objects before and after, one text each.
    pub changed: Vec<String>,
    /// Facts that support it.
    pub notes: Vec<String>,
    /// Advice: what to do or type.
    pub help: Vec<String>,
    /// The keys of the manifest that accept it together; none where nothing does.
    #[serde(default)]
    pub accepted_by: Vec<String>,
}

/// A place in a source file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The file.
    pub file: String,
    /// The file, from the root of its git repository; `None` outside of one.
    pub repository_file: Option<String>,
    /// From 1.
    pub line: u32,
    /// The last line, where it is known.
    pub end_line: Option<u32>,
    /// The revision whose file it is.
    pub revision: Option<String>,
    /// The label for the place.
    pub label: String,
}

/// One service. Only what some selected case needed is there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// The manifest file's stem.
    pub name: String,
    /// Its revisions.
    pub history: Option<History>,
    /// Its server.
    pub server: Option<Spent>,
    /// Its interpreter, from the start until Alembic and the driver are imported.
    pub interpreter: Option<Spent>,
    /// The commands of Alembic, in order.
    pub commands: Vec<Command>,
    /// Its outbox table.
    pub outbox: Option<Outbox>,
    /// Its next deployment.
    #[serde(default)]
    pub deployment: Option<Deployment>,
    /// The statements of that which others may notice, in order.
    #[serde(default)]
    pub locks: Vec<TimelineEntry>,
    /// The fixes of what is red; `None` where nobody looked for any.
    #[serde(default)]
    pub fixes: Option<Fixes>,
    /// The abilities of the release that is running meanwhile.
    pub running: Option<Running>,
}

/// Something that took time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spent {
    /// On what.
    pub what: String,
    /// The time that it took.
    pub seconds: f64,
}

/// The revisions of a service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// In an order in which Alembic can run them.
    pub revisions: Vec<Revision>,
    /// Files that could not be read, each with the reason.
    pub unread: Vec<String>,
}

/// One revision.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// Its id.
    pub id: String,
    /// Its parents.
    pub down_revisions: Vec<String>,
    /// The other revisions that must run before it, as ids.
    pub depends_on: Vec<String>,
    /// The names of its branch.
    pub branch_labels: Vec<String>,
    /// The docstring's first line.
    pub message: Option<String>,
    /// Its file.
    pub file: String,
    /// The line of `revision`.
    pub line: u32,
    /// The reason that nothing can take it back, where the manifest says so.
    pub one_way: Option<String>,
}

/// One thing that Alembic was asked to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// In words: `upgrade head`.
    pub name: String,
    /// All of it.
    pub seconds: f64,
    /// Tells whether it ended without an error.
    pub ok: bool,
    /// The revisions that ran, in order.
    pub steps: Vec<Step>,
}

/// One revision of a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The revision.
    pub revision: String,
    /// `None` where it did not return.
    pub seconds: Option<f64>,
}

/// The outbox table beside the convention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outbox {
    /// The table's name.
    pub table: String,
    /// The schemas that hold one.
    pub schemas: Vec<String>,
    /// The convention's indexes, each with what is there.
    pub indexes: Vec<Index>,
    /// The table's other indexes: name and definition.
    pub more: Vec<(String, String)>,
}

/// One index of the convention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// PostgreSQL's definition of what the convention asks for, or why there is none.
    pub expected: String,
    /// The object of that name.
    pub found: Option<String>,
    /// The comparison of the two.
    pub shape: Shape,
}

/// The comparison of an index with the convention's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// It is what the convention says.
    Same,
    /// It is there, and something about it is different.
    Differs,
    /// It is there and invalid.
    Invalid,
    /// There is none of that name.
    Missing,
}

impl Outcome {
    /// Tells whether the test result is red, or would have been.
    #[must_use]
    pub fn is_red(self) -> bool {
        !matches!(self, Self::Passed | Self::NotApplicable)
    }

    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Error => "harness error",
            Self::Blocked => "blocked",
            Self::NotJudged => "not judged",
            Self::Passed => "passed",
            Self::NotApplicable => "not applicable",
        }
    }
}

impl Case {
    /// Its name, as the test runner has it without `.toml`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}::{}", self.criterion, self.service)
    }

    /// Tells whether the same harness error kept both cases from being judged.
    #[must_use]
    pub fn shares_error_with(&self, other: &Self) -> bool {
        self.outcome == Outcome::Error
            && other.outcome == Outcome::Error
            && self.findings == other.findings
    }
}

impl Service {
    /// As JSON, without white space.
    ///
    /// # Errors
    /// None for data: what [`serde_json::to_vec`] may return.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }

    /// From what [`Service::to_json`] gave.
    ///
    /// # Errors
    /// It is something else.
    pub fn from_json(bytes: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(bytes)
    }

    /// Adds what another process or machine saw of the same service.
    pub fn absorb(&mut self, other: Self) {
        self.history = self.history.take().or(other.history);
        self.server = self.server.take().or(other.server);
        self.interpreter = self.interpreter.take().or(other.interpreter);
        self.outbox = self.outbox.take().or(other.outbox);
        self.deployment = self.deployment.take().or(other.deployment);
        self.fixes = self.fixes.take().or(other.fixes);
        self.running = self.running.take().or(other.running);
        if self.locks.is_empty() {
            self.locks = other.locks;
        }
        for command in other.commands {
            if !self.commands.iter().any(|known| known.name == command.name) {
                self.commands.push(command);
            }
        }
    }
}

impl Report {
    /// As `report.json` has it.
    ///
    /// # Errors
    /// None for data: what [`serde_json::to_vec_pretty`] may return.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec_pretty(self)
    }

    /// The case of a criterion on a service, if it was selected.
    #[must_use]
    pub fn case(&self, criterion: &str, service: &str) -> Option<&Case> {
        self.cases
            .iter()
            .find(|case| case.criterion == criterion && case.service == service)
    }

    /// The services of which any case was selected, those with a red one first.
    #[must_use]
    pub fn shown(&self) -> Vec<&Service> {
        let mut is_red: BTreeMap<&str, bool> = BTreeMap::new();
        for case in &self.cases {
            *is_red.entry(&case.service).or_default() |= case.outcome.is_red();
        }
        let red = |service: &&Service| is_red.get(service.name.as_str()).copied();
        let mut shown: Vec<&Service> = self
            .services
            .iter()
            .filter(|one| red(one).is_some())
            .collect();
        shown.sort_by_key(|one| red(one) == Some(false));
        shown
    }

    /// The first case of those that a harness error kept from being judged, where `case`
    /// is a later one of them.
    #[must_use]
    pub fn reported_before(&self, case: &Case) -> Option<&Case> {
        let first = self.cases.iter().find(|one| one.shares_error_with(case))?;
        (first.name() != case.name()).then_some(first)
    }

    /// Tells whether another case of the service says first what kept `case` from being judged.
    #[must_use]
    pub fn is_reported_before_in_service(&self, case: &Case) -> bool {
        let mut cases = self.cases.iter();
        let first = cases.find(|one| one.service == case.service && one.shares_error_with(case));
        first.is_some_and(|first| first.criterion != case.criterion)
    }

    /// Tells whether there is more to show of any service than its name.
    #[must_use]
    pub fn has_seen_anything(&self) -> bool {
        let mut services = self.services.iter();
        services.any(|service| service.history.is_some())
    }

    /// The number of cases by outcome.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<Outcome, usize> {
        let mut counts = BTreeMap::new();
        for case in &self.cases {
            *counts.entry(case.outcome).or_default() += 1;
        }
        counts
    }

    /// Keeps an explanation only in the first case that needs it, and in none where the
    /// criterion that reports it was judged.
    fn explain_once(&mut self) {
        let failed = self
            .cases
            .iter()
            .filter(|case| case.outcome == Outcome::Failed);
        let mut said: BTreeSet<(String, String)> = failed
            .map(|case| (case.service.clone(), case.criterion.clone()))
            .collect();
        for case in &mut self.cases {
            let explained = case
                .blocked_by
                .as_ref()
                .filter(|_| case.explanation.is_some());
            let about = explained.map(|by| (case.service.clone(), by.clone()));
            if about.is_some_and(|about| !said.insert(about)) {
                case.explanation = None;
            }
        }
    }

    /// Sorts the cases as the criteria are listed, says each explanation once, and which
    /// cases are absent.
    #[must_use]
    pub fn in_order(mut self) -> Self {
        self.services.sort_by(|a, b| a.name.cmp(&b.name));
        let position: BTreeMap<&str, usize> = self
            .criteria
            .iter()
            .enumerate()
            .map(|(at, criterion)| (criterion.id.as_str(), at))
            .collect();
        self.cases.sort_by_key(|case| {
            let at = position.get(case.criterion.as_str()).copied();
            (case.service.clone(), at.unwrap_or(usize::MAX))
        });
        self.explain_once();
        let there: BTreeSet<String> = self.cases.iter().map(Case::name).collect();
        self.absent = self
            .services
            .iter()
            .flat_map(|service| {
                self.criteria
                    .iter()
                    .map(move |criterion| format!("{}::{}", criterion.id, service.name))
            })
            .filter(|name| !there.contains(name))
            .collect();
        self
    }
}
