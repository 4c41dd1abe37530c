//! The files of a run, which only its user may read.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use crate::error::{HarnessError, Stage};

/// A directory for our eyes only: what a service prints may hold its secrets.
pub(super) fn directory(directory: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
}

/// An error about a file of the run.
pub(super) fn broken(path: &Path, cause: &dyn std::fmt::Display) -> HarnessError {
    HarnessError::new(Stage::Evidence, format!("{}: {cause}", path.display()))
}
