//! The error about a text that is no schema as it is written here: [`Unreadable`].

/// A text that was not written by [`super::text`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The line, from 1.
    pub line: u32,
    /// The problem, as a lowercase fragment.
    pub problem: String,
    /// Tells a merge conflict, which is nobody's edit, from everything else.
    pub is_conflict: bool,
}

impl Unreadable {
    /// A line that is not as it was written, but no merge conflict.
    pub(super) fn new(line: u32, problem: impl Into<String>) -> Self {
        Self {
            line,
            problem: problem.into(),
            is_conflict: false,
        }
    }
}
