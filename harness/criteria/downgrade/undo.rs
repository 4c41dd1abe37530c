//! The way to undo what a `downgrade()` does not put back.

mod advice;
mod calls;
mod column;

use crate::alembic::sql;
use crate::alembic::transcript::{Place, Transcript};
use crate::evidence::catalog::{Change, Object, ObjectKind};
use crate::evidence::stairway::RoundTrip;
use calls::{create, created, drop, dropped, is_extended, last_name, rename, restore, restored};

pub(super) use advice::advice;

/// The place of a change in the order in which lines can be executed: what depends on other
/// things comes first.
pub(super) fn rank(change: &Change) -> usize {
    let Some(object) = change.any() else { return 0 };
    match object.kind {
        ObjectKind::EventTrigger
        | ObjectKind::Cast
        | ObjectKind::Extension
        | ObjectKind::Operator
        | ObjectKind::OperatorClass
        | ObjectKind::OperatorFamily
        | ObjectKind::TextSearchConfiguration => 0,
        ObjectKind::TextSearchDictionary => 1,
        ObjectKind::Trigger => 2,
        ObjectKind::Policy => 3,
        ObjectKind::Rule => 4,
        ObjectKind::Comment
        | ObjectKind::CommentOnColumn
        | ObjectKind::CommentOnConstraint
        | ObjectKind::CommentOnTable => 5,
        ObjectKind::Publication => 6,
        ObjectKind::View => 7,
        ObjectKind::MaterializedView => 8,
        ObjectKind::Constraint => 9,
        ObjectKind::Index => 10,
        ObjectKind::Statistics => 11,
        ObjectKind::Column | ObjectKind::ColumnOrder => 12,
        ObjectKind::Table => 13,
        ObjectKind::ForeignTable => 14,
        ObjectKind::Server => 15,
        ObjectKind::ForeignDataWrapper => 16,
        ObjectKind::Function => 17,
        ObjectKind::Procedure => 18,
        ObjectKind::Aggregate => 19,
        ObjectKind::Sequence => 20,
        ObjectKind::Domain => 21,
        ObjectKind::EnumType => 22,
        ObjectKind::CompositeType => 23,
        ObjectKind::RangeType => 24,
        ObjectKind::Collation => 25,
        ObjectKind::Schema => 26,
        ObjectKind::Role => 27,
    }
}

/// The line that would undo a change.
pub(super) fn line(trip: &RoundTrip, change: &Change, all: &[&Change]) -> Option<String> {
    match (&change.before, &change.after) {
        (None, Some(left)) => {
            let renamed = all.iter().find_map(|other| renamed(&trip.up, other, left));
            Some(format!(
                "in downgrade(): {}",
                renamed.map_or_else(|| drop(left), |gone| rename(left, gone))
            ))
        }
        (Some(gone), None) => gone_line(trip, change, gone, all),
        (Some(before), Some(after)) => Some(format!("in downgrade(): {}", restore(before, after))),
        (None, None) => None,
    }
}

/// A change of the file that undoes a change of the catalog.
pub(super) enum Undo {
    /// A line at the end of `downgrade()`.
    Line(String),
    /// A statement of `downgrade()` that goes.
    Without(Place),
    /// Undone by what undoes another change.
    WithAnother,
}

/// The way to undo a change, where that can be told.
pub(super) fn undo(trip: &RoundTrip, change: &Change, all: &[&Change]) -> Option<Undo> {
    match (&change.before, &change.after) {
        (None, Some(left)) => {
            let renamed = all.iter().find_map(|other| renamed(&trip.up, other, left));
            let line = renamed.map_or_else(|| dropped(left), |gone| rename(left, gone));
            Some(Undo::Line(line))
        }
        (Some(gone), None) => {
            let mut lefts = all.iter().filter_map(|other| other.after.as_ref());
            if lefts.any(|left| renamed(&trip.up, change, left).is_some()) {
                return Some(Undo::WithAnother);
            }
            match dropped_at(trip, change) {
                Some(place) => Some(Undo::Without(place)),
                None => created(gone).map(Undo::Line),
            }
        }
        (Some(before), Some(after)) => restored(before, after).map(Undo::Line),
        (None, None) => None,
    }
}

/// The line about an object that is gone: renamed, dropped by downgrade(), or not created again.
fn gone_line(trip: &RoundTrip, change: &Change, gone: &Object, all: &[&Change]) -> Option<String> {
    let is_renamed = |other: &&&Change| {
        other
            .after
            .as_ref()
            .is_some_and(|left| renamed(&trip.up, change, left).is_some())
    };
    if all.iter().any(|other| is_renamed(&other)) {
        return None; // the line of its new name says it
    }
    if dropped_at(trip, change).is_some() {
        return Some(format!(
            "in downgrade(): leave {} alone, it is older than this revision",
            gone.title()
        ));
    }
    Some(format!("in downgrade(): {}", create(gone)))
}

/// The place where downgrade() itself drops what was there before.
pub(super) fn dropped_at(trip: &RoundTrip, change: &Change) -> Option<Place> {
    let (Some(gone), None, Some(down)) = (&change.before, &change.after, &trip.down) else {
        return None;
    };
    let name = last_name(gone);
    let mut statements = down
        .statements
        .iter()
        .filter(|statement| statement.place.is_some());
    statements
        .find(|statement| sql::drops(&statement.sql, name))?
        .place
        .clone()
}

/// The place where upgrade() made a change that was not undone: the statement that names the
/// object and its table, else the object alone.
pub(super) fn made_at(up: &Transcript, change: &Change) -> Option<Place> {
    let object = change.any()?;
    let name = last_name(object);
    let table = object.name.split_once('.').map_or(name, |(table, _)| table);
    let placed = || {
        // Rows are no objects; a query may call a function that makes some.
        let may_have = |sql: &str| change.before.is_none() || !sql::is_about_rows(sql);
        let placed = up.statements.iter().filter(|one| one.place.is_some());
        placed.filter(move |one| may_have(&one.sql))
    };
    let of_both = placed().find(|statement| {
        sql::mentions(&statement.sql, name) && sql::mentions(&statement.sql, table)
    });
    of_both
        .or_else(|| placed().find(|statement| sql::mentions(&statement.sql, name)))?
        .place
        .clone()
}

/// The object that `left` was before upgrade() renamed it, if `other` is that.
fn renamed<'a>(up: &Transcript, other: &'a Change, left: &Object) -> Option<&'a Object> {
    let (Some(gone), None) = (&other.before, &other.after) else {
        return None;
    };
    let (old, new) = (last_name(gone), last_name(left));
    let says = |text: &str| sql::renames(text, old) && sql::renames_to(text, new);
    let alike = gone.kind == left.kind && gone.schema == left.schema;
    (alike && up.statements.iter().any(|statement| says(&statement.sql))).then_some(gone)
}

/// Tells whether a change is a label more, which nothing takes back.
pub(super) fn is_label_added(change: &Change) -> bool {
    let (Some(before), Some(after)) = (&change.before, &change.after) else {
        return false;
    };
    before.kind == ObjectKind::EnumType && is_extended(before, after)
}

#[cfg(test)]
mod tests;
