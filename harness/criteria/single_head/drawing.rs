//! Draws a forked history, so that the fork is seen and not deduced.

use std::collections::{BTreeMap, BTreeSet};

use crate::alembic::graph::Graph;
use crate::alembic::revision::Revision;

/// The number of revisions in a row that are drawn before a fork or a head; the rest is counted.
const DRAWN: usize = 2;

/// The revisions from the fork to the heads, or from each base where there is no fork;
/// oldest first, the first branch as the trunk. `whose` says what is worth knowing of
/// the origin of a revision, by its id.
pub fn history(
    graph: &Graph,
    fork: Option<&Revision>,
    heads: &[&Revision],
    whose: &dyn Fn(&str) -> Option<String>,
) -> String {
    let mut drawing = Drawing::new(graph, fork, heads, whose);
    let roots: Vec<&Revision> = match fork {
        Some(fork) => vec![fork],
        None => drawing
            .shown
            .values()
            .copied()
            .filter(|one| one.down_revisions.is_empty())
            .collect(),
    };
    for (position, root) in roots.into_iter().enumerate() {
        if position > 0 {
            drawing.lines.push(String::new());
        }
        drawing.draw(root, "");
    }
    drawing.lines.join("\n")
}

struct Drawing<'a> {
    /// The revisions that are drawn at all, by id.
    shown: BTreeMap<&'a str, &'a Revision>,
    children: BTreeMap<&'a str, Vec<&'a Revision>>,
    heads: BTreeSet<&'a str>,
    width: usize,
    drawn: BTreeSet<&'a str>,
    whose: &'a dyn Fn(&str) -> Option<String>,
    lines: Vec<String>,
}

impl<'a> Drawing<'a> {
    fn new(
        graph: &'a Graph,
        fork: Option<&'a Revision>,
        heads: &[&'a Revision],
        whose: &'a dyn Fn(&str) -> Option<String>,
    ) -> Self {
        let below: BTreeSet<&str> = fork
            .into_iter()
            .flat_map(|fork| ancestors(graph, fork))
            .collect();
        let above: BTreeSet<&str> = heads
            .iter()
            .flat_map(|head| ancestors(graph, head))
            .collect();
        let is_fork = |id: &str| fork.is_some_and(|fork| fork.id == id);
        let shown: BTreeMap<&str, &Revision> = graph
            .revisions
            .iter()
            .map(|one| (one.id.as_str(), one))
            .filter(|(id, _)| above.contains(id) && (!below.contains(id) || is_fork(id)))
            .collect();
        let mut children: BTreeMap<&str, Vec<&Revision>> = BTreeMap::new();
        for revision in shown.values() {
            for down in &revision.down_revisions {
                children.entry(down).or_default().push(revision);
            }
        }
        Self {
            width: shown
                .keys()
                .map(|id| id.chars().count())
                .max()
                .unwrap_or_default(),
            heads: heads.iter().map(|head| head.id.as_str()).collect(),
            drawn: BTreeSet::new(),
            lines: Vec::new(),
            whose,
            shown,
            children,
        }
    }

    /// A revision and what follows it; branches to the right, the first one below.
    fn draw(&mut self, from: &'a Revision, bars: &str) {
        let row = self.row(from);
        let hidden = row.len().saturating_sub(1 + DRAWN + 1);
        for (position, revision) in row.iter().enumerate() {
            if position == 1 && hidden > 0 {
                self.lines.push(format!("{bars}: {hidden} more"));
            }
            if position == 0 || position > hidden {
                self.lines.push(self.line(revision, bars));
            }
        }
        let Some(last) = row.last() else { return };
        let next = self
            .children
            .get(last.id.as_str())
            .cloned()
            .unwrap_or_default();
        for branch in next.iter().skip(1) {
            if !self.drawn.contains(branch.id.as_str()) {
                self.lines.push(format!("{bars}|\\"));
                self.draw(branch, &format!("{bars}| "));
            }
        }
        if let Some(trunk) = next.first() {
            self.draw(trunk, bars);
        }
    }

    /// The revisions from here on, until one has several children or none.
    fn row(&mut self, from: &'a Revision) -> Vec<&'a Revision> {
        let (mut row, mut next) = (Vec::new(), Some(from));
        while let Some(revision) = next.take().filter(|one| self.drawn.insert(one.id.as_str())) {
            row.push(revision);
            next = match self.children.get(revision.id.as_str()).map(Vec::as_slice) {
                Some([only]) => Some(*only),
                _ => None,
            };
        }
        row
    }

    fn line(&self, revision: &Revision, bars: &str) -> String {
        let head = self
            .heads
            .contains(revision.id.as_str())
            .then(|| "head".to_owned());
        let remarks: Vec<String> = head.into_iter().chain((self.whose)(&revision.id)).collect();
        let remarks = if remarks.is_empty() {
            String::new()
        } else {
            format!("   ({})", remarks.join(", "))
        };
        // Messages stand in one column as long as no more than two branches are open.
        let taken = bars.chars().count() + revision.id.chars().count();
        let padding = " ".repeat((self.width + 4).saturating_sub(taken).max(2));
        format!(
            "{bars}* {}{padding}{}{remarks}",
            revision.id,
            super::message_of(revision)
        )
    }
}

/// A revision and all that it was written on top of.
fn ancestors<'a>(graph: &'a Graph, from: &'a Revision) -> BTreeSet<&'a str> {
    let by_id: BTreeMap<&str, &Revision> = graph
        .revisions
        .iter()
        .map(|one| (one.id.as_str(), one))
        .collect();
    let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(revision) = next.pop() {
        if seen.insert(revision.id.as_str()) {
            next.extend(
                revision
                    .down_revisions
                    .iter()
                    .filter_map(|id| by_id.get(id.as_str())),
            );
        }
    }
    seen
}
