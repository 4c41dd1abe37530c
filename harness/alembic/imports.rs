//! Imports of a service: as they were when it last ran ([`Imports`]), or as its files say
//! ([`named`]).
//!
//! Kept from run to run, because it decides which modules an interpreter imports before a
//! service asks for them. It says nothing of the service's promises.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use migration_revisions::imports::{self, Import};
use serde::{Deserialize, Serialize};

use super::script_location::{Static, locate, python_path};
use crate::files::write_whole;
use crate::manifest::Service;

/// The imports of one service, and what they depend on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Imports {
    /// The service's manifest.
    pub service: PathBuf,
    /// Imports of installed packages by the service's side, in their order.
    pub imports: Vec<Import>,
    /// A number for the import statements of each file of the service's side.
    files: BTreeMap<PathBuf, u64>,
    /// The times at which the directories of installed packages last changed.
    places: BTreeMap<PathBuf, Option<SystemTime>>,
}

/// The imports that the worker reports.
#[derive(Debug, Deserialize)]
pub struct ImportReport {
    modules: Vec<String>,
    files: Vec<PathBuf>,
    places: Vec<PathBuf>,
}

impl Imports {
    /// The report, with the state of the files that it depends on.
    #[must_use]
    pub fn new(service: PathBuf, told: ImportReport) -> Self {
        let file = |path: PathBuf| Some((statements(&path)?, path));
        let modules: BTreeSet<&str> = told.modules.iter().map(String::as_str).collect();
        let read = |file: &PathBuf| on_a_reader(imports::read, file.as_path());
        let imported = told.files.iter().flat_map(read);
        let imports = imported.filter(|import| modules.contains(import.0.as_str()));
        Self {
            service,
            imports: imports.collect(),
            files: told
                .files
                .into_iter()
                .filter_map(file)
                .map(|(number, path)| (path, number))
                .collect(),
            places: told
                .places
                .into_iter()
                .map(|place| (place.clone(), changed(&place)))
                .collect(),
        }
    }

    /// The report that was kept; `None` where there is none that can be read.
    #[must_use]
    pub fn read(file: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(file).ok()?).ok()
    }

    /// Keeps it, whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, file: &Path) -> std::io::Result<()> {
        if let Some(directory) = file.parent() {
            std::fs::create_dir_all(directory)?;
        }
        write_whole(file, &serde_json::to_vec(self)?)
    }

    /// Tells whether the service would import the same today; if not, why.
    ///
    /// # Errors
    /// The change.
    pub fn current(&self) -> Result<(), String> {
        let place = |(path, then): (&PathBuf, &Option<SystemTime>)| changed(path) != *then;
        if let Some((place, _)) = self.places.iter().find(|entry| place(*entry)) {
            return Err(format!("{} has changed", place.display()));
        }
        let file = |(path, then): (&PathBuf, &u64)| statements(path) != Some(*then);
        match self.files.iter().find(|entry| file(*entry)) {
            Some((file, _)) => Err(format!("the imports of {} have changed", file.display())),
            None => Ok(()),
        }
    }
}

fn changed(place: &Path) -> Option<SystemTime> {
    std::fs::metadata(place).ok()?.modified().ok()
}

/// A number for all that a file imports: statements over several lines, and the calls
/// that import by name. `None` where the file cannot be read.
fn statements(file: &Path) -> Option<u64> {
    let text = String::from_utf8_lossy(&std::fs::read(file).ok()?).into_owned();
    let mut hasher = DefaultHasher::new();
    let mut open = false;
    for line in text.lines().map(str::trim) {
        let begins = line.starts_with("import ") || line.starts_with("from ");
        let calls = line.contains("import_module") || line.contains("__import__");
        if begins || calls || open {
            line.hash(&mut hasher);
        }
        open = (open || (begins && line.contains('('))) && !line.contains(')')
            || (begins && line.ends_with('\\'));
    }
    Some(hasher.finish())
}

/// Imports that the files of a service make when `env.py` runs, as far as they can be found
/// without Python. Empty where `env.py` cannot.
#[must_use]
pub fn named(service: &Service) -> Vec<Import> {
    let Service {
        directory,
        alembic_ini,
        alembic_section,
        ..
    } = service;
    let Ok(Static::Known(location)) = locate(directory, alembic_ini, alembic_section) else {
        return Vec::new();
    };
    let given = service.env.get("PYTHONPATH").map(std::env::split_paths);
    let given = given.into_iter().flatten().map(|path| directory.join(path));
    let configured = python_path(directory, alembic_ini, alembic_section);
    // `sys.path` is often set by `env.py`, to one of these.
    let above = directory
        .ancestors()
        .take_while(|path| path.starts_with(&service.root));
    let path: Vec<PathBuf> = given
        .chain(configured)
        .chain(above.map(Path::to_owned))
        .collect();
    let mut files = vec![location.directory.join("env.py")];
    for versions in &location.versions {
        let entries = std::fs::read_dir(versions).into_iter().flatten().flatten();
        files.extend(
            entries
                .map(|entry| entry.path())
                .filter(|file| file.extension().is_some_and(|suffix| suffix == "py")),
        );
    }
    on_a_reader(|(files, path)| imports::follow(files, path), &(files, path))
}

/// Reads Python where the stack is large enough for it; nothing where there are no threads.
fn on_a_reader<T: Sync + ?Sized, R: Send>(read: impl Fn(&T) -> Vec<R> + Sync, of: &T) -> Vec<R> {
    match migration_revisions::pool() {
        Ok(pool) => pool.install(|| read(of)),
        Err(_) => Vec::new(),
    }
}

/// Imports to make for all of `services` at once: those that at least half of them make. The
/// others do not see them.
#[must_use]
pub fn shared(services: &[Vec<Import>]) -> Vec<Import> {
    let mut found: Vec<(Import, usize)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for service in services {
        let mut counted = BTreeSet::new();
        for Import(module, names) in service {
            let place = *places.entry(module.clone()).or_insert(found.len());
            if place == found.len() {
                found.push((Import(module.clone(), Vec::new()), 0));
            }
            let (known, count) = &mut found[place];
            *count += usize::from(counted.insert(place));
            let new = names.iter().filter(|name| !known.1.contains(name));
            let new: Vec<String> = new.cloned().collect();
            known.1.extend(new);
        }
    }
    let most = found
        .into_iter()
        .filter(|(_, count)| 2 * count >= services.len());
    most.map(|(import, _)| import).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(imports: &[(&str, &[&str])]) -> Vec<Import> {
        let one = |(module, names): &(&str, &[&str])| {
            Import(
                (*module).to_owned(),
                names.iter().map(|name| (*name).to_owned()).collect(),
            )
        };
        imports.iter().map(one).collect()
    }

    #[test]
    fn what_is_shared_is_what_half_of_the_services_import() {
        let web = service(&[("a", &[]), ("fastapi", &["FastAPI"]), ("a", &["x"])]);
        let lean = service(&[("a", &["y"])]);
        assert_eq!(shared(&[]), []);
        assert_eq!(
            shared(&[web.clone(), lean.clone(), lean.clone()]),
            service(&[("a", &["x", "y"])])
        );
        let all = service(&[("a", &["x", "y"]), ("fastapi", &["FastAPI"])]);
        assert_eq!(shared(&[web, lean]), all);
    }

    #[test]
    fn only_what_is_imported_makes_a_difference() {
        let directory = tempfile::tempdir().unwrap_or_else(|e| unreachable!("{e}"));
        let file = directory.path().join("models.py");
        let number = |text: &str| {
            assert!(std::fs::write(&file, text).is_ok());
            statements(&file)
        };
        let plain = number("import a\nfrom b import (\n    c,\n)\nx = 1\n");
        assert_eq!(
            plain,
            number("import a\nfrom b import (\n    c,\n)\nx = 2\n\ny = 3\n")
        );
        assert_ne!(
            plain,
            number("import a\nfrom b import (\n    d,\n)\nx = 1\n")
        );
        assert_ne!(plain, number("import a\nx = 1\n"));
        assert_eq!(statements(&directory.path().join("gone.py")), None);
    }
}
