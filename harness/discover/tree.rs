//! One walk through a monorepo: [`Tree`], what in it may be of interest.
//!
//! Links are not followed, so a loop of them is none. Directories of other people's
//! code and of build products are left out: see [`is_foreign`].

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::compose::Images;
use crate::error::{HarnessError, Result, Stage};
use crate::invocation::Invocation;

/// Bytes up to which a configuration file is looked into.
const LARGEST_CONFIGURATION: u64 = 1 << 20;
/// Directories that hold no service of the monorepo, by name. Hidden ones are left out too.
const FOREIGN: [&str; 8] = [
    "node_modules",
    "site-packages",
    "dist-packages",
    "__pycache__",
    "bower_components",
    "build",
    "dist",
    "vendor",
];

/// The result of one walk, each list sorted.
#[derive(Debug, Default)]
pub struct Tree {
    /// The directory that was walked, absolute.
    pub root: PathBuf,
    /// Ini files that speak of Alembic.
    pub inis: Vec<PathBuf>,
    /// Files `pyproject.toml` with a `[tool.alembic]` table.
    pub pyprojects: Vec<PathBuf>,
    /// Files `env.py` that use Alembic's context.
    pub environments: Vec<PathBuf>,
    /// Top-level Python packages by name: the directories that hold them.
    pub packages: BTreeMap<String, Vec<PathBuf>>,
    /// Images of PostgreSQL that Compose files name.
    pub images: Images,
    /// The number of directories that were looked into.
    pub directories: usize,
}

impl Tree {
    /// Walks everything below `root`.
    ///
    /// # Errors
    /// `root` is no directory. What cannot be read below it is left out.
    pub fn read(root: &Path) -> Result<Self> {
        let absolute = root.canonicalize().ok().filter(|path| path.is_dir());
        let absolute = absolute.ok_or_else(|| {
            HarnessError::new(
                Stage::Manifest,
                format!("{} is no directory", root.display()),
            )
            .help(format!(
                "name the monorepo's directory, for instance: {}",
                Invocation::current().discover("../monorepo")
            ))
        })?;
        let mut tree = Self {
            root: absolute,
            ..Self::default()
        };
        let walk = WalkDir::new(&tree.root).sort_by_file_name();
        let entries = walk
            .into_iter()
            .filter_entry(|entry| entry.depth() == 0 || !is_foreign(entry));
        for entry in entries.flatten() {
            if entry.file_type().is_dir() {
                tree.directories += 1;
            } else if entry.file_type().is_file() {
                tree.file(entry.path());
            }
        }
        Ok(tree)
    }

    fn file(&mut self, path: &Path) {
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let says = |words: &[&str]| {
            let text = small(path).unwrap_or_default();
            words.iter().any(|word| text.contains(word))
        };
        if name == "__init__.py" {
            self.package(path);
        } else if name == "env.py" && says(&["alembic"]) && says(&["context"]) {
            self.environments.push(path.to_owned());
        } else if name == "pyproject.toml" && says(&["tool.alembic"]) {
            self.pyprojects.push(path.to_owned());
        } else if name.contains("compose") && (name.ends_with(".yml") || name.ends_with(".yaml")) {
            let text = small(path).unwrap_or_default();
            self.images.read(path.parent().unwrap_or(path), &text);
        } else if (name.ends_with(".ini") || name.ends_with(".cfg"))
            && says(&["script_location", "[alembic]"])
        {
            self.inis.push(path.to_owned());
        }
    }

    /// Notes a package whose parent is none: its parent belongs on Python's path.
    fn package(&mut self, init: &Path) {
        let Some((parent, name)) = init
            .parent()
            .and_then(|package| Some((package.parent()?, package.file_name()?.to_str()?)))
        else {
            return;
        };
        if !parent.join("__init__.py").exists() {
            let holders = self.packages.entry(name.to_owned()).or_default();
            holders.push(parent.to_owned());
        }
    }

    /// `path` as people name it: relative to the root.
    #[must_use]
    pub fn shown(&self, path: &Path) -> String {
        let relative = path.strip_prefix(&self.root).unwrap_or(path);
        match relative.as_os_str().is_empty() {
            true => ".".to_owned(),
            false => relative.display().to_string(),
        }
    }
}

/// Tells whether what is below a directory is not the monorepo's own: virtual environments
/// (`pyvenv.cfg`, PEP 405), caches (`CACHEDIR.TAG`, <https://bford.info/cachedir/>),
/// templates for projects, and what [`FOREIGN`] names.
pub(super) fn is_foreign(entry: &DirEntry) -> bool {
    if !entry.file_type().is_dir() {
        return false;
    }
    let name = entry.file_name().to_string_lossy();
    name.starts_with('.')
        || FOREIGN.contains(&&*name)
        || name.ends_with(".egg-info")
        || name.contains("{{")
        || ["pyvenv.cfg", "CACHEDIR.TAG"]
            .iter()
            .any(|mark| entry.path().join(mark).exists())
}

/// The text of a file that is no larger than a configuration is.
pub(super) fn small(path: &Path) -> Option<String> {
    let size = fs::metadata(path).ok()?.len();
    let bytes = (size <= LARGEST_CONFIGURATION).then(|| fs::read(path))?;
    Some(String::from_utf8_lossy(&bytes.ok()?).into_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use rstest::rstest;

    use super::Tree;

    fn written(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let file = directory.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, content).unwrap();
        }
        directory
    }

    const INI: &[u8] = b"[alembic]\nscript_location = alembic\n";

    #[rstest]
    #[case::virtual_environment(".venv/lib/x/alembic.ini")]
    #[case::installed("lib/python3.11/site-packages/x/alembic.ini")]
    #[case::node("web/node_modules/x/alembic.ini")]
    #[case::built("build/lib/alembic.ini")]
    #[case::tox("a/.tox/x/alembic.ini")]
    #[case::git(".git/alembic.ini")]
    #[case::template("{{cookiecutter.name}}/alembic.ini")]
    fn leaves_out_what_is_not_the_monorepos_own(#[case] name: &str) {
        let directory = written(&[(name, INI)]);
        assert_eq!(
            Tree::read(directory.path()).unwrap().inis,
            [] as [std::path::PathBuf; 0]
        );
    }

    #[rstest]
    #[case("python/pyvenv.cfg")]
    #[case("python/CACHEDIR.TAG")]
    fn leaves_out_what_is_marked(#[case] mark: &str) {
        let directory = written(&[("python/x/alembic.ini", INI), (mark, b"")]);
        assert!(Tree::read(directory.path()).unwrap().inis.is_empty());
    }

    #[test]
    fn finds_configurations_environments_and_packages() {
        let directory = written(&[
            ("a/alembic.ini", INI),
            ("a/other.ini", b"[tool]\n"),
            ("a/latin1.ini", b"[alembic]\n# caf\xe9\n"),
            (
                "b/pyproject.toml",
                b"[tool.alembic]\nscript_location = 'm'\n",
            ),
            ("b/m/env.py", b"from alembic import context\n"),
            ("b/env.py", b"import os\n"),
            ("b/src/shop/__init__.py", b""),
            ("b/src/shop/db/__init__.py", b""),
        ]);
        let tree = Tree::read(directory.path()).unwrap();
        let shown = |paths: &[std::path::PathBuf]| {
            paths
                .iter()
                .map(|path| tree.shown(path))
                .collect::<Vec<_>>()
        };
        assert_eq!(shown(&tree.inis), ["a/alembic.ini", "a/latin1.ini"]);
        assert_eq!(shown(&tree.pyprojects), ["b/pyproject.toml"]);
        assert_eq!(shown(&tree.environments), ["b/m/env.py"]);
        assert_eq!(tree.packages.keys().collect::<Vec<_>>(), ["shop"]);
        assert_eq!(shown(&tree.packages["shop"]), ["b/src"]);
    }

    #[cfg(unix)]
    #[test]
    fn follows_no_links() {
        let directory = written(&[("a/alembic.ini", INI)]);
        std::os::unix::fs::symlink(directory.path(), directory.path().join("a/loop")).unwrap();
        let tree = Tree::read(directory.path()).unwrap();
        assert_eq!(tree.inis.len(), 1);
    }

    #[test]
    fn a_file_is_no_monorepo() {
        let directory = written(&[("a", b"")]);
        let error = Tree::read(&directory.path().join("a")).unwrap_err();
        assert!(error.message.ends_with("is no directory"), "{error}");
    }
}
