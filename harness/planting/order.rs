//! The order in which tables get their rows: [`layers`], parents first.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::Draft;

/// Tables whose parents all have their rows before.
#[derive(Debug, PartialEq, Eq)]
pub enum Layer {
    /// Tables that do not refer to one another.
    Apart(Vec<usize>),
    /// Tables in a circle of keys that may not be NULL: their rows are planted together.
    Circle(Vec<usize>),
}

/// Puts tables in order. A circle is broken at a table whose keys may be NULL: those are
/// left open, and set once all tables have their rows.
pub fn layers(drafts: &mut [Draft]) -> Vec<Layer> {
    let mut waiting: BTreeSet<usize> = (0..drafts.len()).collect();
    let mut layers = Vec::new();
    while !waiting.is_empty() {
        let ready: Vec<usize> = waiting
            .iter()
            .copied()
            .filter(|at| pending(drafts, &waiting, *at).is_empty())
            .collect();
        let layer = if !ready.is_empty() {
            Layer::Apart(ready)
        } else if let Some(at) = waiting
            .iter()
            .copied()
            .find(|at| can_wait(drafts, &waiting, *at))
        {
            open(drafts, &waiting, at);
            Layer::Apart(vec![at])
        } else {
            let mut circle = smallest_circle(drafts, &waiting);
            if let Some(at) = circle
                .iter()
                .copied()
                .find(|at| open(drafts, &waiting, *at))
            {
                // One key of several could wait: look again without it.
                let _ = at;
                continue;
            }
            circle.sort_unstable();
            if circle.len() == 1 {
                Layer::Apart(circle)
            } else {
                Layer::Circle(circle)
            }
        };
        let (Layer::Apart(taken) | Layer::Circle(taken)) = &layer;
        waiting.retain(|at| !taken.contains(at));
        layers.push(layer);
    }
    layers
}

/// The tables that have to come before one.
fn pending(drafts: &[Draft], waiting: &BTreeSet<usize>, at: usize) -> BTreeSet<usize> {
    let links = drafts[at].links.iter().filter(|link| !link.is_open);
    let parents =
        links.filter_map(|link| drafts.iter().position(|one| one.table.oid == link.parent));
    parents
        .filter(|parent| *parent != at && waiting.contains(parent))
        .collect()
}

/// Tells whether a row can be planted before those that it will refer to.
fn can_wait(drafts: &[Draft], waiting: &BTreeSet<usize>, at: usize) -> bool {
    let parents: BTreeSet<i64> = pending(drafts, waiting, at)
        .iter()
        .map(|parent| drafts[*parent].table.oid)
        .collect();
    let mut links = drafts[at]
        .links
        .iter()
        .filter(|link| parents.contains(&link.parent) && !link.is_open);
    links.all(|link| is_nullable(&drafts[at], &link.key.columns))
}

fn is_nullable(draft: &Draft, columns: &[i16]) -> bool {
    let mut columns = columns
        .iter()
        .filter_map(|number| draft.table.column(*number));
    columns.any(|column| !column.not_null)
}

/// Leaves the keys open that may be NULL and refer to a table that comes later.
fn open(drafts: &mut [Draft], waiting: &BTreeSet<usize>, at: usize) -> bool {
    let parents: BTreeSet<i64> = pending(drafts, waiting, at)
        .iter()
        .map(|parent| drafts[*parent].table.oid)
        .collect();
    let may_wait: Vec<bool> = {
        let draft = &drafts[at];
        let links = draft.links.iter();
        links
            .map(|link| {
                !link.is_open
                    && parents.contains(&link.parent)
                    && is_nullable(draft, &link.key.columns)
            })
            .collect()
    };
    let any = may_wait.contains(&true);
    for (link, waits) in drafts[at].links.iter_mut().zip(may_wait) {
        link.is_open |= waits;
    }
    any
}

/// The tables that lead to fewest others.
fn smallest_circle(drafts: &[Draft], waiting: &BTreeSet<usize>) -> Vec<usize> {
    let next: BTreeMap<usize, BTreeSet<usize>> = waiting
        .iter()
        .map(|at| (*at, pending(drafts, waiting, *at)))
        .collect();
    let reached = |from: usize| {
        let mut found = BTreeSet::from([from]);
        let mut ahead = vec![from];
        while let Some(at) = ahead.pop() {
            let fresh = next.get(&at).into_iter().flatten().copied();
            ahead.extend(fresh.filter(|one| found.insert(*one)));
        }
        found
    };
    let all = waiting.iter().map(|at| reached(*at));
    all.min_by_key(BTreeSet::len)
        .unwrap_or_default()
        .into_iter()
        .collect()
}
