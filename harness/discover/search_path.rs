//! The directories that `env.py` needs on Python's search path, besides those that Alembic
//! and the code itself put there: [`missing`].

use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::python::{Module, Modules, Reader, added, closure, imported, module_file};
use super::tree::{Tree, small};
use super::{Guess, Sure};

/// Modules of Python's own that directories of a service are often called like.
const STANDARD: [&str; 34] = [
    "abc",
    "array",
    "ast",
    "asyncio",
    "base64",
    "calendar",
    "cmd",
    "code",
    "collections",
    "contextlib",
    "copy",
    "csv",
    "dataclasses",
    "datetime",
    "email",
    "enum",
    "functools",
    "html",
    "http",
    "io",
    "json",
    "logging",
    "os",
    "pathlib",
    "platform",
    "queue",
    "re",
    "secrets",
    "string",
    "sys",
    "test",
    "time",
    "types",
    "typing",
];

/// The directories in which Python looks for the modules of one service.
#[derive(Debug)]
pub struct Place<'t> {
    /// The monorepo.
    pub tree: &'t Tree,
    /// The directory in which the command is typed.
    pub directory: &'t Path,
    /// The directories on the path before `env.py` runs.
    pub path: Vec<PathBuf>,
    /// The interpreter as a command.
    pub python: &'t [String],
}

/// The directories that have to be added so that `modules`, and what they import, find
/// every module that the monorepo has. `None` where nothing is missing.
#[must_use]
pub fn missing(
    place: Place<'_>,
    reader: &Reader<'_>,
    first: &[Rc<Module>],
) -> Option<Guess<Vec<PathBuf>>> {
    let mut path = place.path.clone();
    let directories = directories_from_settings(&place);
    let site = site_packages(&place);
    let mut all: Vec<Rc<Module>> = Vec::new();
    for module in first.iter().flat_map(|one| closure(reader, one, false)) {
        if !all.iter().any(|known| known.file == module.file) {
            all.push(module);
        }
    }
    for module in &all {
        path.extend(added(module, place.directory));
    }
    let mut missing: Vec<PathBuf> = Vec::new();
    let mut sure = Sure::Certain;
    let mut why = String::new();
    for module in &all {
        let functions = first.iter().any(|one| one.file == module.file);
        for name in imported(module, functions) {
            let top = name.split('.').next().unwrap_or(&name);
            let known = STANDARD.contains(&top) || Modules::is_foreign(top);
            if known || is_found(&path, &name) || site.has(top) {
                continue;
            }
            let Some((directory, by)) = holder(&place, &directories, &name, module) else {
                continue;
            };
            let is_told = by.is_some();
            if !is_told && site.is_managed && is_installable(&directory) {
                continue;
            }
            if !is_told && is_package_on(&path, &directory) {
                continue;
            }
            if !is_told && is_namesake(module, &directory, top) {
                continue;
            }
            let shown = place.tree.shown(&directory);
            let of = place.tree.shown(&module.file);
            if why.is_empty() {
                why = match &by {
                    Some(file) => format!("{of} imports {name} from {shown}, as {file} says"),
                    None => format!("{of} imports {name} from {shown}, which nothing else says"),
                };
            }
            sure = sure.max(by.map_or(Sure::Likely, |_| Sure::Certain));
            path.push(directory.clone());
            missing.push(directory);
        }
    }
    (!missing.is_empty()).then_some(Guess {
        value: missing,
        sure,
        why,
    })
}

/// Tells whether a module of a package's own package imports what is called like that: in
/// `<package>/keras/__init__.py`, `import keras` means another distribution.
fn is_namesake(module: &Module, directory: &Path, top: &str) -> bool {
    directory.join("__init__.py").is_file() && module.file.starts_with(directory.join(top))
}

/// Tells whether a module of this dotted name, or a directory of modules, is on the path.
fn is_found(path: &[PathBuf], name: &str) -> bool {
    let relative: PathBuf = name.split('.').collect();
    path.iter().any(|directory| is_in(directory, &relative))
}

fn is_in(directory: &Path, relative: &Path) -> bool {
    let whole = directory.join(relative);
    module_file(&whole).is_some() || (relative.components().count() > 1 && whole.is_dir())
}

/// Tells whether a directory is a package that the path leads to already: a module in it is
/// imported through the package, and one of another library may have the same name (`sklearn`
/// beside `types`, say, which would then take the place of Python's own).
fn is_package_on(path: &[PathBuf], directory: &Path) -> bool {
    let holder = directory.parent();
    directory.join("__init__.py").is_file()
        && holder.is_some_and(|holder| path.iter().any(|entry| entry == holder))
}

/// The directory of the monorepo that has a module, and the file that says that it is on
/// the path.
fn holder(
    place: &Place<'_>,
    directories: &[(PathBuf, String)],
    name: &str,
    from: &Module,
) -> Option<(PathBuf, Option<String>)> {
    let relative: PathBuf = name.split('.').collect();
    let has = |directory: &Path| is_in(directory, &relative);
    if let Some((directory, file)) = directories.iter().find(|(directory, _)| has(directory)) {
        return Some((directory.clone(), Some(file.clone())));
    }
    let above = place.directory.ancestors();
    let above = above.take_while(|directory| directory.starts_with(&place.tree.root));
    let near = above.flat_map(|directory| [directory.to_owned(), directory.join("src")]);
    let top = name.split('.').next()?;
    let mut elsewhere: Vec<&PathBuf> = place.tree.packages.get(top).into_iter().flatten().collect();
    elsewhere.sort_by_key(|holder| {
        let shared = holder.components().zip(from.file.components());
        std::cmp::Reverse(shared.take_while(|(one, other)| one == other).count())
    });
    let mut all = near.chain(elsewhere.into_iter().cloned());
    Some((all.find(|directory| has(directory))?, None))
}

/// The directories that a Dockerfile, a Compose file or pytest's settings put on the path,
/// as they lie in the monorepo.
fn directories_from_settings(place: &Place<'_>) -> Vec<(PathBuf, String)> {
    let above = place.directory.ancestors();
    let above = above.take_while(|directory| directory.starts_with(&place.tree.root));
    let mut found = Vec::new();
    for directory in above {
        let mut files: Vec<PathBuf> = fs::read_dir(directory)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.is_file())
            .collect();
        files.sort();
        for file in files {
            let name = file
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let entries = match &*name {
                "pyproject.toml" | "pytest.ini" | "setup.cfg" | "tox.ini" => pytest(&file),
                _ if name.contains("ockerfile") || name.contains("compose") => container(&file),
                _ if name.starts_with(".env") || name == "Makefile" => container(&file),
                _ => continue,
            };
            for entry in entries {
                let places = within(place, directory, &entry);
                found.extend(places.into_iter().map(|place| (place, name.clone())));
            }
        }
    }
    found
}

/// The entries that a file gives to `PYTHONPATH`.
fn container(file: &Path) -> Vec<String> {
    let text = small(file).unwrap_or_default();
    let values = text.lines().filter_map(|line| {
        let (_, rest) = line.split_once("PYTHONPATH")?;
        let rest = rest.trim_start_matches(['=', ':', ' ', '"', '\'']);
        let end = |letter: char| letter.is_whitespace() || matches!(letter, '"' | '\'' | ']' | ',');
        rest.split(end).next().map(str::to_owned)
    });
    let values: Vec<String> = values.collect();
    let entries = values.iter().flat_map(|value| value.split(':'));
    let entries = entries.filter(|entry| !entry.is_empty() && !entry.contains("PYTHONPATH"));
    entries.map(str::to_owned).collect()
}

/// `pythonpath` of pytest (<https://docs.pytest.org/en/stable/reference/reference.html#confval-pythonpath>).
fn pytest(file: &Path) -> Vec<String> {
    let text = small(file).unwrap_or_default();
    let lines = text.lines().filter_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "pythonpath").then_some(value)
    });
    let words = lines.flat_map(|value| value.split([' ', ',', '[', ']', '"', '\'']));
    words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The path of an entry in the monorepo: one of a container may begin with directories that
/// only it has.
fn within(place: &Place<'_>, directory: &Path, entry: &str) -> Vec<PathBuf> {
    let parts: Vec<&str> = entry
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    let skipped = match entry.starts_with('/') {
        true => parts.len(),
        false => 0,
    };
    let above = directory.ancestors();
    let above = above.take_while(|directory| directory.starts_with(&place.tree.root));
    let above: Vec<&Path> = above.collect();
    let tails = (0..=skipped).map(|skipped| parts[skipped..].iter().collect::<PathBuf>());
    let found = tails.flat_map(|tail| above.iter().map(move |above| above.join(&tail)));
    found.filter(|found| found.is_dir()).collect()
}

/// The packages that are installed for an interpreter.
struct SitePackages {
    directories: Vec<PathBuf>,
    /// Tells whether a program keeps the environment elsewhere.
    is_managed: bool,
}

fn site_packages(place: &Place<'_>) -> SitePackages {
    let program = place.python.first().map_or("", String::as_str);
    let program = place.tree.root.join(program);
    let environment = program.parent().and_then(Path::parent).unwrap_or(&program);
    let versions = fs::read_dir(environment.join("lib")).into_iter().flatten();
    let mut directories: Vec<PathBuf> = versions
        .flatten()
        .map(|version| version.path().join("site-packages"))
        .filter(|directory| directory.is_dir())
        .collect();
    // Where a project is installed in place, a file names its directory.
    for directory in directories.clone() {
        let entries = fs::read_dir(&directory).into_iter().flatten().flatten();
        let files = entries.map(|entry| entry.path());
        let files = files.filter(|file| file.extension().is_some_and(|of| of == "pth"));
        for text in files.filter_map(|file| small(&file)) {
            directories.extend(text.lines().map(|line| directory.join(line.trim())));
        }
    }
    SitePackages {
        is_managed: place.python.len() > 1,
        directories,
    }
}

impl SitePackages {
    fn has(&self, top: &str) -> bool {
        let finder = |directory: &PathBuf| {
            let entries = fs::read_dir(directory).into_iter().flatten().flatten();
            let names = entries.map(|entry| entry.path());
            let mut finders = names.filter(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                name.starts_with("__editable__") && name.ends_with("_finder.py")
            });
            finders.any(|file| {
                let text = small(&file).unwrap_or_default();
                text.contains(&format!("'{top}':"))
            })
        };
        let mut all = self.directories.iter();
        all.any(|directory| module_file(&directory.join(top)).is_some() || finder(directory))
    }
}

/// Tells whether a package in `directory` is one that its project installs.
fn is_installable(directory: &Path) -> bool {
    let near = [Some(directory), directory.parent()];
    let mut files = near
        .into_iter()
        .flatten()
        .flat_map(|near| ["pyproject.toml", "setup.py"].map(|name| near.join(name)));
    files.any(|file| file.is_file())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use rstest::rstest;

    use super::{container, pytest};

    #[rstest]
    #[case("ENV PYTHONPATH=/app", &["/app"])]
    #[case("ENV PYTHONPATH /app/src:/libs", &["/app/src", "/libs"])]
    #[case("ENV PYTHONPATH=\"${PYTHONPATH}:/app\"", &["/app"])]
    #[case("      - PYTHONPATH=/app/services/auth", &["/app/services/auth"])]
    #[case("      PYTHONPATH: '/app:/app/libs'", &["/app", "/app/libs"])]
    #[case("\tPYTHONPATH=src alembic upgrade head", &["src"])]
    #[case("ENV PATH=/app", &[])]
    fn reads_what_a_container_sets(#[case] line: &str, #[case] entries: &[&str]) {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), line).unwrap();
        assert_eq!(container(file.path()), entries);
    }

    #[rstest]
    #[case("pythonpath = [\"src\", \".\"]", &["src", "."])]
    #[case("pythonpath = src ../libs", &["src", "../libs"])]
    #[case("testpaths = [\"tests\"]", &[])]
    fn reads_pytests_settings(#[case] line: &str, #[case] entries: &[&str]) {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), line).unwrap();
        assert_eq!(pytest(file.path()), entries);
    }
}
