//! A `downgrade()` that puts everything back.

use super::changes::condensed;
use super::undo::{self, Undo};
use super::{CRITERION, failed_at};
use crate::alembic::edits::Source;
use crate::alembic::sql;
use crate::alembic::transcript::Transcript;
use crate::criteria::proposal::{Act, Fix, Proposal, PublishedIds};
use crate::evidence::Evidence;
use crate::evidence::catalog::Change;
use crate::evidence::stairway::RoundTrip;
use crate::manifest::Service;
use crate::patch::{Edit, Patch};

/// PostgreSQL's dependent_objects_still_exist
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
const STILL_USED: &str = "2BP01";
/// The function that is edited.
const DOWNGRADE: &str = "downgrade";

/// Proposes the statements that undo what a downgrade leaves, or another order of them.
pub fn propose(service: &Service, evidence: &Evidence, published: &PublishedIds) -> Vec<Proposal> {
    let trips = evidence
        .stairway
        .iter()
        .flat_map(|stairway| &stairway.trips);
    let meant = trips.filter(|trip| !service.one_way.contains_key(&trip.revision));
    meant
        .filter_map(|trip| for_trip(evidence, trip, published))
        .collect()
}

fn for_trip(evidence: &Evidence, trip: &RoundTrip, published: &PublishedIds) -> Option<Proposal> {
    let down = trip.down.as_ref()?;
    let left = condensed(&trip.left);
    if down.finished() && left.is_empty() {
        return None;
    }
    let revisions = &evidence.history.graph.revisions;
    let revision = revisions
        .iter()
        .find(|revision| revision.id == trip.revision)?;
    let id = &trip.revision;
    let source = Source::read(&revision.file)?;
    let edits = match down.finished() {
        true => undone(&source, trip, &left),
        false => in_order(&source, trip, down),
    };
    Some(match edits {
        Ok((what, edits)) => Proposal::Fix(Fix {
            class: published.class(id),
            ..Fix::new(
                &CRITERION,
                format!("the downgrade of revision {id} {what}"),
                Act::Edit(Patch::default().edit(&revision.file, edits)),
            )
        }),
        Err(why) => Proposal::refused(&CRITERION, format!("revision {id}: {why}")),
    })
}

/// The statements that are missing, and without those that do too much.
fn undone(
    source: &Source,
    trip: &RoundTrip,
    left: &[&Change],
) -> Result<(String, Vec<Edit>), String> {
    if left.iter().any(|change| undo::is_label_added(change)) {
        return Err("PostgreSQL cannot take a label back".to_owned());
    }
    let mut in_order = left.to_vec();
    in_order.sort_by_key(|change| undo::rank(change));
    let (mut lines, mut edits) = (Vec::new(), Vec::new());
    let mut objects = Vec::new();
    for change in in_order {
        let nothing = || {
            format!(
                "no statement is known that undoes what becomes of {}",
                change.object()
            )
        };
        objects.push(change.object());
        match undo::undo(trip, change, left).ok_or_else(nothing)? {
            Undo::WithAnother => {}
            Undo::Line(line) => lines.push(line),
            Undo::Without(place) if place.file == source.file => {
                let without = source.without_statement(place.line).ok_or_else(nothing)?;
                edits.extend(
                    without
                        .into_iter()
                        .filter(|edit| !edits.contains(edit))
                        .collect::<Vec<_>>(),
                );
            }
            Undo::Without(_) => return Err(nothing()),
        }
    }
    if !lines.is_empty() {
        let added = source.with_lines(DOWNGRADE, &lines);
        edits.extend(added.ok_or("its downgrade() is no function of that file")?);
    }
    let what = match objects.as_slice() {
        [one] => one.clone(),
        [one, another] => format!("{one} and {another}"),
        [one, more @ ..] => format!("{one} and {} others", more.len()),
        [] => return Err("nothing is left".to_owned()),
    };
    Ok((format!("puts back {what}"), edits))
}

/// The statement that was refused because something still depends on what it drops: last, or
/// not at all where this revision did not make that.
fn in_order(
    source: &Source,
    trip: &RoundTrip,
    down: &Transcript,
) -> Result<(String, Vec<Edit>), String> {
    let error = down.outcome.error().ok_or("its downgrade did not end")?;
    if error.sqlstate.as_deref() != Some(STILL_USED) {
        return Err(format!(
            "what its downgrade raises has no fix here: {}",
            error.line()
        ));
    }
    let place = failed_at(down).filter(|place| place.file == source.file);
    let place = place.ok_or("the statement that fails is not in its file")?;
    let statement = down
        .failed_statement()
        .ok_or("the statement that fails was not seen")?;
    let dropped = |name: &&str| sql::drops(&statement.sql, name);
    let creations = trip.up.enums.iter().filter(|one| one.before.is_none());
    let made: Vec<&str> = creations.map(|one| one.name.as_str()).collect();
    let makes = made.iter().any(dropped);
    let is_type = sql::words(&statement.sql)
        .get(1)
        .is_some_and(|word| word == "type");
    if is_type && !makes {
        let edits = source.without_statement(place.line);
        let edits = edits.ok_or("other code stands on the line that fails")?;
        return Ok((
            "leaves the type to the revision that creates it".to_owned(),
            edits,
        ));
    }
    let edits = source.moved_to_end(place.line, DOWNGRADE);
    let edits = edits.ok_or("the statement that fails is the last one")?;
    Ok(("drops last what others depend on".to_owned(), edits))
}
