//! Attribution: which criterion reports a failure that the evidence shows, and which
//! others it keeps from judging. One defect reads as one finding; the criteria that
//! cannot judge because of it name its reporter in one line.
//!
//! [`attribution`] decides it for all criteria at once, and nothing else does: a
//! criterion prints what it reports by that, and is blocked by what another one reports.

use std::collections::BTreeSet;

use super::failure::{does_nothing, failure};
use super::{Blocker, Criterion, Verdict, duplicate_creation, no_graph};
use crate::alembic::transcript::{Outcome, Step, Transcript};
use crate::evidence::stairway::RoundTrip;
use crate::evidence::team_rows::RefusedStatement;
use crate::evidence::{Evidence, Migrated, Part};
use crate::manifest::Service;

// The ids of the criteria that it names.
pub(super) const SINGLE_HEAD: &str = "single_head";
pub(super) const UPGRADE_HEAD: &str = "upgrade_head";
pub(super) const ENUM_TYPES: &str = "enum_types";
pub(super) const DOWNGRADE: &str = "downgrade";
pub(super) const ROWS: &str = "rows";
pub(super) const PUBLISHED_REVISIONS: &str = "published_revisions";

/// The failures that some evidence shows, in the order in which they are to be mended.
pub struct Attribution<'a> {
    service: &'a Service,
    evidence: &'a Evidence,
    failures: Vec<Failure<'a>>,
}

/// A failure, the criterion that reports it, and what cannot be judged because of it.
pub struct Failure<'a> {
    /// The failure.
    pub kind: FailureKind<'a>,
    /// The id of the criterion that is red because of it and says so.
    pub reporter: &'static str,
    /// The failure in one line.
    pub because: String,
    spoils: Spoils,
}

/// The kinds of failures that keep criteria from judging.
pub enum FailureKind<'a> {
    /// The files form no graph. Alembic leaves some of them out without an error, such as
    /// the second of two that declare one id, and what never ran is not judged.
    NoGraph,
    /// Alembic cannot load the history.
    NotLoaded,
    /// The same, seen in an upgrade that so finds nothing to run.
    NoHistory,
    /// `upgrade head` refuses several heads; `upgrade heads` ran instead.
    SeveralHeads,
    /// An upgrade did not get to its end.
    Stopped(&'a Transcript),
    /// A revision's function is async, so nothing happened.
    NotAwaited(&'a Step),
    /// An upgrade got to its end without some revisions.
    NeverRan(&'a Transcript, Vec<&'a str>),
    /// A second upgrade of the same database runs revisions, or fails.
    Rerun(&'a Migrated, &'a Transcript),
    /// A revision that can be upgraded cannot where earlier ones went up, down and up.
    RoundTrip(&'a RoundTrip),
    /// The schema that is deployed cannot be built, although the whole history can.
    NotDeployed(&'a Transcript),
    /// PostgreSQL refuses the team's own rows on it.
    RowsRefused(&'a RefusedStatement),
    /// A deployment does not get to its end in another part of the evidence than the one that
    /// its reporter judges.
    Elsewhere,
}

/// The part of the evidence that a failure makes worthless.
#[derive(Clone, Copy, PartialEq)]
enum Spoils {
    /// The promise of the criterion with this id.
    Promise(&'static str),
    /// A part, for every criterion that needs it.
    Part(Part),
}

/// Finds every failure that keeps a criterion from judging, and who reports it.
#[must_use]
pub fn attribution<'a>(service: &'a Service, evidence: &'a Evidence) -> Attribution<'a> {
    let mut failures: Vec<Failure<'_>> = Vec::new();
    failures.extend(no_graph(evidence));
    failures.extend(unpublished(evidence));
    failures.extend(of_migrated(evidence));
    if let Some(stepped) = &evidence.stepped {
        failures.extend(of_upgrade(evidence, &stepped.upgrade, Part::Stepped));
    }
    failures.extend(round_trips(evidence));
    let stepped = |one: &&Failure<'_>| one.spoils == Spoils::Part(Part::Stepped);
    let below = failures.iter().find(stepped).map(Failure::known);
    failures.extend(of_deployment(evidence, below.as_ref()));
    failures.extend(of_running(evidence, below.as_ref()));
    Attribution {
        service,
        evidence,
        failures,
    }
}

impl<'a> Attribution<'a> {
    /// The failures that a criterion has to print.
    pub fn reported_by(&self, criterion: &Criterion) -> impl Iterator<Item = &Failure<'a>> {
        let id = criterion.id;
        self.failures
            .iter()
            .filter(move |failure| failure.reporter == id)
    }

    /// The verdict of a criterion that cannot judge, because of what another one reports.
    #[must_use]
    pub fn blocks(&self, criterion: &Criterion) -> Option<Verdict> {
        self.blocked(criterion, |spoils| spoils.is_needed_by(criterion))
    }

    /// The same as far as one part of the evidence goes.
    #[must_use]
    pub fn spoilt(&self, part: Part, criterion: &Criterion) -> Option<Verdict> {
        self.blocked(criterion, |spoils| spoils == Spoils::Part(part))
    }

    fn blocked(&self, criterion: &Criterion, is_meant: impl Fn(Spoils) -> bool) -> Option<Verdict> {
        let is_others = |failure: &&Failure<'_>| failure.reporter != criterion.id;
        let mut others = self.failures.iter().filter(is_others);
        let failure = others.find(|one| is_meant(one.spoils) && self.is_reported(one))?;
        Some(Verdict::Blocked {
            by: Blocker::Criterion(failure.reporter),
            because: failure.because.clone(),
        })
    }

    /// Tells whether the reporter is red. What fails on rows may be accepted, or `rows` may not
    /// apply; `locks` tells it then.
    fn is_reported(&self, failure: &Failure<'_>) -> bool {
        let is_red = |one: &Criterion| one.verdict(self.service, self.evidence).is_red();
        let mut reporters = super::ALL.iter().filter(|one| one.id == failure.reporter);
        failure.spoils != Spoils::Part(Part::Locks) || reporters.any(is_red)
    }

    /// Tells whether there is a history that Alembic could run as the files declare it.
    #[must_use]
    pub fn has_history(&self) -> bool {
        let of_history = |failure: &Failure<'_>| {
            matches!(failure.kind, FailureKind::NoGraph | FailureKind::NoHistory)
        };
        !self.failures.iter().any(of_history)
    }
}

impl Spoils {
    fn is_needed_by(self, criterion: &Criterion) -> bool {
        match self {
            Self::Promise(id) => criterion.id == id,
            Self::Part(part) => criterion.needs.contains(&part),
        }
    }
}

fn no_graph(evidence: &Evidence) -> Option<Failure<'_>> {
    Some(Failure {
        kind: FailureKind::NoGraph,
        reporter: SINGLE_HEAD,
        spoils: Spoils::Part(Part::Migrated),
        because: no_graph::problem(&evidence.history)?,
    })
}

/// Nothing is compared with what is published where there is no graph.
fn unpublished(evidence: &Evidence) -> Option<Failure<'_>> {
    let history = &evidence.history;
    let problem = no_graph::problem(history).map(|problem| (FailureKind::NoGraph, problem));
    let raised = history.raised.as_ref();
    let (kind, because) = problem.or(raised.map(|one| (FailureKind::NotLoaded, one.line())))?;
    Some(Failure {
        kind,
        reporter: SINGLE_HEAD,
        spoils: Spoils::Promise(PUBLISHED_REVISIONS),
        because,
    })
}

/// The failures of an empty database on its way to head, and of that at head.
fn of_migrated(evidence: &Evidence) -> Vec<Failure<'_>> {
    let Some(migrated) = &evidence.migrated else {
        return Vec::new();
    };
    let mut failures = of_upgrade(evidence, migrated.reached(), Part::Migrated);
    let is_graph = evidence.history.problems().is_empty();
    let ran = is_graph && failures.is_empty() && migrated.reached().finished();
    failures.extend(rerun(migrated).filter(|_| ran));
    refused_heads(evidence, migrated)
        .into_iter()
        .chain(failures)
        .collect()
}

fn refused_heads<'a>(evidence: &Evidence, migrated: &'a Migrated) -> Option<Failure<'a>> {
    let upgrade = &migrated.upgrade;
    let instead = migrated.heads.is_some() && !upgrade.finished();
    instead.then(|| Failure {
        spoils: Spoils::Promise(UPGRADE_HEAD),
        because: ending(upgrade),
        ..match evidence.history.graph.heads().len() {
            0 | 1 => stopped(upgrade, Part::Migrated),
            _ => Failure {
                kind: FailureKind::SeveralHeads,
                reporter: SINGLE_HEAD,
                ..stopped(upgrade, Part::Migrated)
            },
        }
    })
}

/// The failures on one way of upgrading. Where the files form no graph, that explains
/// why nothing ran, or not all of it; a revision that failed is a defect of its own.
fn of_upgrade<'a>(
    evidence: &'a Evidence,
    transcript: &'a Transcript,
    part: Part,
) -> Vec<Failure<'a>> {
    let is_graph = evidence.history.problems().is_empty();
    let nothing_ran = transcript.steps.is_empty();
    let mut failures = Vec::new();
    match (nothing_ran, transcript.finished()) {
        (true, _) if !is_graph => {}
        (true, finished) if evidence.history.raised.is_some() => failures.push(Failure {
            kind: FailureKind::NoHistory,
            reporter: SINGLE_HEAD,
            spoils: Spoils::Part(part),
            because: match finished {
                true => format!("`alembic {}` finds no revision to run", transcript.command),
                false => ending(transcript),
            },
        }),
        (_, false) => failures.push(stopped(transcript, part)),
        (_, true) if is_graph => failures.extend(never_ran(evidence, transcript, part)),
        (_, true) => {}
    }
    let idle = transcript.steps.iter().filter(|step| step.awaitable);
    failures.extend(idle.map(|step| not_awaited(step, part)));
    failures
}

/// A duplicate creation of an enum type is what `enum_types` is about; whatever else
/// stops an upgrade is reported by `upgrade_head`.
fn stopped(transcript: &Transcript, part: Part) -> Failure<'_> {
    let reporter = match duplicate_creation::stopped(transcript) {
        Some(_) => ENUM_TYPES,
        None => UPGRADE_HEAD,
    };
    Failure {
        kind: FailureKind::Stopped(transcript),
        reporter,
        spoils: Spoils::Part(part),
        because: ending(transcript),
    }
}

fn not_awaited(step: &Step, part: Part) -> Failure<'_> {
    Failure {
        kind: FailureKind::NotAwaited(step),
        reporter: UPGRADE_HEAD,
        spoils: Spoils::Part(part),
        because: does_nothing(step),
    }
}

fn never_ran<'a>(
    evidence: &'a Evidence,
    transcript: &'a Transcript,
    part: Part,
) -> Option<Failure<'a>> {
    let steps = transcript.steps.iter();
    let ran: BTreeSet<&str> = steps.map(|step| step.revision.as_str()).collect();
    let order = evidence.history.graph.upgrade_order().into_iter();
    let missing: Vec<&str> = order
        .map(|revision| revision.id.as_str())
        .filter(|id| !ran.contains(id))
        .collect();
    (!missing.is_empty()).then(|| Failure {
        because: format!(
            "`alembic {}` never ran {}",
            transcript.command,
            missing.join(", ")
        ),
        kind: FailureKind::NeverRan(transcript, missing),
        reporter: UPGRADE_HEAD,
        spoils: Spoils::Part(part),
    })
}

fn rerun(migrated: &Migrated) -> Option<Failure<'_>> {
    let second = migrated.second.as_ref()?;
    let because = match second.steps.as_slice() {
        [] if second.finished() => return None,
        [] => ending(second),
        _ => runs_again(second),
    };
    Some(Failure {
        kind: FailureKind::Rerun(migrated, second),
        reporter: UPGRADE_HEAD,
        spoils: Spoils::Part(Part::Migrated),
        because,
    })
}

/// The problem of a rerun that runs revisions, in one line.
fn runs_again(second: &Transcript) -> String {
    let ran = match second.steps.as_slice() {
        [one] => format!("revision {}", one.revision),
        many => format!("{} revisions", many.len()),
    };
    format!("a second `alembic {}` runs {ran} again", second.command)
}

/// The upgrades that failed on the way down and up again: those that fail without that,
/// too, have their reporter; the others are the way's own.
fn round_trips(evidence: &Evidence) -> Vec<Failure<'_>> {
    let stepped = evidence.stepped.as_ref().map(|stepped| &stepped.upgrade);
    let trips = evidence
        .stairway
        .iter()
        .flat_map(|stairway| &stairway.trips);
    let failed = trips.filter(|trip| !trip.up.finished());
    let attributed =
        failed.map(
            |trip| match stepped.filter(|way| stops_at(evidence, way, &trip.revision)) {
                Some(way) => stopped(way, Part::Stairway),
                None => Failure {
                    kind: FailureKind::RoundTrip(trip),
                    reporter: DOWNGRADE,
                    spoils: Spoils::Part(Part::Stairway),
                    because: ending(&trip.up),
                },
            },
        );
    attributed.collect()
}

/// Tells whether the history stepped got as far as this revision and no further. What fails
/// outside of any revision does so after the last one that ran, or before the next.
fn stops_at(evidence: &Evidence, stepped: &Transcript, revision: &str) -> bool {
    if stepped.finished() {
        return false;
    }
    if let Some(step) = stepped.failed_step() {
        return step.revision == revision;
    }
    let last = stepped.steps.last().map(|step| step.revision.as_str());
    let order = evidence.history.graph.upgrade_order().into_iter();
    let mut ids = order.map(|revision| revision.id.as_str());
    let next = match last {
        Some(last) => ids.skip_while(|id| *id != last).nth(1),
        None => ids.next(),
    };
    [last, next].contains(&Some(revision))
}

/// The failures of a deployment. The schema that is deployed is built revision by revision,
/// which is how `upgrade_head` tries them too.
fn of_deployment<'a>(evidence: &'a Evidence, below: Option<&Known>) -> Vec<Failure<'a>> {
    let Some(deployment) = &evidence.deployment else {
        return Vec::new();
    };
    let of_rows = |kind| Failure {
        kind,
        reporter: ROWS,
        spoils: Spoils::Part(Part::Locks),
        because: "the deployment fails where tables hold rows".to_owned(),
    };
    let mut failures = Vec::new();
    failures.extend(deployment.below.iter().map(|upgrade| match &below {
        Some(known) => known.spoils(Part::Deployment),
        None => of_rows(FailureKind::NotDeployed(upgrade)),
    }));
    let refused = deployment.rows_refused.iter();
    failures.extend(refused.map(|refused| of_rows(FailureKind::RowsRefused(refused))));
    let mut measured = evidence.locks.iter().flat_map(|locks| &locks.measured);
    let is_stopped = measured.any(|one| !one.upgrade.finished());
    failures.extend(is_stopped.then(|| of_rows(FailureKind::Elsewhere)));
    failures
}

/// The failure of a deployment beside the running release, which `rows` meets as well.
fn of_running<'a>(evidence: &'a Evidence, below: Option<&Known>) -> Option<Failure<'a>> {
    let running = evidence.running.as_ref();
    let running = running.filter(|one| !one.plan.pending.is_empty())?;
    let is_below = running.below.as_ref().is_some_and(|one| !one.finished());
    if let (None, true, Some(known)) = (&running.rows_refused, is_below, below) {
        return Some(known.spoils(Part::Running));
    }
    let mut upgrades = running.below.iter().chain(&running.upgrade);
    let failed = upgrades.find(|one| !one.finished());
    let because = match &running.rows_refused {
        Some(refused) => refused.title(),
        None => failed.map(|upgrade| match failure(upgrade) {
            Some(finding) => finding.title,
            None => format!("`{}` did not finish", upgrade.command),
        })?,
    };
    Some(Failure {
        kind: FailureKind::Elsewhere,
        reporter: ROWS,
        spoils: Spoils::Part(Part::Running),
        because,
    })
}

/// A failure that is reported, as it keeps others from judging too.
struct Known {
    reporter: &'static str,
    because: String,
}

impl Failure<'_> {
    fn known(&self) -> Known {
        Known {
            reporter: self.reporter,
            because: self.because.clone(),
        }
    }
}

impl Known {
    fn spoils<'a>(&self, part: Part) -> Failure<'a> {
        Failure {
            kind: FailureKind::Elsewhere,
            reporter: self.reporter,
            spoils: Spoils::Part(part),
            because: self.because.clone(),
        }
    }
}

/// The end of a transcript that did not finish, in one line.
fn ending(transcript: &Transcript) -> String {
    match &transcript.outcome {
        Outcome::Finished => "it finished".to_owned(),
        Outcome::Raised(raised) | Outcome::Swallowed(raised) => raised.line(),
        Outcome::TimedOut { limit, .. } => {
            format!("`{}` took longer than {limit} s", transcript.command)
        }
        Outcome::Ended { how, .. } => format!("during `{}`, Python {how}", transcript.command),
    }
}

#[cfg(test)]
mod tests;
