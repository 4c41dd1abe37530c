//! The file that holds a service's accepted schema: [`SchemaFile`].
//!
//! Costs nothing, so each process reads it for itself.

use std::path::{Path, PathBuf};

use super::notes::Content;
use crate::manifest::Service;

/// `schemas/<service>.sql` beside the manifest's `services/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaFile {
    /// Its path.
    pub path: PathBuf,
    /// Its content.
    pub content: Content,
    /// The names of the files beside it that belong to no service, sorted.
    pub of_no_service: Vec<String>,
}

impl SchemaFile {
    /// Reads the file of `service`.
    #[must_use]
    pub fn read(service: &Service) -> Self {
        let path = service.schema_file();
        Self {
            content: Content::read(&path),
            of_no_service: left_over(service.file.parent(), path.parent()).unwrap_or_default(),
            path,
        }
    }
}

/// The files that are left where a service was renamed or removed.
fn left_over(services: Option<&Path>, schemas: Option<&Path>) -> Option<Vec<String>> {
    let files = schemas?
        .read_dir()
        .ok()?
        .flatten()
        .map(|entry| entry.path());
    let left = files.filter(|file| {
        let stem = file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let service = services
            .unwrap_or(Path::new(""))
            .join(format!("{stem}.toml"));
        file.extension().is_some_and(|extension| extension == "sql") && !service.exists()
    });
    let mut names: Vec<String> = left
        .filter_map(|file| Some(file.file_name()?.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    Some(names)
}
