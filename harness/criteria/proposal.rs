//! A fix that a criterion proposes: [`Proposal`].

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use super::Criterion;
use crate::evidence::{Evidence, Merge};
use crate::gather::Writing;
use crate::manifest::{Deployed, Service};
use crate::patch::Patch;

/// The fix of a defect, or the reason why there is none.
#[derive(Debug, Clone, PartialEq)]
pub enum Proposal {
    /// A fix that is to be proved.
    Fix(Fix),
    /// Fixes of one defect, of which the first that is proved is taken.
    Either(Vec<Fix>),
    /// A defect that has one in general, and none here.
    Refusal(Refusal),
}

/// A fix that is to be proved.
#[derive(Debug, Clone, PartialEq)]
pub struct Fix {
    /// The id of the criterion whose finding it ends.
    pub criterion: &'static str,
    /// Its effect on the files, as a fragment.
    pub what: String,
    /// Tells whether it is written without being asked for twice.
    pub class: Class,
    /// The change.
    pub act: Act,
    /// Another way to put things right, which has to lead to the same catalog.
    pub same_as: Option<Patch>,
    /// Tells whether it changes the schema, which is accepted afterwards.
    pub changes_schema: bool,
}

/// The classes of fixes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// The catalog at head is what it was, or what the finding asks for.
    Safe,
    /// Proved too, but it changes what was published, transactions or the meaning of data, or
    /// needs a second deployment.
    Unsafe,
}

/// The change that a fix makes.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Edits of files.
    Edit(Patch),
    /// A revision that Alembic writes.
    Write(Writing),
}

/// The reason why a defect has no fix here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The id of the criterion.
    pub criterion: &'static str,
    /// The reason, as a fragment.
    pub why: String,
}

/// The revisions that others have already: a fix leaves their files alone if it can.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublishedIds {
    /// Their ids; none where nobody says what is deployed.
    ids: BTreeSet<String>,
    /// The names of their files, where the base ref has them.
    files: BTreeSet<OsString>,
}

/// A call of `op` that executes a statement, in which SQLAlchemy finds no parameter
/// (<https://docs.sqlalchemy.org/en/20/core/sqlelement.html#sqlalchemy.sql.expression.text>).
pub(super) fn execute(statement: &str) -> String {
    let text = statement.replace('\\', "\\\\").replace(':', "\\\\:");
    match text.contains('"') {
        true => format!("op.execute('{}')", text.replace('\'', "\\'")),
        false => format!("op.execute(\"{text}\")"),
    }
}

impl PublishedIds {
    /// Those that `BASE_REF` has, or else those that `deployed` covers.
    #[must_use]
    pub fn new(service: &Service, evidence: &Evidence, merge: Option<&Merge>) -> Self {
        if let Some(merge) = merge {
            let all = merge.graph.revisions.iter().map(|revision| &revision.id);
            let theirs = all.filter(|id| !merge.ours.contains(*id));
            let names = merge.published.iter().filter_map(|file| file.file_name());
            return Self {
                ids: theirs.cloned().collect(),
                files: names.map(OsString::from).collect(),
            };
        }
        let Deployed::At(heads) = &service.deployed else {
            return Self::default();
        };
        let graph = &evidence.history.graph;
        Self {
            ids: graph.below(heads.iter().map(String::as_str)),
            files: BTreeSet::new(),
        }
    }

    /// Tells whether the base ref has a revision file of this name.
    #[must_use]
    pub fn has_file(&self, file: &Path) -> bool {
        file.file_name()
            .is_some_and(|name| self.files.contains(name))
    }

    /// Tells whether others have the revision.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    /// The class of an edit that is safe but for the revision whose file it changes.
    #[must_use]
    pub fn class(&self, id: &str) -> Class {
        match self.has(id) {
            true => Class::Unsafe,
            false => Class::Safe,
        }
    }
}

impl Proposal {
    /// The id of the criterion that it is about.
    #[must_use]
    pub fn criterion(&self) -> Option<&'static str> {
        match self {
            Self::Fix(fix) => Some(fix.criterion),
            Self::Either(fixes) => fixes.first().map(|fix| fix.criterion),
            Self::Refusal(refusal) => Some(refusal.criterion),
        }
    }

    /// Its fixes, in the order in which they are tried.
    #[must_use]
    pub fn fixes(self) -> Vec<Fix> {
        match self {
            Self::Fix(fix) => vec![fix],
            Self::Either(fixes) => fixes,
            Self::Refusal(_) => Vec::new(),
        }
    }

    /// A refusal.
    pub fn refused(criterion: &Criterion, why: impl Into<String>) -> Self {
        Self::Refusal(Refusal {
            criterion: criterion.id,
            why: why.into(),
        })
    }
}

impl Fix {
    /// A safe fix that leaves the schema as it is.
    pub fn new(criterion: &Criterion, what: impl Into<String>, act: Act) -> Self {
        Self {
            criterion: criterion.id,
            what: what.into(),
            class: Class::Safe,
            act,
            same_as: None,
            changes_schema: false,
        }
    }
}
