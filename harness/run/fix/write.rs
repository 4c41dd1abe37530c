//! Writes proved fixes into the service: [`write`].

use std::fs;
use std::path::Path;

use super::overlay::Files;
use crate::error::{HarnessError, Result, Stage};
use crate::git::Repository;
use crate::manifest::Service;
use crate::run::schemas;

/// Writes each file of `after` that is not as in `before`, with a copy (`.orig`) beside one that
/// has changes which are not committed; tells what was written.
///
/// # Errors
/// A file is not as it was when the fix was proved, or cannot be written.
pub(super) fn write(service: &Service, before: &Files, after: &Files) -> Result<Vec<String>> {
    let changed = after
        .iter()
        .filter(|(file, content)| before.get(*file) != Some(content));
    let changed: Vec<_> = changed.collect();
    let mut told = Vec::new();
    for (file, content) in changed {
        let path = service.root.join(file);
        let shown = file.display();
        let failed = |problem: String| HarnessError::new(Stage::Evidence, problem);
        let Some(content) = content else { continue };
        if path.exists() && is_dirty(service, &path) {
            let copy = beside(&path);
            if copy.exists() {
                let problem = format!("{shown} has changes, and {} is there", copy.display());
                return Err(failed(problem).help("commit the changes, or remove that copy"));
            }
            let copied = fs::copy(&path, &copy);
            copied.map_err(|cause| failed(format!("{shown} cannot be copied: {cause}")))?;
            told.push(format!("kept: {} as it was", service.shown(&copy)));
        }
        let written = match path.exists() {
            true => schemas::write_bytes(&path, content),
            false => fs::write(&path, content),
        };
        written.map_err(|cause| failed(format!("{shown} cannot be written: {cause}")))?;
        told.push(format!("written: {shown}"));
    }
    Ok(told)
}

/// Tells whether git could not bring a file back as it is.
fn is_dirty(service: &Service, path: &Path) -> bool {
    let repository = Repository::containing(&service.directory);
    repository
        .and_then(|repository| repository.is_dirty(path))
        .unwrap_or(true)
}

fn beside(path: &Path) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".orig");
    name.into()
}
