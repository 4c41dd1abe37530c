//! The text of the files beside a service's migrations: [`NotesFile`].
//!
//! Costs nothing, so each process reads it for itself.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::manifest::Service;

/// One of the files that may hold the notes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotesFile {
    /// Its path, absolute.
    pub path: PathBuf,
    /// Its content.
    pub content: Content,
}

/// The content of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Its text; bytes that are no UTF-8 are replaced.
    Text(String),
    /// There is no such file.
    Missing,
    /// It cannot be read, and why.
    Unreadable(String),
}

impl Content {
    /// Reads `path`.
    #[must_use]
    pub fn read(path: &Path) -> Self {
        match fs::read(path) {
            Ok(bytes) => Self::Text(String::from_utf8_lossy(&bytes).into_owned()),
            Err(cause) if cause.kind() == ErrorKind::NotFound => Self::Missing,
            Err(cause) => Self::Unreadable(cause.to_string()),
        }
    }
}

/// Every file of the convention, in its order; `None` without a convention.
#[must_use]
pub fn read(service: &Service) -> Option<Vec<NotesFile>> {
    let files = &service.notes.as_ref()?.files;
    let read = |file: &PathBuf| {
        let path = service.directory.join(file);
        let content = Content::read(&path);
        NotesFile { path, content }
    };
    Some(files.iter().map(read).collect())
}
