//! Edits of a revision file, at the positions that its parser gives: [`Source`].

mod calls;
mod enums;
mod header;
mod statements;

pub use enums::Creation;

use std::ops::Range;
use std::path::{Path, PathBuf};

use ruff_python_ast::Stmt;
use ruff_text_size::{Ranged, TextRange};

use super::revision_file;

/// A Python file that can be edited by positions.
pub struct Source {
    /// Its path.
    pub file: PathBuf,
    /// Its text, without a byte-order mark.
    pub text: String,
    /// Its statements.
    pub body: Vec<Stmt>,
    /// The bytes before the text.
    mark: usize,
}

impl Source {
    /// Reads a file; `None` where it is not UTF-8, or cannot be parsed.
    #[must_use]
    pub fn read(file: &Path) -> Option<Self> {
        Self::parse(file, &std::fs::read(file).ok()?)
    }

    /// The same of its content.
    #[must_use]
    pub fn parse(file: &Path, bytes: &[u8]) -> Option<Self> {
        let pool = migration_revisions::pool().ok()?;
        let (text, body) = pool.install(|| revision_file::statements(bytes))?;
        let mark = bytes.len().checked_sub(text.len())?;
        let is_whole = bytes.get(mark..)? == text.as_bytes();
        is_whole.then(|| Self {
            file: file.to_owned(),
            text,
            body,
            mark,
        })
    }

    /// The text of a part.
    #[must_use]
    pub fn slice(&self, part: &impl Ranged) -> &str {
        self.text.get(range(part.range())).unwrap_or_default()
    }

    /// The positions of a range in the file.
    fn at(&self, range: Range<usize>) -> Range<usize> {
        range.start + self.mark..range.end + self.mark
    }
}

fn range(range: TextRange) -> Range<usize> {
    range.start().to_usize()..range.end().to_usize()
}

#[cfg(test)]
mod tests;
