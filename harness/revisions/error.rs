//! The error of an environment that cannot be read: [`Error`].

/// An Alembic environment cannot be read, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// The problem, as a lowercase fragment.
    pub message: String,
    /// Lines that support it.
    pub details: Vec<String>,
    /// Advice.
    pub help: Option<String>,
}

/// The result of reading.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error that says `message`.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            details: Vec::new(),
            help: None,
        }
    }

    /// Adds one or more lines that support the message.
    #[must_use]
    pub fn detail(mut self, text: impl AsRef<str>) -> Self {
        let lines = text.as_ref().lines().map(str::to_owned);
        self.details.extend(lines);
        self
    }

    /// Says what would help.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }
}
