//! The manifest's files on disk: [`write`].

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::name::Known;
use super::tree::Tree;
use super::{Discovery, Request, manifest};
use crate::error::{HarnessError, Result, Stage};
use crate::invocation::Invocation;

/// The directory of a manifest unless another place is named.
const DEFAULT_DIRECTORY: &str = "services-manifest";

/// The fate of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenFile {
    /// The file.
    pub file: PathBuf,
    /// Its content, present or proposed.
    pub text: String,
    /// Its fate.
    pub state: State,
}

/// The fate of a file; with `--dry-run`, the one that it would have had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It was not there.
    New,
    /// It was there, with the same text.
    Unchanged,
    /// It was there with another text, and is as it was.
    Kept,
    /// It was there with another text, which is gone.
    Replaced,
}

/// The keys of a manifest that is there already.
#[derive(Debug, Deserialize)]
struct Defaults {
    root: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Service {
    path: String,
    alembic_ini: Option<String>,
    alembic_section: Option<String>,
}

/// The manifest's directory, absolute.
///
/// # Errors
/// It holds the manifest of another monorepo, or is a file.
pub fn destination(request: &Request, tree: &Tree) -> Result<PathBuf> {
    let to = match &request.to {
        Some(to) => absolute(to)?,
        None => tree.root.join(DEFAULT_DIRECTORY),
    };
    if to.exists() && !to.is_dir() {
        return Err(error(&to, "is no directory"));
    }
    let defaults: Option<Defaults> = parsed(&to.join("defaults.toml"));
    let Some(root) = defaults.and_then(|defaults| defaults.root) else {
        return Ok(to);
    };
    match to.join(&root).canonicalize() {
        Ok(other) if other != tree.root => Err(error(
            &to,
            &format!(
                "is the manifest of another monorepo: its `root` is {}",
                other.display()
            ),
        )
        .help(format!(
            "name a directory for this one's: SERVICES_MANIFEST=<dir> {}",
            Invocation::current().discover("...")
        ))),
        _ => Ok(to),
    }
}

/// The services that a manifest describes already.
#[must_use]
pub fn known_services(to: &Path) -> Vec<Known> {
    let entries = fs::read_dir(to.join("services"))
        .into_iter()
        .flatten()
        .flatten();
    let files = entries.map(|entry| entry.path());
    let mut known: Vec<Known> = files
        .filter(|file| {
            file.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .filter_map(|file| {
            let service: Service = parsed(&file)?;
            let path = service.path.trim_end_matches('/').to_owned();
            Some(Known {
                name: file.file_stem()?.to_str()?.to_owned(),
                describes: (
                    path,
                    service.alembic_ini.unwrap_or("alembic.ini".to_owned()),
                    service.alembic_section.unwrap_or("alembic".to_owned()),
                ),
            })
        })
        .collect();
    known.sort();
    known
}

/// Writes the files, or with `--dry-run` only says what would become of them.
///
/// # Errors
/// A file or its directory cannot be written.
pub fn write(request: &Request, discovery: &Discovery) -> Result<Vec<WrittenFile>> {
    let mut written = Vec::new();
    for (relative, text) in manifest::files(discovery) {
        let file = discovery.to.join(relative);
        let state = match fs::read(&file) {
            Ok(there) if there == text.as_bytes() => State::Unchanged,
            Ok(_) if request.force => State::Replaced,
            Ok(_) => State::Kept,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => State::New,
            Err(cause) => return Err(error(&file, &format!("cannot be read: {cause}"))),
        };
        if matches!(state, State::New | State::Replaced) && !request.dry_run {
            put(&file, &text)?;
        }
        written.push(WrittenFile { file, text, state });
    }
    Ok(written)
}

fn put(file: &Path, text: &str) -> Result<()> {
    let directory = file.parent().unwrap_or(file);
    fs::create_dir_all(directory)
        .and_then(|()| fs::write(file, text))
        .map_err(|cause| error(file, &format!("cannot be written: {cause}")))
}

/// A directory that need not exist, without links and `..`.
fn absolute(path: &Path) -> Result<PathBuf> {
    let whole = std::path::absolute(path)
        .map_err(|cause| error(path, &format!("is no directory: {cause}")))?;
    let existing = whole.ancestors().find(|ancestor| ancestor.exists());
    let existing = existing.unwrap_or(Path::new("/"));
    let real = existing
        .canonicalize()
        .map_err(|cause| error(path, &format!("is no directory: {cause}")))?;
    let rest = whole.strip_prefix(existing).unwrap_or(Path::new(""));
    Ok(match rest.as_os_str().is_empty() {
        true => real,
        false => real.join(rest),
    })
}

fn parsed<T: for<'de> Deserialize<'de>>(file: &Path) -> Option<T> {
    toml::from_str(&fs::read_to_string(file).ok()?).ok()
}

fn error(path: &Path, problem: &str) -> HarnessError {
    HarnessError::new(Stage::Manifest, format!("{} {problem}", path.display()))
}
