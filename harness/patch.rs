//! Changes to files, by positions: [`Patch`].
//!
//! Anything that an edit does not name stays byte by byte: quotes, indentation, line ends, comments.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

/// Bytes of a file that become others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Their positions.
    pub at: Range<usize>,
    /// The text in their place.
    pub text: String,
}

/// Changes to several files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patch {
    edits: BTreeMap<PathBuf, Vec<Edit>>,
}

impl Patch {
    /// Adds edits of one file.
    #[must_use]
    pub fn edit(mut self, file: impl Into<PathBuf>, edits: Vec<Edit>) -> Self {
        self.edits.entry(file.into()).or_default().extend(edits);
        self
    }

    /// Each file with its edits.
    pub fn files(&self) -> impl Iterator<Item = (&PathBuf, &[Edit])> {
        self.edits
            .iter()
            .map(|(file, edits)| (file, edits.as_slice()))
    }
}

/// The content with its edits; `None` where two of them meet, or one is outside of it.
#[must_use]
pub fn edited(content: &[u8], edits: &[Edit]) -> Option<Vec<u8>> {
    let mut edits: Vec<&Edit> = edits.iter().collect();
    edits.sort_by_key(|edit| (edit.at.start, edit.at.end));
    let mut text = Vec::with_capacity(content.len());
    let mut done = 0;
    for edit in edits {
        text.extend_from_slice(content.get(done..edit.at.start)?);
        content.get(edit.at.clone())?;
        text.extend_from_slice(edit.text.as_bytes());
        done = edit.at.end;
    }
    text.extend_from_slice(content.get(done..)?);
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(at: Range<usize>, text: &str) -> Edit {
        let text = text.to_owned();
        Edit { at, text }
    }

    #[test]
    fn edits_leave_the_rest_as_it_is() {
        let content = b"a = 'x'\r\nb = 'y'\r\n";
        let edits = [edit(14..15, "w"), edit(5..6, "longer")];
        let after = edited(content, &edits);
        assert_eq!(after.as_deref(), Some(&b"a = 'longer'\r\nb = 'w'\r\n"[..]));
        assert_eq!(edited(content, &[]).as_deref(), Some(&content[..]));
    }

    #[test]
    fn edits_that_meet_are_none() {
        assert_eq!(edited(b"abcdef", &[edit(1..4, "x"), edit(3..5, "y")]), None);
        assert_eq!(edited(b"abcdef", &[edit(4..9, "x")]), None);
        let backwards = Range { start: 4, end: 2 };
        assert_eq!(edited(b"abcdef", &[edit(backwards, "x")]), None);
    }
}
