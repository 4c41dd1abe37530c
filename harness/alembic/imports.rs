//! What a service imported when it last ran in a fresh interpreter: [`Imports`].
//!
//! Kept from run to run, because it decides which modules may be imported before a
//! service asks for them. It says nothing of the service's promises.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

/// The imports of one service, and what they depend on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Imports {
    /// The service's manifest.
    pub service: PathBuf,
    /// Modules of installed packages, in the order in which they were imported.
    pub modules: Vec<String>,
    /// A number for the import statements of each file of the service's side.
    files: BTreeMap<PathBuf, u64>,
    /// When the directories of installed packages last changed.
    places: BTreeMap<PathBuf, Option<SystemTime>>,
}

/// What the worker says it imported.
#[derive(Debug, Deserialize)]
pub struct Told {
    modules: Vec<String>,
    files: Vec<PathBuf>,
    places: Vec<PathBuf>,
}

impl Imports {
    /// What was told, with the state of the files that it depends on.
    #[must_use]
    pub fn new(service: PathBuf, told: Told) -> Self {
        let file = |path: PathBuf| Some((statements(&path)?, path));
        Self {
            service,
            modules: told.modules,
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

    /// What was kept; `None` where there is nothing, or nothing that can be read.
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
        let partial = file.with_extension(format!("{}.partial", std::process::id()));
        std::fs::write(&partial, serde_json::to_vec(self)?)?;
        std::fs::rename(partial, file)
    }

    /// Whether the service would import the same today; if not, why.
    ///
    /// # Errors
    /// What has changed.
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

/// The modules to import for all of `services` at once: those that most of them share.
///
/// A service takes part only if it imports all of them, so that nothing is there that
/// it would not have imported itself. Members are left out one by one, as long as what
/// the others share saves more imports than are lost.
#[must_use]
pub fn shared(services: &[Imports]) -> Vec<String> {
    let sets: Vec<BTreeSet<&str>> = services
        .iter()
        .map(|one| one.modules.iter().map(String::as_str).collect())
        .collect();
    let mut members: Vec<usize> = (0..sets.len()).collect();
    let mut common = intersection(&sets, &members);
    while members.len() > 1 {
        let without = |left_out: usize| {
            let rest: Vec<usize> = members
                .iter()
                .copied()
                .filter(|one| *one != left_out)
                .collect();
            (intersection(&sets, &rest), rest)
        };
        let smallest = members.iter().copied().min_by_key(|one| sets[*one].len());
        let Some((fewer, rest)) = smallest.map(without) else {
            break;
        };
        if fewer.len() * rest.len() <= common.len() * members.len() {
            break;
        }
        (common, members) = (fewer, rest);
    }
    let order = members.first().map(|first| &services[*first].modules);
    order
        .into_iter()
        .flatten()
        .filter(|module| common.contains(module.as_str()))
        .cloned()
        .collect()
}

fn intersection<'a>(sets: &[BTreeSet<&'a str>], members: &[usize]) -> BTreeSet<&'a str> {
    let mut sets = members.iter().map(|member| &sets[*member]);
    let first = sets.next().cloned().unwrap_or_default();
    sets.fold(first, |common, set| {
        common.intersection(set).copied().collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(modules: &[&str]) -> Imports {
        Imports {
            service: PathBuf::new(),
            modules: modules.iter().map(|name| (*name).to_owned()).collect(),
            files: BTreeMap::new(),
            places: BTreeMap::new(),
        }
    }

    #[test]
    fn what_is_shared_is_what_every_member_imports() {
        let web = ["a", "b", "fastapi", "c"];
        let lean = ["a", "b"];
        assert_eq!(shared(&[]), Vec::<String>::new());
        assert_eq!(shared(&[service(&web), service(&lean)]), ["a", "b"]);
        let many = [service(&web), service(&lean), service(&web), service(&web)];
        assert_eq!(shared(&many), web, "the lean one starts by itself");
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
