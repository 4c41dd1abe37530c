//! A defect as data: [`Finding`].

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::alembic::transcript::Place;
use crate::quoting::escaped;

/// One defect, as data; the report lays it out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The problem, as a lowercase fragment.
    pub title: String,
    /// The places, the first one first.
    pub marks: Vec<Mark>,
    /// The expected text beside the one that was found.
    pub comparison: Option<Comparison>,
    /// Objects before and after.
    #[serde(default)]
    pub changed: Vec<ChangedObject>,
    /// Facts that support it.
    pub notes: Vec<String>,
    /// Advice: what to do or type.
    pub help: Vec<Help>,
    /// The commands in it, as they are typed.
    #[serde(default)]
    pub commands: Vec<String>,
    /// The lines of the manifest that accept it together; none where nothing does.
    #[serde(default)]
    pub acceptances: Vec<Acceptance>,
}

/// A line of the manifest that accepts a difference for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// The table.
    pub table: AcceptedIn,
    /// The key, whose value is the reason.
    pub key: String,
    /// Tells whether it is accepted only by its key: a deployment loses something by it, or is
    /// blocked.
    pub is_grave: bool,
}

/// The places of the manifest that accept differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AcceptedIn {
    /// `[model_drift.accepted]`.
    ModelDrift,
    /// `[downgrade.one_way]`.
    OneWay,
    /// `[rows.accepted]`.
    Rows,
    /// `[published_revisions.accepted]`.
    Published,
    /// `[locks.accepted]`.
    Locks,
    /// `[running_release.accepted]`.
    Running,
    /// `[enum_types.accepted]`.
    EnumTypes,
    /// `[outbox_indexes.accepted]`.
    OutboxIndexes,
    /// `[migration_notes.accepted]`.
    MigrationNotes,
    /// The file of the deployed schema.
    Schema,
}

/// A line of advice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Help {
    /// The whole line.
    Text(String),
    /// The line up to the command that accepts the present state of the service: only the
    /// report knows how the tests are run.
    Accept(String),
}

/// A place in a source file with what to say about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The place.
    pub place: Place,
    /// The label for the place.
    pub label: String,
    /// The text within the place that it is about, where that says more than the whole.
    pub about: Option<String>,
}

/// Two texts of which the second should have been the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// The text that was expected.
    pub expected: String,
    /// The text that was found.
    pub found: String,
}

/// An object that is not as it was, with its lines that differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedObject {
    /// The object and what happened to it: `changed: table public.essays`.
    pub title: String,
    /// Its lines that differ.
    pub lines: Vec<ChangedLine>,
}

/// A line before and after.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedLine {
    /// The object before; `None` where it is new.
    pub before: Option<String>,
    /// The object after; `None` where it is gone.
    pub after: Option<String>,
    /// The data risk of that, in words.
    pub remark: Option<String>,
}

impl Help {
    /// The whole line; `accept` is the command that accepts the present state.
    #[must_use]
    pub fn line(&self, accept: &str) -> String {
        match self {
            Self::Text(line) => line.clone(),
            Self::Accept(line) => format!("{line}: {accept}"),
        }
    }
}

impl Finding {
    /// A finding that says `title`.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            ..Self::default()
        }
    }

    /// Shows a place, if it is known.
    #[must_use]
    pub fn mark(mut self, place: Option<&Place>, label: impl Into<String>) -> Self {
        self.marks.extend(place.map(|place| Mark {
            place: place.clone(),
            label: label.into(),
            about: None,
        }));
        self
    }

    /// Narrows the last place to a text in it.
    #[must_use]
    pub fn about(mut self, text: impl Into<String>) -> Self {
        if let Some(mark) = self.marks.last_mut() {
            mark.about = Some(text.into());
        }
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Adds advice.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(Help::Text(text.into()));
        self
    }

    /// Adds advice that ends with the command that accepts the present state.
    #[must_use]
    pub fn accept(mut self, text: impl Into<String>) -> Self {
        self.help.push(Help::Accept(text.into()));
        self.acceptable(AcceptedIn::Schema, AcceptedIn::SCHEMA)
    }

    /// Names a line of the manifest that accepts it.
    #[must_use]
    pub fn acceptable(mut self, table: AcceptedIn, key: impl Into<String>) -> Self {
        self.acceptances.push(Acceptance {
            table,
            key: key.into(),
            is_grave: false,
        });
        self
    }

    /// Names a line that accepts what a deployment loses, or is blocked by.
    #[must_use]
    pub fn acceptable_by_key(mut self, table: AcceptedIn, key: impl Into<String>) -> Self {
        self.acceptances.push(Acceptance {
            table,
            key: key.into(),
            is_grave: true,
        });
        self
    }

    /// Names a command that stands in the advice.
    #[must_use]
    pub fn command(mut self, text: impl Into<String>) -> Self {
        self.commands.push(text.into());
        self
    }

    /// Sets what was expected beside what was found.
    #[must_use]
    pub fn compare(mut self, expected: impl Into<String>, found: impl Into<String>) -> Self {
        self.comparison = Some(Comparison {
            expected: expected.into(),
            found: found.into(),
        });
        self
    }
}

impl AcceptedIn {
    /// The key of the schema's file, of which a service has one.
    pub const SCHEMA: &str = "schema";

    /// The line that accepts a key, with its table.
    #[must_use]
    pub fn line(self, key: &str) -> String {
        let table = self.path().unwrap_or_default().join(".");
        format!("[{table}] {} = \"<reason>\"", escaped(key))
    }

    /// The table's path in the service's file; none where it is a file of its own.
    #[must_use]
    pub fn path(self) -> Option<[&'static str; 2]> {
        match self {
            Self::ModelDrift => Some(["model_drift", "accepted"]),
            Self::OneWay => Some(["downgrade", "one_way"]),
            Self::Rows => Some(["rows", "accepted"]),
            Self::Published => Some(["published_revisions", "accepted"]),
            Self::Locks => Some(["locks", "accepted"]),
            Self::Running => Some(["running_release", "accepted"]),
            Self::EnumTypes => Some(["enum_types", "accepted"]),
            Self::OutboxIndexes => Some(["outbox_indexes", "accepted"]),
            Self::MigrationNotes => Some(["migration_notes", "accepted"]),
            Self::Schema => None,
        }
    }
}

impl Place {
    /// A line of a file that is not a statement's place.
    #[must_use]
    pub fn line(file: &Path, line: u32) -> Self {
        Self {
            revision: None,
            file: PathBuf::from(file),
            line,
            end_line: None,
            column: None,
            end_column: None,
        }
    }
}
