//! The revisions of one Alembic environment as a graph: [`Graph`].
//!
//! Plain data and pure functions. Edges are what the files say: an id in
//! `down_revision` (a parent) or in `depends_on` (a dependency, which may also
//! be a branch label). What Alembic calls head, base, branch point and merge
//! point is defined by parents alone. Source: `alembic.script.revision` and
//! <https://alembic.sqlalchemy.org/en/latest/branches.html>.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::revision::{Revision, RevisionFile};

mod nearest;
mod problems;
mod rebase;

pub use nearest::{Likeness, Nearest};
pub use problems::Problem;
pub use rebase::DownRevisionEdit;

/// Every revision file of one environment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Graph {
    /// The revisions that could be read, sorted by file.
    pub revisions: Vec<Revision>,
    /// The files that could not: [`RevisionFile::NeedsPython`] or
    /// [`RevisionFile::Unreadable`], sorted by file.
    pub unread: Vec<RevisionFile>,
    /// The directories that were looked into.
    pub locations: Vec<PathBuf>,
}

/// Edges from a revision to others, all as indices into [`Graph::revisions`].
type Edges = Vec<Vec<usize>>;

impl Graph {
    /// The graph of `files`, which were found in `locations`.
    pub fn new(files: Vec<RevisionFile>, locations: Vec<PathBuf>) -> Graph {
        let mut revisions = Vec::new();
        let mut unread = Vec::new();
        for file in files {
            match file {
                RevisionFile::Revision(revision) => revisions.push(revision),
                other => unread.push(other),
            }
        }
        revisions.sort_by(|a, b| a.file.cmp(&b.file));
        unread.sort_by(|a, b| a.file().cmp(b.file()));
        Graph {
            revisions,
            unread,
            locations,
        }
    }

    /// The files that the graph was made of.
    pub fn files(&self) -> Vec<RevisionFile> {
        let revisions = self.revisions.iter().cloned().map(RevisionFile::Revision);
        revisions.chain(self.unread.iter().cloned()).collect()
    }

    /// The directories that these files are in.
    pub fn directories(&self) -> Vec<PathBuf> {
        let files = self.files().into_iter();
        let parents = files.filter_map(|file| Some(file.file().parent()?.to_owned()));
        parents.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The revisions that no `down_revision` names. One that only a
    /// `depends_on` names is a head, as in `alembic heads`. Certain only while
    /// [`Graph::unread`] is empty.
    pub fn heads(&self) -> Vec<&Revision> {
        let named = self.named();
        self.revisions
            .iter()
            .filter(|revision| !named.contains(&revision.id))
            .collect()
    }

    /// The rows of the version table at the heads: the heads without those that another
    /// revision depends on, which Alembic takes as implied (`RevisionMap._real_heads`).
    pub fn version_rows(&self) -> Vec<&Revision> {
        let index = self.index();
        let needed: HashSet<usize> = self.dependencies(&index).into_iter().flatten().collect();
        let implied = |head: &&Revision| index.get(&*head.id).is_some_and(|at| needed.contains(at));
        let heads = self.heads().into_iter();
        heads.filter(|head| !implied(head)).collect()
    }

    /// The revisions without a `down_revision`.
    pub fn bases(&self) -> Vec<&Revision> {
        self.revisions
            .iter()
            .filter(|revision| revision.down_revisions.is_empty())
            .collect()
    }

    /// The revisions that more than one other names as its `down_revision`.
    pub fn branch_points(&self) -> Vec<&Revision> {
        let mut children: HashMap<&String, HashSet<&String>> = HashMap::new();
        for revision in &self.revisions {
            for down in &revision.down_revisions {
                children.entry(down).or_default().insert(&revision.id);
            }
        }
        let forks = |revision: &&Revision| children.get(&revision.id).is_some_and(|c| c.len() > 1);
        self.revisions.iter().filter(forks).collect()
    }

    /// The revisions with more than one `down_revision`.
    pub fn merge_points(&self) -> Vec<&Revision> {
        self.revisions
            .iter()
            .filter(|revision| revision.down_revisions.len() > 1)
            .collect()
    }

    /// The fork of the histories of `heads`: the last revision, in
    /// [`Graph::upgrade_order`], that is an ancestor of all of them. `None` for
    /// fewer than two, and for histories that have no revision in common.
    pub fn fork_of(&self, heads: &[&Revision]) -> Option<&Revision> {
        if heads.len() < 2 {
            return None;
        }
        let index = self.index();
        let parents = self.parents(&index);
        let mut seen_from = vec![0_usize; self.revisions.len()];
        for head in heads {
            for ancestor in closure(*index.get(head.id.as_str())?, &parents) {
                seen_from[ancestor] += 1;
            }
        }
        let order = self.order();
        let fork = order
            .into_iter()
            .rev()
            .find(|node| seen_from[*node] == heads.len())?;
        self.revisions.get(fork)
    }

    /// The ids of these revisions and of all that they rest on, parents and dependencies; an
    /// id that the graph does not have is left out.
    pub fn below<'a>(&self, ids: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
        let index = self.index();
        let before = self.before(&index);
        let mut seen = vec![false; before.len()];
        let mut below = Vec::new();
        for id in ids {
            if let Some(start) = index.get(id) {
                visit(*start, &before, &mut seen, &mut below);
            }
        }
        let id = |at: usize| self.revisions[at].id.clone();
        below.into_iter().map(id).collect()
    }

    /// Every revision, parents and dependencies before their children; where
    /// the order is free, along one branch after the other, by file name.
    /// [`Graph::problems`] names the cycles that make such an order impossible.
    pub fn upgrade_order(&self) -> Vec<&Revision> {
        self.order()
            .into_iter()
            .filter_map(|node| self.revisions.get(node))
            .collect()
    }

    /// The problems of this history that are certain, whatever Python would say
    /// about the files of [`Graph::needs_python`]. Several heads are no problem
    /// in this sense: Alembic can load them.
    pub fn problems(&self) -> Vec<Problem> {
        problems::find(self)
    }

    /// The files that only running Python can read: file, line and why.
    pub fn needs_python(&self) -> Vec<(&Path, u32, &str)> {
        let mut reasons = Vec::new();
        for file in &self.unread {
            if let RevisionFile::NeedsPython {
                file, line, what, ..
            } = file
            {
                reasons.push((file.as_path(), *line, what.as_str()));
            }
        }
        reasons
    }

    /// Every id that some `down_revision` names.
    fn named(&self) -> HashSet<&String> {
        let revisions = self.revisions.iter();
        revisions.flat_map(|one| &one.down_revisions).collect()
    }

    /// The index of each id. Of several files with one id it is the last, as in
    /// Alembic's own map.
    fn index(&self) -> HashMap<&str, usize> {
        self.revisions
            .iter()
            .enumerate()
            .map(|(at, revision)| (&*revision.id, at))
            .collect()
    }

    fn parents(&self, index: &HashMap<&str, usize>) -> Edges {
        let known = |id: &String| index.get(id.as_str()).copied();
        let names = self
            .revisions
            .iter()
            .map(|revision| &revision.down_revisions);
        names
            .map(|names| names.iter().filter_map(known).collect())
            .collect()
    }

    /// The names in `depends_on`, ids and branch labels alike
    /// (`RevisionMap._add_depends_on`).
    fn dependencies(&self, index: &HashMap<&str, usize>) -> Edges {
        let labels = self.labels();
        let known = |name: &String| {
            index
                .get(name.as_str())
                .or_else(|| labels.get(name.as_str()))
                .copied()
        };
        let names = self.revisions.iter().map(|revision| &revision.depends_on);
        names
            .map(|names| names.iter().filter_map(known).collect())
            .collect()
    }

    /// The revision that carries each branch label.
    fn labels(&self) -> HashMap<&str, usize> {
        let mut all = HashMap::new();
        for (at, revision) in self.revisions.iter().enumerate() {
            for label in &revision.branch_labels {
                all.entry(label.as_str()).or_insert(at);
            }
        }
        all
    }

    /// The parents and dependencies of each revision.
    fn before(&self, index: &HashMap<&str, usize>) -> Edges {
        let mut before = self.parents(index);
        for (edges, needed) in before.iter_mut().zip(self.dependencies(index)) {
            edges.extend(needed);
        }
        before
    }

    fn order(&self) -> Vec<usize> {
        let before = self.before(&self.index());
        let named = self.named();
        let is_head = |at: &usize| !named.contains(&self.revisions[*at].id);
        let (first, rest): (Vec<usize>, Vec<usize>) = (0..before.len()).partition(is_head);
        let mut order = Vec::with_capacity(before.len());
        let mut seen = vec![false; before.len()];
        for start in first.into_iter().chain(rest) {
            visit(start, &before, &mut seen, &mut order);
        }
        order
    }
}

/// Appends `start` to `order`, after everything it leads to.
fn visit(start: usize, edges: &Edges, seen: &mut [bool], order: &mut Vec<usize>) {
    if std::mem::replace(&mut seen[start], true) {
        return;
    }
    let mut path = vec![(start, edges[start].iter())];
    while let Some((node, next)) = path.last_mut() {
        match next.next() {
            None => {
                order.push(*node);
                path.pop();
            }
            Some(&child) => {
                if !std::mem::replace(&mut seen[child], true) {
                    path.push((child, edges[child].iter()));
                }
            }
        }
    }
}

/// `start` and everything it leads to.
fn closure(start: usize, edges: &Edges) -> Vec<usize> {
    let mut order = Vec::new();
    visit(start, edges, &mut vec![false; edges.len()], &mut order);
    order
}

#[cfg(test)]
mod tests;
