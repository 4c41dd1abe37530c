//! A downgrade puts things back.

mod again;
mod changes;
pub(super) mod fix;
mod undo;
mod untried;
mod unwritten;

use std::path::Path;

use super::attribution::{Attribution, DOWNGRADE, FailureKind, attribution};
use super::{AcceptedIn, Criterion, Finding, Verdict, failure, upgrade_head};
use crate::alembic::transcript::{Outcome, Place, Transcript};
use crate::evidence::catalog::Change;
use crate::evidence::stairway::{FullDowngrade, RoundTrip};
use crate::evidence::{Evidence, Part, Stairway};
use crate::manifest::Service;
use changes::{built_otherwise, condensed, listed};
use untried::untried;

/// The criterion.
pub const CRITERION: Criterion = Criterion {
    id: DOWNGRADE,
    asserts: "every revision can be taken back: downgrade restores the catalog, upgrade works again and \
              reaches the same one, and `downgrade base` leaves nothing but the version table",
    why: "a release is taken back on the day it fails, and what a downgrade leaves behind stops the next upgrade",
    remedy: "undo in downgrade() what upgrade() does, in reverse: columns and tables before types; \
             or declare the revision one-way in the manifest, with the reason",
    needs: &[Part::Migrated, Part::Stairway],
    judge,
};

/// The number of objects of one revision that are listed.
const SHOWN: usize = 8;
/// The number of them that are shown where they were made.
const MARKED: usize = 4;
/// The number of revisions that are shown in full; the others get a line each.
const REVISIONS: usize = 6;

fn judge(service: &Service, evidence: &Evidence) -> Verdict {
    if evidence.migrated.is_none() {
        return Verdict::without("the transcript of `upgrade head`");
    }
    let attribution = attribution(service, evidence);
    if let Some(blocked) = attribution.spoilt(Part::Migrated, &CRITERION) {
        return blocked;
    }
    let Some(stairway) = &evidence.stairway else {
        return Verdict::without("the walk down and up again");
    };
    let mut findings = stale(service, evidence, stairway);
    findings.extend(unwritten::finding(service, stairway));
    let elsewhere = upgrade_head::made_by_python(evidence);
    findings.extend(stairway.trips.iter().filter_map(|trip| {
        let not_up = || not_upgraded(&attribution, evidence, trip);
        trip_found(service, trip, &elsewhere).or_else(not_up)
    }));
    if !findings.is_empty() {
        let mut findings = summed_up(findings);
        let untried = untried(evidence, stairway);
        if let Some(last) = findings.last_mut() {
            last.notes.extend(untried);
        }
        return Verdict::Fail(findings);
    }
    let blocked = attribution.blocks(&CRITERION);
    if let Some(blocked) = blocked.or_else(|| unwalked(service, evidence, stairway)) {
        return blocked;
    }
    let Some(full_downgrade) = &stairway.full_downgrade else {
        return Verdict::without("the whole way down");
    };
    if full_downgrade.down.finished() && full_downgrade.again.is_none() {
        return Verdict::without("the way up after the whole way down");
    }
    match fully_downgraded(service, full_downgrade, &elsewhere) {
        Some(finding) => Verdict::Fail(vec![finding]),
        None => Verdict::Pass {
            notes: notes(service, stairway),
        },
    }
}

/// The first findings in full, what the others are about in one.
fn summed_up(mut findings: Vec<Finding>) -> Vec<Finding> {
    let further = findings.split_off(findings.len().min(REVISIONS));
    if further.is_empty() {
        return findings;
    }
    let last = Finding::new(format!(
        "{} more revisions are not taken back",
        further.len()
    ));
    let last = further
        .into_iter()
        .fold(last, |last, finding| last.note(finding.title));
    findings.push(last.help("mend those above first: each run shows the next ones in full"));
    findings
}

/// Every revision of the graph must have been walked up, down and up again, but for
/// those that are declared one-way.
fn unwalked(service: &Service, evidence: &Evidence, stairway: &Stairway) -> Option<Verdict> {
    let walked = |id: &String| {
        let trip = stairway.trips.iter().find(|trip| trip.revision == *id);
        trip.is_some_and(|trip| trip.is_walked() || service.one_way.contains_key(id))
    };
    let order = evidence.history.graph.upgrade_order();
    let missing = order.into_iter().find(|revision| !walked(&revision.id))?;
    Some(Verdict::without(&format!(
        "the walk over revision {}",
        missing.id
    )))
}

/// A declared one-way revision that is not there, or can be taken back after all.
fn stale(service: &Service, evidence: &Evidence, stairway: &Stairway) -> Vec<Finding> {
    let known = |id: &String| {
        evidence
            .history
            .graph
            .revisions
            .iter()
            .any(|revision| revision.id == *id)
    };
    let works = |id: &String| {
        stairway
            .trips
            .iter()
            .any(|trip| trip.revision == *id && trip.is_taken_back())
    };
    let found = service.one_way.keys().filter_map(|id| {
        let title = match (known(id), works(id)) {
            (false, _) => {
                format!("revision {id} is declared one-way, but there is no such revision")
            }
            (true, true) => {
                format!("revision {id} is declared one-way, but its downgrade puts everything back")
            }
            (true, false) => return None,
        };
        Some(Finding::new(title).help(format!(
            "remove the line \"{id}\" below [downgrade.one_way] in {}",
            service.file.display()
        )))
    });
    found.collect()
}

/// The fault of one revision's downgrade, if there is one; a revision that is declared one-way
/// has none. What is built otherwise `elsewhere` too is no fault of a downgrade.
fn trip_found(service: &Service, trip: &RoundTrip, elsewhere: &[String]) -> Option<Finding> {
    let found = fault(service, trip, elsewhere)?;
    Some(found.acceptable(AcceptedIn::OneWay, &trip.revision))
}

fn fault(service: &Service, trip: &RoundTrip, elsewhere: &[String]) -> Option<Finding> {
    let declared = service.one_way.contains_key(&trip.revision);
    let down = trip.down.as_ref()?;
    if declared || unwritten::is_unwritten(trip) {
        return None;
    }
    if let Some(step) = down.steps.iter().find(|step| step.awaitable) {
        return Some(failure::not_awaited(step));
    }
    if !down.finished() {
        return Some(not_taken_back(service, trip, down));
    }
    let left = condensed(&trip.left);
    if !left.is_empty() {
        return Some(left_behind(service, trip, &left));
    }
    let second = trip.again.as_ref()?;
    if !second.finished() {
        return Some(again::failed(trip, second));
    }
    if let Some(up_after_others) = &trip.up_after_others {
        return Some(again::worn_out(trip, up_after_others));
    }
    let lost = built_otherwise(&trip.lost, elsewhere);
    (!lost.is_empty()).then(|| {
        listed(
            Finding::new(format!(
                "revision {} builds something else the second time",
                trip.revision
            )),
            &lost,
        )
        .mark(
            header(&trip.up).as_ref(),
            "this revision: upgrade, downgrade, upgrade",
        )
        .help("let downgrade() undo exactly what upgrade() does")
    })
}

/// A revision that can be upgraded cannot here, which no other criterion reports.
fn not_upgraded(
    attribution: &Attribution<'_>,
    evidence: &Evidence,
    trip: &RoundTrip,
) -> Option<Finding> {
    let mut own = attribution.reported_by(&CRITERION);
    let is_own = own
        .any(|failure| matches!(failure.kind, FailureKind::RoundTrip(other) if std::ptr::eq(other, trip)));
    let finding = failure::failure(&trip.up).filter(|_| is_own)?;
    let elsewhere = match &evidence.stepped {
        Some(_) => "revision by revision",
        None => "in one go",
    };
    let finding = finding.note(format!(
        "{elsewhere} it can be upgraded; here each revision below it had gone up, down and up again"
    ));
    Some(match trip.up.outcome.error() {
        Some(_) => finding.help(
            "rows that one of those left stand in the way: let its downgrade() delete what its upgrade() inserts",
        ),
        None => finding,
    })
}

/// The line that declares a revision one-way.
fn one_way_line(service: &Service, revision: &str) -> String {
    format!(
        "or, where nothing can put it back, write into {}, below [downgrade.one_way]: \"{revision}\" = \"<reason>\"",
        service.file.display()
    )
}

/// The downgrade raised, hung, or ended the interpreter.
fn not_taken_back(service: &Service, trip: &RoundTrip, down: &Transcript) -> Finding {
    let mut finding = Finding::new(format!(
        "revision {} cannot be downgraded: {}",
        trip.revision,
        ending(down)
    ))
    .mark(failed_at(down).as_ref(), "here");
    if let Some(raised) = down.outcome.error() {
        let state = raised.sqlstate.iter();
        let refused = state.map(|state| format!("postgresql: {state} {}", raised.first_line()));
        finding.notes.extend(refused.chain(raised.notes.clone()));
    }
    if let Some(refusal) = failure::refused_before(down) {
        finding = finding.note(failure::went_on(refusal));
        if let Some(statement) = down.failed_statement() {
            let sql = failure::shortened(&statement.sql);
            finding = finding.note(format!("the statement: {sql}"));
        }
    }
    if let Outcome::TimedOut { database, .. } = &down.outcome {
        finding
            .notes
            .extend(database.iter().map(|line| format!("postgresql: {line}")));
    }
    let need = down.outcome.error().and_then(|error| error.needs.as_ref());
    let finding = match need.filter(|need| need.may_explain(down)) {
        Some(need) => upgrade_head::provide(service, need, finding),
        None => finding.help(undo::advice(down)),
    };
    finding.help(one_way_line(service, &trip.revision))
}

/// The downgrade ran, but the catalog is not what it was.
fn left_behind(service: &Service, trip: &RoundTrip, left: &[&Change]) -> Finding {
    let title = match left {
        [one] => match (&one.before, &one.after) {
            (None, _) => format!(
                "the downgrade of revision {} leaves {} behind",
                trip.revision,
                one.object()
            ),
            (_, None) => format!(
                "the downgrade of revision {} removes {}, which was there before",
                trip.revision,
                one.object()
            ),
            _ => format!(
                "the downgrade of revision {} does not restore {}",
                trip.revision,
                one.object()
            ),
        },
        many => format!(
            "the downgrade of revision {} leaves {} objects other than before",
            trip.revision,
            many.len()
        ),
    };
    let mut finding = Finding::new(title);
    for change in left {
        let dropped = undo::dropped_at(trip, change);
        let label = if dropped.is_some() {
            "dropped here"
        } else {
            "this is not undone"
        };
        let place = dropped.or_else(|| undo::made_at(&trip.up, change));
        let is_new = |place: &Place| !finding.marks.iter().any(|mark| mark.place == *place);
        if finding.marks.len() < MARKED && place.as_ref().is_some_and(is_new) {
            finding = finding.mark(place.as_ref(), format!("{}: {label}", change.object()));
        }
    }
    if finding.marks.is_empty() {
        finding = finding.mark(header(&trip.up).as_ref(), "this revision");
    }
    let mut in_order = left.to_vec();
    in_order.sort_by_key(|change| undo::rank(change));
    let helps = in_order
        .iter()
        .filter_map(|change| undo::line(trip, change, left))
        .take(SHOWN);
    let finding = helps.fold(listed(finding, left), Finding::help);
    match left.iter().any(|change| undo::is_label_added(change)) {
        true => finding.help(one_way_line(service, &trip.revision)),
        false => finding,
    }
}

/// Tells whether the whole way down failed, or left something at the bottom.
fn fully_downgraded(
    service: &Service,
    full_downgrade: &FullDowngrade,
    elsewhere: &[String],
) -> Option<Finding> {
    if !full_downgrade.down.finished() {
        return Some(
            Finding::new(format!("`alembic {}` from the head fails: {}", full_downgrade.down.command, ending(&full_downgrade.down)))
                .mark(failed_at(&full_downgrade.down).as_ref(), "here")
                .note("each revision alone can be taken back; one after the other in one context they cannot"),
        );
    }
    let left = condensed(&full_downgrade.left);
    if !left.is_empty() {
        return Some(listed(
            Finding::new("`alembic downgrade base` leaves something behind"),
            &left,
        ));
    }
    let again = full_downgrade.again.as_ref()?;
    if !again.finished() {
        return Some(
            Finding::new(format!(
                "`alembic upgrade head` fails after `alembic {}`: {}",
                full_downgrade.down.command,
                ending(again)
            ))
            .mark(failed_at(again).as_ref(), "here"),
        );
    }
    let lost = built_otherwise(&full_downgrade.lost, elsewhere);
    (!lost.is_empty()).then(|| {
        listed(
            Finding::new(format!(
                "after `alembic {}`, `alembic upgrade head` builds another database",
                full_downgrade.down.command
            )),
            &lost,
        )
        .help(format!(
            "compare with the first upgrade; the service is {}",
            service.name
        ))
    })
}

/// The notes of a green result.
fn notes(service: &Service, stairway: &Stairway) -> Vec<String> {
    let mut notes: Vec<String> = service
        .one_way
        .iter()
        .map(|(revision, reason)| format!("revision {revision} is one-way: {reason}"))
        .collect();
    let stopped = stairway
        .full_downgrade
        .as_ref()
        .and_then(|full_downgrade| full_downgrade.stopped_at.as_ref());
    notes.extend(
        stopped.map(|revision| format!("the way down stopped at the one-way revision {revision}")),
    );
    let extensions = stairway
        .trips
        .iter()
        .flat_map(|trip| &trip.left)
        .filter(|change| change.is_extension());
    notes.extend(extensions.map(|change| format!("{} stays after a downgrade", change.object())));
    notes
}

fn failed_at(transcript: &Transcript) -> Option<Place> {
    failure::failed_at(transcript)
}

/// The file of the revision that ran.
fn header(transcript: &Transcript) -> Option<Place> {
    let step = transcript.steps.last()?;
    Some(Place {
        revision: Some(step.revision.clone()),
        ..Place::line(Path::new(&step.file), step.line.unwrap_or(1))
    })
}

/// The end of a transcript, in a few words.
fn ending(transcript: &Transcript) -> String {
    match &transcript.outcome {
        Outcome::Finished => "it finished".to_owned(),
        Outcome::Raised(raised) | Outcome::Swallowed(raised) => {
            let before = failure::refused_before(transcript);
            before.map_or_else(|| raised.line(), str::to_owned)
        }
        Outcome::TimedOut { limit, .. } => format!("it took longer than {limit} s"),
        Outcome::Ended { how, .. } => format!("Python {how}"),
    }
}

#[cfg(test)]
mod tests;
