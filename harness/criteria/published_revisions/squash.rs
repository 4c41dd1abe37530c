//! Published revisions that one other stands for now.

use std::collections::BTreeSet;

use super::{Context, KeyedFinding, restore};
use crate::alembic::revision::Revision;
use crate::alembic::transcript::Place;
use crate::criteria::Finding;
use crate::evidence::published::{Change, How};

/// So many ids are named.
const NAMED: usize = 8;

/// A squash of revisions into one.
pub(super) struct Squash<'a> {
    /// The one that stands for them, a base of the history.
    into: &'a Revision,
    /// Tells whether that has the id of a published one.
    is_old: bool,
    gone: Vec<&'a Change>,
}

impl Squash<'_> {
    /// Tells whether a change is a part of it: what is gone, what follows the new base, and that
    /// base itself.
    pub(super) fn explains(&self, change: &Change) -> bool {
        let is_gone = |id: &String| self.gone.iter().any(|gone| gone.id == *id);
        match &change.how {
            How::Deleted => is_gone(&change.id),
            How::Changed(_) => change.id == self.into.id,
            How::Moved { names, .. } => names.iter().all(|moved| {
                let follows = moved.after.iter().all(|id| *id == self.into.id);
                follows && moved.before.iter().all(is_gone)
            }),
            How::Renamed { .. } => false,
        }
    }
}

/// The squash, where bases of the history are gone and there is one new base.
pub(super) fn found<'a>(context: &Context<'a>) -> Option<Squash<'a>> {
    let changes = context.published.changes.iter();
    let gone: Vec<&Change> = changes.filter(|one| one.how == How::Deleted).collect();
    if !gone.iter().any(|change| change.parents.is_empty()) {
        return None;
    }
    let ids: BTreeSet<&str> = gone.iter().map(|change| change.id.as_str()).collect();
    let is_new = |id: &str| context.published.added.iter().any(|one| one.id == id);
    let stood_on_them = |id: &str| {
        let changes = context.published.changes.iter();
        changes.filter(|one| one.id == id).any(|one| {
            let parents = one.parents.iter();
            !one.parents.is_empty() && parents.into_iter().all(|id| ids.contains(id.as_str()))
        })
    };
    let bases = context.evidence.history.graph.bases().into_iter();
    let mut bases = bases.filter(|base| is_new(&base.id) || stood_on_them(&base.id));
    let into = bases.next()?;
    Some(Squash {
        into,
        is_old: !is_new(&into.id),
        gone,
    })
}

impl Context<'_> {
    pub(super) fn squashed(&self, squash: &Squash<'_>) -> KeyedFinding {
        let into = &squash.into.id;
        let ids: Vec<&str> = squash.gone.iter().map(|gone| gone.id.as_str()).collect();
        let (were, their) = match ids.len() {
            1 => ("1 published revision is".to_owned(), "its"),
            many => (format!("{many} published revisions are"), "their"),
        };
        let named = ids
            .iter()
            .take(NAMED)
            .copied()
            .collect::<Vec<_>>()
            .join(", ");
        let further = match ids.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let last = ids.last().copied().unwrap_or_default();
        let mut finding = Finding::new(format!(
            "{were} deleted, and {into} stands in {their} place"
        ))
        .mark(
            Some(&Place::line(&squash.into.file, squash.into.line)),
            "the base of the history now",
        )
        .note(format!("deleted: {named}{further}"))
        .note(format!(
            "a database that stands at one of them cannot be upgraded any more: Can't locate revision identified by '{last}'"
        ));
        finding = match squash.is_old {
            true => finding.note(format!("one that stands at {into} or above stays as it is")),
            false => finding.note(format!(
                "one that stands above them never runs {into}, and one without a revision runs all of it"
            )),
        };
        if let Some(first) = squash.gone.first() {
            finding = self.by(finding, first);
        }
        let finding = restore(finding, &self.checkout(&squash.gone), "");
        let finding = match squash.is_old {
            true => finding.help(format!(
                "to squash all the same: first bring every database to {into}, then accept this"
            )),
            false => finding.help(format!(
                "to squash all the same: bring every database to {last}, and with this deployment run in each: alembic stamp --purge {into}"
            )),
        };
        self.keyed(finding, format!("{into} squash"))
    }
}
