//! `conventions/notes.toml`: what the notes beside a service's migrations cover,
//! [`NotesConvention`].

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use super::{OneOrMany, error, read};
use crate::error::Result;

/// The notes that every service carries, and their places.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotesConvention {
    /// The files that may hold them, relative to the service's directory.
    pub files: Vec<PathBuf>,
    /// Their subject.
    #[serde(rename = "topic")]
    pub topics: Vec<Topic>,
}

/// One thing that the notes cover. A heading, or words, show that it is there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// Its name in `notes.toml`.
    pub id: String,
    /// The subject, as in "no note on <title>".
    pub title: String,
    /// Any of these in a heading, with text below it, shows it.
    #[serde(default)]
    pub headings: Vec<String>,
    /// Any of these in one file shows it; of a list, all.
    #[serde(default)]
    pub words: Vec<Words>,
    /// The paragraph to paste where it is missing.
    pub paragraph: String,
}

/// Words that show a topic where all of them are in one file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "OneOrMany")]
pub struct Words(pub Vec<String>);

impl From<OneOrMany> for Words {
    fn from(given: OneOrMany) -> Self {
        Self(given.into_vec())
    }
}

impl NotesConvention {
    /// Reads `file`; `None` where there is none.
    pub(super) fn read(file: &Path) -> Result<Option<Self>> {
        if !file.exists() {
            return Ok(None);
        }
        let convention: Self = read(file)?;
        convention.check(file)?;
        Ok(Some(convention))
    }

    /// The mistake that would make the criterion judge nothing, or pass on anything.
    fn check(&self, file: &Path) -> Result<()> {
        if self.files.is_empty() {
            return Err(
                error(file, "`files` is empty").help("for instance files = [\"README.md\"]")
            );
        }
        let inside = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        if let Some(path) = self
            .files
            .iter()
            .find(|path| !path.components().all(inside))
        {
            let problem = format!(
                "`files` names \"{}\", which leaves the service",
                path.display()
            );
            return Err(error(file, problem)
                .help("the files are relative to the service's directory, and below it"));
        }
        if self.topics.is_empty() {
            return Err(error(file, "has no [[topic]]").help("name at least one topic"));
        }
        let mut seen = BTreeSet::new();
        for topic in &self.topics {
            let problem = if seen.insert(&topic.id) {
                topic.problem()
            } else {
                Some("is there twice")
            };
            if let Some(problem) = problem {
                return Err(error(file, format!("topic \"{}\": {problem}", topic.id)).help(
                    "for instance headings = [\"Creating enums\"], or words = [[\"enum\", \"create_type\"]]",
                ));
            }
        }
        Ok(())
    }
}

impl Topic {
    fn problem(&self) -> Option<&'static str> {
        let blank = |text: &String| !text.chars().any(char::is_alphanumeric);
        if self.headings.is_empty() && self.words.is_empty() {
            return Some("neither `headings` nor `words` say how it shows");
        }
        if self.headings.iter().any(blank) {
            return Some("`headings` holds one without a letter");
        }
        if self
            .words
            .iter()
            .any(|words| words.0.is_empty() || words.0.iter().any(blank))
        {
            return Some("`words` holds an empty list, or words without a letter");
        }
        [&self.title, &self.paragraph]
            .into_iter()
            .any(blank)
            .then_some("`title` and `paragraph` need text")
    }
}
