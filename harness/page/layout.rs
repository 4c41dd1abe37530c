//! The place of each revision in the drawing of a history, and the course of its lines:
//! newest first, one row each, as `git log --graph` does it.

use std::collections::BTreeMap;

use crate::data::{History, Revision};

/// A history, laid out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout<'a> {
    /// The revisions, newest first, each with its lane.
    pub rows: Vec<(&'a Revision, usize)>,
    /// The lines from revisions to their parents.
    pub lines: Vec<Line>,
    /// The number of lanes.
    pub lanes: usize,
}

/// A line from one row to another, which for the way between runs in a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// The row it comes from.
    pub from: usize,
    /// The row it leads to.
    pub to: usize,
    /// The lane between the two; `None` for one that does not lead down, or that only
    /// `depends_on` asks for.
    pub lane: Option<usize>,
    /// Tells whether it is `depends_on`.
    pub depends: bool,
}

/// Lays out a history. What names a revision that is not there has no line.
#[must_use]
pub fn lay_out(history: &History) -> Layout<'_> {
    let revisions: Vec<&Revision> = history.revisions.iter().rev().collect();
    let row_of: BTreeMap<&str, usize> = revisions
        .iter()
        .enumerate()
        .map(|(row, one)| (one.id.as_str(), row))
        .collect();
    let mut layout = Layout::default();
    // In each lane the rows that wait there for a parent, and for which one.
    let mut open: Vec<Option<Waiting>> = Vec::new();
    for (row, revision) in revisions.into_iter().enumerate() {
        let arriving: Vec<usize> = (0..open.len())
            .filter(|lane| open[*lane].is_some_and(|waiting| waiting.to == row))
            .collect();
        let lane = arriving.first().copied().unwrap_or_else(|| free(&mut open));
        for arrived in arriving {
            if let Some(waiting) = open[arrived].take() {
                layout.lines.push(Line {
                    from: waiting.from,
                    to: row,
                    lane: Some(arrived),
                    depends: false,
                });
            }
        }
        layout.rows.push((revision, lane));
        let mut next = Some(lane);
        for to in revision
            .down_revisions
            .iter()
            .filter_map(|id| row_of.get(id.as_str()).copied())
        {
            if to <= row {
                layout.lines.push(Line {
                    from: row,
                    to,
                    lane: None,
                    depends: false,
                });
                continue;
            }
            let lane = next.take().unwrap_or_else(|| free(&mut open));
            open[lane] = Some(Waiting { from: row, to });
        }
        layout.lanes = layout.lanes.max(open.len());
        let depends = revision
            .depends_on
            .iter()
            .filter_map(|id| row_of.get(id.as_str()).copied());
        layout.lines.extend(depends.map(|to| Line {
            from: row,
            to,
            lane: None,
            depends: true,
        }));
    }
    layout
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    from: usize,
    to: usize,
}

/// The first lane in which nothing waits; a new one if need be.
fn free(open: &mut Vec<Option<Waiting>>) -> usize {
    match open.iter().position(Option::is_none) {
        Some(lane) => lane,
        None => {
            open.push(None);
            open.len() - 1
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(edges: &[(&str, &[&str])]) -> History {
        let revisions = edges.iter().map(|(id, parents)| Revision {
            id: (*id).to_owned(),
            down_revisions: parents.iter().map(|id| (*id).to_owned()).collect(),
            ..Revision::default()
        });
        History {
            revisions: revisions.collect(),
            unread: Vec::new(),
        }
    }

    #[test]
    fn a_fork_and_its_merge_take_two_lanes() {
        let history = history(&[("a", &[]), ("b", &["a"]), ("c", &["a"]), ("d", &["b", "c"])]);
        let layout = lay_out(&history);
        let rows: Vec<(&str, usize)> = layout
            .rows
            .iter()
            .map(|(one, lane)| (one.id.as_str(), *lane))
            .collect();
        assert_eq!(rows, [("d", 0), ("c", 1), ("b", 0), ("a", 0)]);
        assert_eq!(layout.lanes, 2);
        assert_eq!(layout.lines.len(), 4);
        assert!(layout.lines.contains(&Line {
            from: 1,
            to: 3,
            lane: Some(1),
            depends: false
        }));
    }

    #[test]
    fn a_long_history_stays_in_one_lane() {
        let ids: Vec<String> = (0..400).map(|number| number.to_string()).collect();
        let revisions = ids.iter().enumerate().map(|(at, id)| Revision {
            id: id.clone(),
            down_revisions: at
                .checked_sub(1)
                .map(|before| ids[before].clone())
                .into_iter()
                .collect(),
            ..Revision::default()
        });
        let history = History {
            revisions: revisions.collect(),
            unread: Vec::new(),
        };
        let layout = lay_out(&history);
        assert_eq!((layout.lanes, layout.lines.len()), (1, 399));
    }

    #[test]
    fn cycles_and_missing_parents_are_laid_out_too() {
        let history = history(&[("a", &["b"]), ("b", &["a"]), ("c", &["gone"])]);
        let layout = lay_out(&history);
        assert_eq!(layout.rows.len(), 3);
        assert_eq!(
            layout
                .lines
                .iter()
                .filter(|line| line.lane.is_none())
                .count(),
            1
        );
    }
}
