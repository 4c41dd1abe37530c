//! Puts branches into one line: [`DownRevisionEdit`], a `down_revision` to be rewritten.
//!
//! Edits are applied to the graph before anybody is told to make them: a branch that is
//! set on another one must leave no head behind, such as the second parent of a merge.

use std::collections::HashSet;
use std::path::PathBuf;

use super::{Graph, closure};
use crate::revision::Revision;

/// A `down_revision` as it has to be for branches to be one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownRevisionEdit {
    /// The revision whose file it is in.
    pub id: String,
    /// The file.
    pub file: PathBuf,
    /// The line of its `down_revision`.
    pub line: u32,
    /// The parents that it has to name.
    pub down_revisions: Vec<String>,
}

impl Graph {
    /// The edits that set each head, with what only it has, on top of the one before it.
    /// `None` where they do not lead to a graph with one head.
    pub fn in_line(&self, heads: &[&Revision]) -> Option<Vec<DownRevisionEdit>> {
        let mut graph = self.clone();
        let mut all: Vec<DownRevisionEdit> = Vec::new();
        for pair in heads.windows(2) {
            let (onto, head) = (pair.first()?, pair.last()?);
            let below = graph.ancestors(&onto.id)?;
            let edits = graph.rebase(&head.id, &onto.id, &|id| !below.contains(id))?;
            graph = graph.with(&edits);
            all.retain(|one| edits.iter().all(|edit| edit.id != one.id));
            all.extend(edits);
        }
        graph.is_one_line().then_some(all)
    }

    /// The edits that set what is movable of the branch that ends in `head` on top of
    /// `onto`. `None` where they do not lead to a graph with one head.
    pub fn rebased(
        &self,
        head: &str,
        onto: &str,
        is_movable: &dyn Fn(&str) -> bool,
    ) -> Option<Vec<DownRevisionEdit>> {
        let edits = self.rebase(head, onto, is_movable)?;
        self.with(&edits).is_one_line().then_some(edits)
    }

    fn rebase(
        &self,
        head: &str,
        onto: &str,
        is_movable: &dyn Fn(&str) -> bool,
    ) -> Option<Vec<DownRevisionEdit>> {
        let below = self.ancestors(onto)?;
        let branch = self.ancestors(head)?;
        let moves = |id: &str| branch.contains(id) && is_movable(id);
        let movable = self.revisions.iter().filter(|one| moves(&one.id));
        let edits = movable.filter_map(|revision| {
            let mut parents = revision.down_revisions.clone();
            parents.retain(|parent| !below.contains(parent.as_str()));
            if !parents.iter().any(|parent| moves(parent)) {
                parents.push(onto.to_owned());
            }
            (parents != revision.down_revisions).then(|| DownRevisionEdit {
                id: revision.id.clone(),
                file: revision.file.clone(),
                line: revision.down_line,
                down_revisions: parents,
            })
        });
        Some(edits.collect())
    }

    /// Tells whether `id` was written on top of `other`.
    pub fn follows(&self, id: &str, other: &str) -> bool {
        let ancestors = self.ancestors(id);
        ancestors.is_some_and(|all| all.contains(other))
    }

    /// The ids of a revision and of all that it was written on top of.
    fn ancestors(&self, id: &str) -> Option<HashSet<&str>> {
        let index = self.index();
        let parents = self.parents(&index);
        let all = closure(*index.get(id)?, &parents).into_iter();
        Some(all.map(|at| self.revisions[at].id.as_str()).collect())
    }

    fn with(&self, edits: &[DownRevisionEdit]) -> Graph {
        let mut graph = self.clone();
        for revision in &mut graph.revisions {
            if let Some(edit) = edits.iter().find(|edit| edit.id == revision.id) {
                revision.down_revisions.clone_from(&edit.down_revisions);
            }
        }
        graph
    }

    fn is_one_line(&self) -> bool {
        self.problems().is_empty() && self.heads().len() == 1
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::revision_file::parse;

    /// A graph of words such as `m:b,c`: an id and its parents.
    fn graph(history: &str) -> Graph {
        let files = history.split_whitespace().map(|word| {
            let (id, parents) = word.split_once(':').unwrap_or((word, ""));
            let parents: Vec<&str> = parents.split(',').filter(|one| !one.is_empty()).collect();
            let source = format!("revision = {id:?}\ndown_revision = {parents:?}\n");
            parse(Path::new(&format!("{id}.py")), source.as_bytes())
        });
        Graph::new(files.collect(), Vec::new())
    }

    fn written(edits: Option<Vec<DownRevisionEdit>>) -> String {
        let edits = edits.unwrap_or_default();
        let words = edits
            .iter()
            .map(|edit| format!("{}:{}", edit.id, edit.down_revisions.join(",")));
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn branches_come_into_one_line() {
        for (history, expected) in [
            ("a b:a c:a", "c:b"),
            ("a b", "b:a"),
            ("a b:a c:a d:c e:d", "c:b"),
            ("a b:a c:a d:a", "c:b d:c"),
            // Two merges that share a parent.
            ("a b:a c:a d:a m1:b,c m2:c,d", "d:m1 m2:d"),
            // The parents of a merge that nothing else leads to.
            ("a b:a c:a d:a e:c,d", "c:b d:b"),
            // A base beside a merge.
            ("a b:a x e:a,x", "e:x x:b"),
            ("a b:a", ""),
        ] {
            let graph = graph(history);
            assert_eq!(
                written(graph.in_line(&graph.heads())),
                expected,
                "{history}"
            );
        }
    }

    #[test]
    fn every_advice_leads_to_one_head() {
        // Each revision follows any one or two of those before it.
        for seed in 0..400_usize {
            let mut history = vec!["r0".to_owned()];
            let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
            for number in 1..7 {
                let mut parent = || {
                    state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
                    (state >> 16) % number
                };
                let (one, other) = (parent(), parent());
                history.push(if one == other {
                    format!("r{number}:r{one}")
                } else {
                    format!("r{number}:r{one},r{other}")
                });
            }
            let graph = graph(&history.join(" "));
            let edits = graph.in_line(&graph.heads());
            let one_line = edits.map(|edits| graph.with(&edits).heads().len());
            assert_eq!(one_line, Some(1), "{history:?}");
        }
    }

    #[test]
    fn a_dependency_may_forbid_it() {
        let mut graph = graph("a b:a c:a");
        graph.revisions[1].depends_on = vec!["c".to_owned()];
        let mut heads = graph.heads();
        assert_eq!(graph.in_line(&heads), None);
        heads.reverse();
        assert_eq!(written(graph.in_line(&heads)), "b:c");
    }

    #[test]
    fn what_is_not_movable_stays() {
        let ours = |id: &str| id.starts_with('o');
        for (history, head, onto, expected) in [
            ("r o1:r t1:r", "o1", "t1", "o1:t1"),
            ("r o1:r o2:o1 t1:r", "o2", "t1", "o1:t1"),
            ("r t1:r t2:r o1:t1", "o1", "t2", "o1:t1,t2"),
            ("r s:r x:r o1:s", "o1", "x", "o1:s,x"),
            ("r s:r t1:s o1:r,s", "o1", "t1", "o1:t1"),
            ("r c:r d:r b:r t1:b,c o1:c,d", "o1", "t1", "o1:d,t1"),
        ] {
            let edits = graph(history).rebased(head, onto, &ours);
            assert_eq!(written(edits), expected, "{history}");
        }
    }
}
