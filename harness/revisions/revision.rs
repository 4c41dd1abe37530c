//! A revision, as its file declares it: [`Revision`].

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// One revision, as its file declares it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// `revision`.
    pub id: String,
    /// The parents, empty for a base.
    pub down_revisions: Vec<String>,
    /// Ids or branch labels that must be upgraded before.
    pub depends_on: Vec<String>,
    /// The names that this revision gives its branch.
    pub branch_labels: Vec<String>,
    /// The docstring's first line.
    pub message: Option<String>,
    /// The file that declares it.
    pub file: PathBuf,
    /// The line of `revision`, from 1.
    pub line: u32,
    /// The line of `down_revision`.
    pub down_line: u32,
    /// The line of `depends_on`, where it is set.
    pub depends_line: Option<u32>,
    /// The line of `branch_labels`, where it is set.
    pub labels_line: Option<u32>,
}

/// A file of a version location, as far as it could be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum RevisionFile {
    /// A revision, known without Python.
    Revision(Revision),
    /// Only running the file can tell.
    NeedsPython {
        /// The file.
        file: PathBuf,
        /// The line that says what cannot be told, from 1.
        line: u32,
        /// The fact that cannot be told, and why, as a fragment.
        what: String,
        /// Its revision id, where at least that is written out.
        id: Option<String>,
    },
    /// Alembic cannot load this file, and so none of its commands works.
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The line that is wrong, from 1; `None` for the file as a whole.
        line: Option<u32>,
        /// The problem, as a fragment.
        problem: String,
        /// The revision id it seems to declare.
        id: Option<String>,
    },
}

impl RevisionFile {
    /// Its revision id, as far as it could be read.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Revision(revision) => Some(&revision.id),
            Self::NeedsPython { id, .. } | Self::Unreadable { id, .. } => id.as_deref(),
        }
    }

    /// The file it was read from.
    pub fn file(&self) -> &Path {
        match self {
            Self::Revision(revision) => &revision.file,
            Self::NeedsPython { file, .. } | Self::Unreadable { file, .. } => file,
        }
    }
}
