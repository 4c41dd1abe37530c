//! Attribution: which criterion reports a failure that the evidence shows, and which
//! others it keeps from judging. One defect reads as one finding; the criteria that
//! cannot judge because of it name its reporter in one line.
//!
//! [`attribution`] decides it for all criteria at once, and nothing else does: a
//! criterion prints what it reports by that, and is blocked by what another one reports.

use std::collections::BTreeSet;

use super::{Blocker, Criterion, Verdict, downgrade, enum_types, single_head, upgrade_head};
use crate::alembic::transcript::{Outcome, Step, Transcript};
use crate::evidence::stairway::RoundTrip;
use crate::evidence::{Evidence, Migrated, Part};

/// The failures that some evidence shows, in the order in which they are to be mended.
pub struct Attribution<'a>(Vec<Failure<'a>>);

/// A failure, the criterion that reports it, and what cannot be judged because of it.
pub struct Failure<'a> {
    /// The failure.
    pub kind: FailureKind<'a>,
    /// The criterion that is red because of it and says so.
    pub reporter: &'static Criterion,
    spoils: Spoils,
    because: String,
}

/// The kinds of failures that keep criteria from judging.
pub enum FailureKind<'a> {
    /// The files form no graph. Alembic leaves some of them out without an error, such as
    /// the second of two that declare one id, and what never ran is not judged.
    NoGraph,
    /// Alembic cannot load the history, and so finds nothing to run.
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
}

/// The part of the evidence that a failure makes worthless.
#[derive(Clone, Copy, PartialEq)]
enum Spoils {
    /// The promise that `upgrade head` works as it is typed.
    Deployment,
    /// A part, for every criterion that needs it.
    Part(Part),
}

/// Finds every failure that keeps a criterion from judging, and who reports it.
#[must_use]
pub fn attribution(evidence: &Evidence) -> Attribution<'_> {
    let mut failures: Vec<Failure<'_>> = no_graph(evidence).into_iter().collect();
    let is_graph = failures.is_empty();
    if let Some(migrated) = &evidence.migrated {
        failures.extend(refused_heads(evidence, migrated));
        let found = of_upgrade(evidence, migrated.reached(), Part::Migrated, is_graph);
        let ran = is_graph && found.is_empty() && migrated.reached().finished();
        failures.extend(found);
        failures.extend(rerun(migrated).filter(|_| ran));
    }
    if let Some(stepped) = &evidence.stepped {
        failures.extend(of_upgrade(
            evidence,
            &stepped.upgrade,
            Part::Stepped,
            is_graph,
        ));
    }
    failures.extend(round_trips(evidence));
    Attribution(failures)
}

impl<'a> Attribution<'a> {
    /// The failures that a criterion has to print.
    pub fn reported_by(&self, criterion: &Criterion) -> impl Iterator<Item = &Failure<'a>> {
        let id = criterion.id;
        self.0
            .iter()
            .filter(move |failure| failure.reporter.id == id)
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
        let is_others = |failure: &&Failure<'_>| failure.reporter.id != criterion.id;
        let mut others = self.0.iter().filter(is_others);
        let failure = others.find(|failure| is_meant(failure.spoils))?;
        Some(Verdict::Blocked {
            by: Blocker::Criterion(failure.reporter.id),
            because: failure.because.clone(),
        })
    }

    /// Tells whether there is a history that Alembic could run as the files declare it.
    #[must_use]
    pub fn has_history(&self) -> bool {
        let of_history = |failure: &Failure<'_>| {
            matches!(failure.kind, FailureKind::NoGraph | FailureKind::NoHistory)
        };
        !self.0.iter().any(of_history)
    }
}

impl Spoils {
    fn is_needed_by(self, criterion: &Criterion) -> bool {
        match self {
            Self::Deployment => criterion.id == upgrade_head::CRITERION.id,
            Self::Part(part) => criterion.needs.contains(&part),
        }
    }
}

fn no_graph(evidence: &Evidence) -> Option<Failure<'_>> {
    Some(Failure {
        kind: FailureKind::NoGraph,
        reporter: &single_head::CRITERION,
        spoils: Spoils::Part(Part::Migrated),
        because: single_head::problem(&evidence.history)?,
    })
}

fn refused_heads<'a>(evidence: &Evidence, migrated: &'a Migrated) -> Option<Failure<'a>> {
    let upgrade = &migrated.upgrade;
    let instead = migrated.heads.is_some() && !upgrade.finished();
    instead.then(|| Failure {
        spoils: Spoils::Deployment,
        because: ending(upgrade),
        ..match evidence.history.graph.heads().len() {
            0 | 1 => stopped(upgrade, Part::Migrated),
            _ => Failure {
                kind: FailureKind::SeveralHeads,
                reporter: &single_head::CRITERION,
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
    is_graph: bool,
) -> Vec<Failure<'a>> {
    let nothing_ran = transcript.steps.is_empty();
    let mut failures = Vec::new();
    match (nothing_ran, transcript.finished()) {
        (true, _) if !is_graph => {}
        (true, finished) if evidence.history.raised.is_some() => failures.push(Failure {
            kind: FailureKind::NoHistory,
            reporter: &single_head::CRITERION,
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
    let reporter = match enum_types::stopped(transcript) {
        Some(_) => &enum_types::CRITERION,
        None => &upgrade_head::CRITERION,
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
        reporter: &upgrade_head::CRITERION,
        spoils: Spoils::Part(part),
        because: upgrade_head::does_nothing(step),
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
        reporter: &upgrade_head::CRITERION,
        spoils: Spoils::Part(part),
    })
}

fn rerun(migrated: &Migrated) -> Option<Failure<'_>> {
    let second = migrated.second.as_ref()?;
    let because = match second.steps.as_slice() {
        [] if second.finished() => return None,
        [] => ending(second),
        _ => upgrade_head::runs_again(second),
    };
    Some(Failure {
        kind: FailureKind::Rerun(migrated, second),
        reporter: &upgrade_head::CRITERION,
        spoils: Spoils::Part(Part::Migrated),
        because,
    })
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
                    reporter: &downgrade::CRITERION,
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
mod enumeration;
#[cfg(test)]
mod tests;
