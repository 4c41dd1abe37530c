//! The problems of a history before anything runs: [`Problem`].
//!
//! Alembic finds some of these itself, as a bare `KeyError` or a warning, and
//! misses others, such as a cycle that a merge leads into (`_detect_cycles`
//! looks only for revisions that no head or no base reaches).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::nearest::{Nearest, nearest, stem};
use super::{Edges, Graph};
use crate::revision::{Revision, RevisionFile};

/// One thing that keeps a history from being one. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Problem {
    /// There is no revision file in any location.
    NoRevision,
    /// A file that Alembic cannot load.
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The line, if it is not the file as a whole.
        line: Option<u32>,
        /// The problem, as a fragment.
        problem: String,
    },
    /// Several files declare one id.
    DuplicateId {
        /// The id.
        id: String,
        /// The files and the lines of their `revision`, sorted.
        files: Vec<(PathBuf, u32)>,
    },
    /// An id with characters that Alembic keeps for its command line: `@-+:`.
    IllegalId {
        /// The id.
        id: String,
        /// The characters, each once.
        characters: String,
        /// The file.
        file: PathBuf,
        /// The line of `revision`.
        line: u32,
    },
    /// A branch label that is there twice, or is also a revision's id.
    DuplicateLabel {
        /// The label.
        label: String,
        /// The revision that declares it.
        revision: String,
        /// The file of that revision.
        file: PathBuf,
        /// The line of `branch_labels`.
        line: u32,
        /// The revision that had the name before; may be the same one.
        other: String,
    },
    /// A `down_revision` that no file declares.
    UnknownDownRevision {
        /// The revision that names it.
        revision: String,
        /// The file of that revision.
        file: PathBuf,
        /// The line of `down_revision`.
        line: u32,
        /// The name in it.
        names: String,
        /// The name that may have been meant.
        nearest: Option<Nearest>,
    },
    /// A `depends_on` that is neither an id nor a branch label.
    UnknownDependsOn {
        /// The revision that names it.
        revision: String,
        /// The file of that revision.
        file: PathBuf,
        /// The line of `depends_on`.
        line: u32,
        /// The name in it.
        names: String,
        /// The name that may have been meant.
        nearest: Option<Nearest>,
    },
    /// Revisions that follow each other in a circle.
    Cycle {
        /// Each names the next one as its `down_revision`, the last the first.
        ids: Vec<String>,
    },
    /// The same, where at least one step is a `depends_on`.
    DependencyCycle {
        /// Each names the next one, the last the first.
        ids: Vec<String>,
    },
}

/// Alembic's `_revision_illegal_chars`.
const ILLEGAL: [char; 4] = ['@', '-', '+', ':'];
/// For how many unknown names the nearest is looked for.
const NEAREST_FOR: usize = 50;
/// The problems of `graph` that are certain.
pub(super) fn find(graph: &Graph) -> Vec<Problem> {
    if graph.revisions.is_empty() && graph.unread.is_empty() {
        return vec![Problem::NoRevision];
    }
    let mut problems: Vec<Problem> = graph.unread.iter().filter_map(unreadable).collect();
    problems.extend(duplicate_ids(graph));
    problems.extend(graph.revisions.iter().filter_map(illegal_id));
    problems.extend(duplicate_labels(graph));
    problems.extend(unknown_names(graph));
    problems.extend(cycles(graph));
    problems
}

fn unreadable(file: &RevisionFile) -> Option<Problem> {
    match file {
        RevisionFile::Unreadable {
            file,
            line,
            problem,
            ..
        } => Some(Problem::Unreadable {
            file: file.clone(),
            line: *line,
            problem: problem.clone(),
        }),
        _ => None,
    }
}

fn duplicate_ids(graph: &Graph) -> Vec<Problem> {
    if graph.index().len() == graph.revisions.len() {
        return Vec::new();
    }
    let mut by_id: BTreeMap<&str, Vec<&Revision>> = BTreeMap::new();
    for revision in &graph.revisions {
        by_id.entry(&revision.id).or_default().push(revision);
    }
    let place = |revision: &&Revision| (revision.file.clone(), revision.line);
    by_id
        .into_iter()
        .filter(|(_, same)| same.len() > 1)
        .map(|(id, same)| Problem::DuplicateId {
            id: id.to_owned(),
            files: same.iter().map(place).collect(),
        })
        .collect()
}

/// `Revision.verify_rev_id`.
fn illegal_id(revision: &Revision) -> Option<Problem> {
    let found = ILLEGAL
        .iter()
        .filter(|character| revision.id.contains(**character));
    let characters: String = found.collect();
    (!characters.is_empty()).then(|| Problem::IllegalId {
        id: revision.id.clone(),
        characters,
        file: revision.file.clone(),
        line: revision.line,
    })
}

/// `RevisionMap._map_branch_labels`.
fn duplicate_labels(graph: &Graph) -> Vec<Problem> {
    if graph.labels().is_empty() {
        return Vec::new();
    }
    let mut taken: HashMap<&str, &Revision> = graph
        .revisions
        .iter()
        .map(|revision| (&*revision.id, revision))
        .collect();
    let mut problems = Vec::new();
    for revision in &graph.revisions {
        for label in &revision.branch_labels {
            if let Some(other) = taken.insert(label, revision) {
                problems.push(Problem::DuplicateLabel {
                    label: label.clone(),
                    revision: revision.id.clone(),
                    file: revision.file.clone(),
                    line: revision.labels_line.unwrap_or(revision.line),
                    other: other.id.clone(),
                });
            }
        }
    }
    problems
}

fn unknown_names(graph: &Graph) -> Vec<Problem> {
    let ids: HashSet<&str> = graph
        .revisions
        .iter()
        .map(|revision| &*revision.id)
        .collect();
    let labels = graph.labels();
    let unread = UnreadFiles::new(graph);
    let mut problems = Vec::new();
    let mut looked = 0;
    let mut nearest_to = |name: &str, revision: &Revision, labels: &HashMap<&str, usize>| {
        looked += 1;
        (looked <= NEAREST_FOR)
            .then(|| nearest(graph, name, revision, labels))
            .flatten()
    };
    for revision in &graph.revisions {
        for name in &revision.down_revisions {
            if !ids.contains(&**name) && !unread.may_declare(name) {
                problems.push(Problem::UnknownDownRevision {
                    revision: revision.id.clone(),
                    file: revision.file.clone(),
                    line: revision.down_line,
                    names: name.clone(),
                    nearest: nearest_to(name, revision, &labels),
                });
            }
        }
        for name in &revision.depends_on {
            let known = ids.contains(&**name) || labels.contains_key(&**name);
            if !known && !unread.may_declare(name) && !unread.may_label {
                problems.push(Problem::UnknownDependsOn {
                    revision: revision.id.clone(),
                    file: revision.file.clone(),
                    line: revision.depends_line.unwrap_or(revision.line),
                    names: name.clone(),
                    nearest: nearest_to(name, revision, &labels),
                });
            }
        }
    }
    problems
}

/// The content that the files that could not be read may have.
struct UnreadFiles<'g> {
    ids: HashSet<&'g str>,
    stems: Vec<String>,
    /// Some file may declare any id at all.
    any_id: bool,
    /// Some file may declare a branch label.
    may_label: bool,
}

impl<'g> UnreadFiles<'g> {
    fn new(graph: &'g Graph) -> Self {
        let mut all = Self {
            ids: HashSet::new(),
            stems: Vec::new(),
            any_id: false,
            may_label: false,
        };
        for file in &graph.unread {
            let (id, runs) = match file {
                RevisionFile::Revision(_) => continue,
                RevisionFile::NeedsPython { id, .. } => (id, true),
                RevisionFile::Unreadable { id, .. } => (id, false),
            };
            all.may_label = true;
            all.any_id |= runs && id.is_none();
            all.ids.extend(id.as_deref());
            if id.is_none() {
                all.stems.push(stem(file.file()));
            }
        }
        all
    }

    fn may_declare(&self, name: &str) -> bool {
        self.any_id
            || self.ids.contains(name)
            || (!name.is_empty() && self.stems.iter().any(|stem| stem.contains(name)))
    }
}

fn cycles(graph: &Graph) -> Vec<Problem> {
    let index = graph.index();
    let parents = graph.parents(&index);
    let mut reported = vec![false; parents.len()];
    let ids = |cycle: Vec<usize>| -> Vec<String> {
        cycle
            .into_iter()
            .map(|at| graph.revisions[at].id.clone())
            .collect()
    };
    let mut problems = Vec::new();
    for cycle in circles(&parents, &mut reported) {
        problems.push(Problem::Cycle { ids: ids(cycle) });
    }
    let mut all = parents;
    for (edges, needed) in all.iter_mut().zip(graph.dependencies(&index)) {
        edges.extend(needed);
    }
    for cycle in circles(&all, &mut reported) {
        problems.push(Problem::DependencyCycle { ids: ids(cycle) });
    }
    problems
}

/// Cycles that have no revision in common, and none that is in `reported`,
/// where theirs are added. At least one of every tangle of cycles is found.
fn circles(edges: &Edges, reported: &mut [bool]) -> Vec<Vec<usize>> {
    let mut found = Vec::new();
    let mut seen = vec![false; edges.len()];
    let mut place_on_path: Vec<Option<usize>> = vec![None; edges.len()];
    for start in 0..edges.len() {
        if std::mem::replace(&mut seen[start], true) {
            continue;
        }
        place_on_path[start] = Some(0);
        let mut path = vec![(start, edges[start].iter())];
        while let Some((node, next)) = path.last_mut() {
            let node = *node;
            let Some(&child) = next.next() else {
                place_on_path[node] = None;
                path.pop();
                continue;
            };
            if let Some(place) = place_on_path[child] {
                if !reported[child] {
                    let cycle: Vec<usize> = path[place..].iter().map(|(node, _)| *node).collect();
                    if !cycle.iter().any(|node| reported[*node]) {
                        cycle.iter().for_each(|node| reported[*node] = true);
                        found.push(cycle);
                    }
                }
            } else if !std::mem::replace(&mut seen[child], true) {
                place_on_path[child] = Some(path.len());
                path.push((child, edges[child].iter()));
            }
        }
    }
    found
}
