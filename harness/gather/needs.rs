//! The things that a failed upgrade lacks, and their places in the monorepo.

use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use crate::alembic::transcript::{Need, Outcome, Transcript};

/// The depth below the root at which a module is still looked for.
const DEPTH: usize = 6;
/// The number of files and directories that are looked at.
const ENTRIES: usize = 20_000;
/// The number of places that are named.
const PLACES: usize = 3;
/// Directories of other people's code, by name. Hidden ones are left out too.
const FOREIGN: &[&str] = &[
    "node_modules",
    "site-packages",
    "dist-packages",
    "__pycache__",
];

/// PostgreSQL's codes for a table and a column that are not there
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
const LACKING: &[&str] = &["42P01", "42703"];

/// Tells whether an upgrade named a table or a column that is not there.
pub(super) fn lacks_relation(transcript: &Transcript) -> bool {
    let raised = transcript.outcome.error();
    let state = raised.and_then(|raised| raised.sqlstate.as_deref());
    state.is_some_and(|state| LACKING.contains(&state))
}

/// Notes from where in the monorepo a module that is missing could be imported.
pub(super) fn locate(transcript: &mut Transcript, root: &Path) {
    let (Outcome::Raised(raised) | Outcome::Swallowed(raised)) = &mut transcript.outcome else {
        return;
    };
    if let Some(Need::Module { name, found }) = &mut raised.needs {
        *found = directories_with(name, root);
    }
}

/// The directories below `root` from which a module could be imported, the highest first.
fn directories_with(module: &str, root: &Path) -> Vec<PathBuf> {
    let path: PathBuf = module.split('.').collect();
    let Some(top) = path.iter().next() else {
        return Vec::new();
    };
    let file = Path::new(top).with_extension("py");
    let is_it = |entry: &DirEntry| match entry.file_type().is_dir() {
        true => entry.file_name() == top && is_module(&entry.path().with_file_name(&path)),
        false => entry.file_name() == file && path.iter().count() == 1,
    };
    let entries = WalkDir::new(root).max_depth(DEPTH).sort_by_file_name();
    let entries = entries.into_iter().filter_entry(|entry| !is_foreign(entry));
    let found = entries.flatten().take(ENTRIES).filter(is_it);
    let mut found: Vec<PathBuf> = found
        .filter_map(|entry| Some(entry.path().parent()?.to_owned()))
        .collect();
    found.sort_by_key(|place| place.components().count());
    found.dedup();
    found.truncate(PLACES);
    found
}

/// Tells whether Python code is where a module would be: a file, or a directory with some.
fn is_module(path: &Path) -> bool {
    let mut files = path.read_dir().into_iter().flatten().flatten();
    let has_code = files.any(|entry| {
        entry
            .path()
            .extension()
            .is_some_and(|ending| ending == "py")
    });
    has_code || path.with_extension("py").is_file()
}

fn is_foreign(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    let is_environment = entry.path().join("pyvenv.cfg").is_file();
    entry.depth() > 0 && (name.starts_with('.') || FOREIGN.contains(&&*name) || is_environment)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use super::*;

    #[test]
    fn a_module_is_found_where_it_could_be_imported_from() {
        let root = tempfile::tempdir().unwrap();
        for file in [
            "libs/shared/__init__.py",
            "libs/shared/models.py",
            "services/a/app/db.py",
            "services/a/settings.py",
            ".venv/lib/shared/__init__.py",
            "env/pyvenv.cfg",
            "env/shared/__init__.py",
            "docs/shared/index.md",
        ] {
            let file = root.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        let found = |module: &str| {
            let found = directories_with(module, root.path()).into_iter();
            let shown = found.map(|place| place.strip_prefix(root.path()).unwrap().to_owned());
            shown.collect::<Vec<PathBuf>>()
        };
        assert_eq!(found("shared"), [PathBuf::from("libs")]);
        assert_eq!(found("shared.models"), [PathBuf::from("libs")]);
        assert_eq!(found("app"), [PathBuf::from("services/a")]);
        assert_eq!(found("settings"), [PathBuf::from("services/a")]);
        assert!(found("shared.gone").is_empty());
        assert!(found("requests").is_empty());
    }
}
