//! Fixes of a service that were proved, as a report shows them.

use serde::{Deserialize, Serialize};

/// The fixes of one service, and what has none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fixes {
    /// The fixes that are offered, in the order in which they are applied.
    pub offered: Vec<Fix>,
    /// The defects that are not fixed here, each with the reason.
    pub refused: Vec<DefectWithoutFix>,
    /// The first finding of each criterion that stays red.
    pub left: Vec<DefectWithoutFix>,
    /// The lines of the manifest that accept changed files that were published.
    pub accepted: Vec<String>,
    /// The effects of writing, if that was asked for.
    pub written: Vec<String>,
    /// The commands to type next, in order.
    pub commands: Vec<String>,
}

/// A fix that was proved on a copy of the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fix {
    /// The criterion whose findings it ends.
    pub criterion: String,
    /// Its effect on the files.
    pub what: String,
    /// Tells whether it is written without being asked for twice.
    pub class: Class,
    /// The proof, in words.
    pub proved: String,
    /// The criteria that turn green.
    pub turned: Vec<String>,
    /// The number of criteria that stay green.
    pub stayed: usize,
    /// The positions of the findings that it ends, among those of the criterion's case, from 0.
    pub ends: Vec<usize>,
    /// The change that it makes on top of the fixes before it: a unified diff.
    pub diff: String,
    /// The change of this fix and those before it together, to the files as they are.
    pub changes: Vec<FileEdits>,
}

/// The classes of fixes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The schema stays, or becomes what the finding asks for.
    Safe,
    /// The fix changes the schema, transactions or what was published.
    Unsafe,
}

/// A defect without a fix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefectWithoutFix {
    /// The criterion.
    pub criterion: String,
    /// The reason, or the title of the finding.
    pub why: String,
}

/// The edits of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEdits {
    /// The file, from the monorepo's root.
    pub file: String,
    /// The file, from the root of its git repository; `None` outside of one.
    pub repository_file: Option<String>,
    /// Tells whether the fix makes the file.
    pub is_new: bool,
    /// The lines that become others, from the first one to the last.
    pub edits: Vec<LineEdit>,
}

/// Lines of a file that become others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineEdit {
    /// The first one, from 1; the one before which `text` comes, where `lines` is 0.
    pub line: usize,
    /// Their number.
    pub lines: usize,
    /// The text in their place, with its line ends.
    pub text: String,
}

impl Class {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Unsafe => "unsafe",
        }
    }
}
