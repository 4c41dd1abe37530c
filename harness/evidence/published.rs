//! The published revisions, and what this branch made of them: [`PublishedRevisions`].
//!
//! Published is what the commit has where this branch and the base ref part; the branch is the
//! working tree. Both are read with git, and nothing is checked out or written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::merge::{Ours, Parting, working_tree};
use crate::alembic::behaviour::{Difference, difference};
use crate::alembic::graph::Graph;
use crate::alembic::revision::Revision;
use crate::alembic::revision::RevisionFile;
use crate::alembic::revision_file::parse;
use crate::error::Result;
use crate::evidence::History;
use crate::git::{Commit, Repository, TreeFile};
use crate::manifest::Service;

/// The published revisions beside those of this branch.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishedRevisions {
    /// The base ref as it was named: `origin/main`.
    pub base_ref: String,
    /// The commit where this branch and the base ref part.
    pub parted: String,
    /// The number of revisions it has.
    pub count: usize,
    /// The published revisions that are not what they were, in the order in which Alembic
    /// upgrades.
    pub changes: Vec<Change>,
    /// The revisions that this branch adds.
    pub added: Vec<Revision>,
}

/// A published revision that is not what it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Its id; the name of its file where only Python knows that.
    pub id: String,
    /// Its parents when it was published.
    pub parents: Vec<String>,
    /// Its file when it was published, relative to the repository.
    pub was: PathBuf,
    /// Its file now.
    pub file: Option<PathBuf>,
    /// The way in which it is not what it was.
    pub how: How,
    /// The commit that did it; `None` where it is not committed.
    pub by: Option<Commit>,
}

/// The ways in which a published revision is not what it was.
#[derive(Debug, Clone, PartialEq)]
pub enum How {
    /// No file declares it any more.
    Deleted,
    /// A file that does the same declares another id.
    Renamed {
        /// The present id.
        to: String,
        /// Its line.
        line: u32,
    },
    /// It stands elsewhere in the graph.
    Moved {
        /// The statements of its file on that, one of them changed.
        names: Vec<MovedLink>,
        /// The line of the first of them.
        line: u32,
    },
    /// It does something else.
    Changed(Difference),
}

/// A statement of where a revision stands, then and now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedLink {
    /// `down_revision`, `depends_on` or `branch_labels`.
    pub name: &'static str,
    /// Its value when it was published.
    pub before: Vec<String>,
    /// Its value now.
    pub after: Vec<String>,
}

impl PublishedRevisions {
    /// Compares `history`, which was read from the working tree, with what it had in common
    /// with `base_ref`.
    ///
    /// # Errors
    /// git cannot tell.
    pub fn read(service: &Service, history: &History, base_ref: &str) -> Result<Self> {
        let Parting {
            locations, parted, ..
        } = Parting::read(service, history, base_ref)?;
        let repository = &locations.repository;
        let files = repository.files(&parted, &locations.directories)?;
        let files = files.into_iter().filter(|file| locations.hold(&file.path));
        let published = read(repository, files.collect())?;
        let ours = working_tree(service, history);
        let reader = Reader {
            repository,
            parted: &parted,
            by_python: !history.python_for.is_empty(),
            published: published.iter().filter_map(One::id).collect(),
            ours: &ours,
        };
        Ok(Self {
            base_ref: base_ref.to_owned(),
            count: published.len(),
            changes: in_order(&published, reader.changes(&published)?),
            added: reader.added(),
            parted,
        })
    }
}

/// A revision file of the commit.
struct One {
    path: PathBuf,
    content: Vec<u8>,
    revision: RevisionFile,
}

impl One {
    fn id(&self) -> Option<&str> {
        self.revision.id()
    }

    fn name(&self) -> String {
        let file = self.path.file_stem().unwrap_or_default();
        let id = self.id().map(str::to_owned);
        id.unwrap_or_else(|| file.to_string_lossy().into_owned())
    }
}

fn read(repository: &Repository, files: Vec<TreeFile>) -> Result<Vec<One>> {
    let blobs: BTreeSet<&str> = files.iter().map(|file| file.blob.as_str()).collect();
    let contents = repository.contents(&blobs)?;
    let one = |file: TreeFile| {
        let content = contents.get(&file.blob).cloned().unwrap_or_default();
        One {
            revision: parse(&repository.top.join(&file.path), &content),
            path: file.path,
            content,
        }
    };
    Ok(files.into_iter().map(one).collect())
}

/// In the order of the graph; what it does not have comes last.
fn in_order(published: &[One], mut changes: Vec<Change>) -> Vec<Change> {
    let files = published.iter().map(|one| one.revision.clone());
    let graph = Graph::new(files.collect(), Vec::new());
    let order = graph.upgrade_order().into_iter().enumerate();
    let order: BTreeMap<&str, usize> = order
        .map(|(at, revision)| (revision.id.as_str(), at))
        .collect();
    changes.sort_by_key(|change| order.get(change.id.as_str()).copied().unwrap_or(usize::MAX));
    changes
}

struct Reader<'a> {
    repository: &'a Repository,
    parted: &'a str,
    /// Tells whether Python told the graph, which knows less of labels and dependencies.
    by_python: bool,
    published: BTreeSet<&'a str>,
    ours: &'a [Ours],
}

impl<'a> Reader<'a> {
    fn changes(&self, published: &[One]) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        // What no Python could read never ran anywhere.
        let ran = |one: &&One| !matches!(one.revision, RevisionFile::Unreadable { .. });
        for one in published.iter().filter(ran) {
            let now = self.now(one);
            let hows = match now {
                Some(ours) => self.beside(one, ours),
                None => vec![self.missing(one)],
            };
            for how in hows {
                let file = match (&how, now) {
                    (How::Renamed { to, .. }, _) => self.file_of(to),
                    (_, now) => now.map(|ours| ours.revision.file().to_owned()),
                };
                changes.push(Change {
                    id: one.name(),
                    parents: parents(&one.revision).unwrap_or_default().to_vec(),
                    was: one.path.clone(),
                    by: self.culprit(one, file.as_deref())?,
                    file,
                    how,
                });
            }
        }
        Ok(changes)
    }

    /// The file that declares it now: by its id, or by its path where only Python knows that.
    fn now(&self, one: &One) -> Option<&'a Ours> {
        let path = self.repository.top.join(&one.path);
        let is_it = |ours: &&Ours| match one.id() {
            Some(id) => ours.revision.id() == Some(id),
            None => ours.path == path || ours.content == one.content,
        };
        self.ours.iter().find(is_it)
    }

    fn added(&self) -> Vec<Revision> {
        let revisions = self.ours.iter().filter_map(|ours| declared(&ours.revision));
        let new = revisions.filter(|revision| !self.published.contains(revision.id.as_str()));
        new.cloned().collect()
    }

    fn file_of(&self, id: &str) -> Option<PathBuf> {
        let mut ours = self.ours.iter();
        let file = ours.find(|ours| ours.revision.id() == Some(id))?;
        Some(file.revision.file().to_owned())
    }

    fn beside(&self, one: &One, ours: &Ours) -> Vec<How> {
        if one.content == ours.content {
            return Vec::new();
        }
        let headers = declared(&one.revision).zip(declared(&ours.revision));
        let moved = headers.and_then(|(then, now)| self.moved(then, now));
        let changed = difference(&one.content, &ours.content, headers.is_none());
        moved.into_iter().chain(changed.map(How::Changed)).collect()
    }

    fn moved(&self, then: &Revision, now: &Revision) -> Option<How> {
        let names = [
            (
                "down_revision",
                &then.down_revisions,
                &now.down_revisions,
                Some(now.down_line),
            ),
            (
                "depends_on",
                &then.depends_on,
                &now.depends_on,
                now.depends_line,
            ),
            (
                "branch_labels",
                &then.branch_labels,
                &now.branch_labels,
                now.labels_line,
            ),
        ];
        let told = if self.by_python { 1 } else { names.len() };
        let set = |values: &[String]| values.iter().cloned().collect::<BTreeSet<_>>();
        let names = names.into_iter().take(told);
        let mut moved = Vec::new();
        let mut first = None;
        for (name, before, after, line) in names.filter(|(_, then, now, _)| set(then) != set(now)) {
            first = first.or(line);
            moved.push(MovedLink {
                name,
                before: before.clone(),
                after: after.clone(),
            });
        }
        let line = first.unwrap_or(now.line);
        (!moved.is_empty()).then_some(How::Moved { names: moved, line })
    }

    /// The way of a revision that no file declares.
    fn missing(&self, one: &One) -> How {
        let path = self.repository.top.join(&one.path);
        let does_something = difference(b"", &one.content, false).is_some();
        let is_it = |ours: &&Ours| {
            let new = ours.revision.id().filter(|id| !self.published.contains(id));
            let is_there = ours.path == path;
            let is_same = || {
                parents(&one.revision) == parents(&ours.revision)
                    && difference(&one.content, &ours.content, false).is_none()
            };
            new.is_some() && (is_there || does_something && is_same())
        };
        let renamed = self.ours.iter().filter(is_it);
        match renamed.filter_map(|ours| declared(&ours.revision)).next() {
            Some(to) => How::Renamed {
                to: to.id.clone(),
                line: to.line,
            },
            None => How::Deleted,
        }
    }

    /// The commit since which a file is not what it was; `None` where only the working tree is
    /// so.
    fn culprit(&self, one: &One, now: Option<&Path>) -> Result<Option<Commit>> {
        let top = &self.repository.top;
        let now = now.and_then(|now| now.canonicalize().ok());
        let now = now.and_then(|now| now.strip_prefix(top).map(Path::to_owned).ok());
        let mut paths = vec![one.path.clone()];
        paths.extend(now.filter(|now| *now != one.path));
        let mut since = None;
        for commit in self.repository.log(self.parted, &paths)? {
            let is_other = !self.is_as_published(one, &commit.hash, &paths)?;
            since = match (is_other, since) {
                (false, _) => None,
                (true, None) => Some(commit),
                (true, earlier) => earlier,
            };
        }
        Ok(since)
    }

    fn is_as_published(&self, one: &One, commit: &str, paths: &[PathBuf]) -> Result<bool> {
        let files = self.repository.files(commit, paths)?;
        let blobs: BTreeSet<&str> = files.iter().map(|file| file.blob.as_str()).collect();
        let contents = self.repository.contents(&blobs)?;
        let is_it = |content: &Vec<u8>| {
            let ours = Ours {
                path: one.path.clone(),
                revision: parse(&one.path, content),
                content: content.clone(),
            };
            ours.revision.id() == one.id() && self.beside(one, &ours).is_empty()
        };
        Ok(contents.values().any(is_it))
    }
}

fn declared(file: &RevisionFile) -> Option<&Revision> {
    match file {
        RevisionFile::Revision(revision) => Some(revision),
        _ => None,
    }
}

fn parents(file: &RevisionFile) -> Option<&[String]> {
    declared(file).map(|revision| revision.down_revisions.as_slice())
}
