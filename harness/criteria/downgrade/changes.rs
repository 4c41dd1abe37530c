//! The changes that a way down left: which of them are told, and how.

use crate::criteria::Finding;
use crate::evidence::catalog::{Change, Object, ObjectKind};
use crate::text::beginning;

/// The length to which a definition is cut.
pub(super) const SHOWN: usize = 160;
/// The number of changes that are listed.
const LISTED: usize = 8;

/// The changes without what comes and goes with a listed table, and without
/// extensions, which other services' databases may share in spirit: a note.
pub(super) fn condensed(changes: &[Change]) -> Vec<&Change> {
    let whole = |change: &Change| change.before.is_none() || change.after.is_none();
    let relations: Vec<&Object> = changes
        .iter()
        .filter(|change| whole(change))
        .filter_map(Change::any)
        .filter(|object| object.kind.is_relation())
        .collect();
    let belongs = |object: &Object| {
        relations.iter().any(|relation| {
            let schema = relation.schema.as_deref().unwrap_or_default();
            *relation != object
                && relation.schema == object.schema
                && (object.name.starts_with(&format!("{}.", relation.name))
                    || object
                        .definition
                        .contains(&format!(" ON {schema}.{} ", relation.name))
                    || object
                        .definition
                        .contains(&format!("OWNED BY {schema}.{}.", relation.name)))
        })
    };
    // PostgreSQL makes and drops the index of a constraint with it.
    let of_constraint = |change: &Change, object: &Object| {
        let same = |other: &Change| {
            let constraint = other.any().filter(|other| {
                other.kind == ObjectKind::Constraint && other.schema == object.schema
            });
            constraint
                .is_some_and(|constraint| constraint.name.ends_with(&format!(".{}", object.name)))
                && other.before.is_some() == change.before.is_some()
                && other.after.is_some() == change.after.is_some()
        };
        object.kind == ObjectKind::Index && changes.iter().any(same)
    };
    let kept = changes.iter().filter(|change| !change.is_extension());
    kept.filter(|change| {
        change
            .any()
            .is_some_and(|object| !belongs(object) && !of_constraint(change, object))
    })
    .collect()
}

/// The changes that a second upgrade makes, but for objects that are told of elsewhere.
pub(super) fn built_otherwise<'a>(changes: &'a [Change], elsewhere: &[String]) -> Vec<&'a Change> {
    let mut changes = condensed(changes);
    changes.retain(|change| !elsewhere.contains(&change.object()));
    changes
}

pub(super) fn listed(mut finding: Finding, changes: &[&Change]) -> Finding {
    for change in changes.iter().take(LISTED) {
        finding = finding.note(match (&change.before, &change.after) {
            (None, _) => format!("left behind: {}", change.object()),
            (Some(_), None) => format!("gone: {}", change.object()),
            (Some(before), Some(after)) => was_and_is(before, after),
        });
    }
    match changes.len().saturating_sub(LISTED) {
        0 => finding,
        more => finding.note(format!("and {more} more")),
    }
}

/// An object before and after: whole where it is short, else the lines that differ.
pub(super) fn was_and_is(before: &Object, after: &Object) -> String {
    let (was, is): (Vec<&str>, Vec<&str>) = (
        before.definition.lines().collect(),
        after.definition.lines().collect(),
    );
    let same = was
        .iter()
        .zip(&is)
        .take_while(|(left, right)| left == right)
        .count();
    let (was_rest, is_rest) = (&was[same..], &is[same..]);
    let backwards = was_rest.iter().rev().zip(is_rest.iter().rev());
    let tail = backwards.take_while(|(left, right)| left == right).count();
    let differing = |lines: &[&str]| {
        let text = beginning(&lines[..lines.len() - tail].join(" "), SHOWN);
        if text.is_empty() {
            "nothing".to_owned()
        } else {
            format!("`{text}`")
        }
    };
    format!(
        "{}: was {}, is {}",
        before.title(),
        differing(was_rest),
        differing(is_rest)
    )
}
