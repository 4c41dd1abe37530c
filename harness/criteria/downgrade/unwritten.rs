//! The revisions that have no `downgrade()` at all: [`finding`].

use super::{MARKED, header, one_way_line};
use crate::criteria::{AcceptedIn, Finding};
use crate::evidence::Stairway;
use crate::evidence::stairway::RoundTrip;
use crate::manifest::Service;

/// The number of lines of the manifest that are shown; the report shows no more of one advice.
const LINES: usize = 6;
/// The number of revisions that are named.
const NAMED: usize = 24;

/// Tells whether a revision has no `downgrade()`.
pub(super) fn is_unwritten(trip: &RoundTrip) -> bool {
    let step = trip.down.as_ref().and_then(|down| down.steps.last());
    step.is_some_and(|step| step.is_unwritten && step.revision == trip.revision)
}

/// The revisions without one, as one finding: where a service never goes down, that is a
/// decision about all of them.
pub(super) fn finding(service: &Service, stairway: &Stairway) -> Option<Finding> {
    let open = |trip: &&RoundTrip| !service.one_way.contains_key(&trip.revision);
    let trips = stairway.trips.iter().filter(|trip| is_unwritten(trip));
    let trips: Vec<&RoundTrip> = trips.filter(open).collect();
    let first = trips.first()?;
    let title = match trips.as_slice() {
        [one] => format!("revision {} has no downgrade()", one.revision),
        many => format!("{} revisions have no downgrade()", many.len()),
    };
    let marked = trips.iter().take(MARKED);
    let mut finding = marked.fold(Finding::new(title), |finding, trip| {
        finding.mark(header(&trip.up).as_ref(), "this revision")
    });
    if let [_, _, ..] = trips.as_slice() {
        let ids = trips.iter().map(|trip| trip.revision.as_str());
        let ids: Vec<&str> = ids.take(NAMED).collect();
        let more = match trips.len() - ids.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        finding = finding.note(format!("without one: {}{more}", ids.join(", ")));
    }
    let keys = trips.iter().map(|trip| &trip.revision);
    let finding = keys.fold(finding.help("write the downgrade"), |finding, key| {
        finding.acceptable(AcceptedIn::OneWay, key)
    });
    let mut tried = stairway.trips.iter().filter(|trip| trip.down.is_some());
    let finding = match trips.len() > 1 && !tried.any(RoundTrip::is_taken_back) {
        true => finding.help(format!(
            "or, where the service is never taken back, write into {}, below [not_applicable]: downgrade = \"<reason>\"",
            service.file.display()
        )),
        false => finding,
    };
    Some(match trips.len() {
        1 => finding.help(one_way_line(service, &first.revision)),
        _ => declared(service, &trips, finding),
    })
}

/// The lines that declare several revisions one-way.
fn declared(service: &Service, trips: &[&RoundTrip], finding: Finding) -> Finding {
    let line = |trip: &&RoundTrip| format!("\"{}\" = \"<reason>\"", trip.revision);
    let mut lines: Vec<String> = trips.iter().take(LINES).map(line).collect();
    if trips.len() > LINES {
        lines.push(format!("# and so on, {} more", trips.len() - LINES));
    }
    finding.help(format!(
        "or, where nothing can put them back, write into {}, below [downgrade.one_way]:\n{}",
        service.file.display(),
        lines.join("\n")
    ))
}
