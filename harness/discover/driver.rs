//! The SQLAlchemy driver that belongs in the URL: [`of`].

use std::path::{Path, PathBuf};

use super::Guess;

/// Drivers of PostgreSQL that SQLAlchemy names, with the packages that bring them
/// (<https://docs.sqlalchemy.org/en/20/dialects/postgresql.html>).
const DRIVERS: [(&str, &[&str], bool); 4] = [
    ("asyncpg", &["asyncpg"], true),
    (
        "psycopg",
        &["psycopg", "psycopg-binary", "psycopg-c"],
        false,
    ),
    ("psycopg2", &["psycopg2", "psycopg2-binary"], false),
    ("pg8000", &["pg8000"], false),
];
/// Files that list a project's packages.
const LISTS: [&str; 6] = [
    "pyproject.toml",
    "requirements.txt",
    "setup.py",
    "setup.cfg",
    "Pipfile",
    "requirements/base.txt",
];

/// The driver of a service in `directory`: `texts` are URLs, or beginnings of URLs, that its
/// code has, `python` is its interpreter.
#[must_use]
pub fn choose(
    texts: &[String],
    is_async: bool,
    python: &Path,
    directory: &Path,
    root: &Path,
) -> Guess<String> {
    let schemes: Vec<&str> = texts
        .iter()
        .filter_map(|text| Some(text.split_once("://")?.0))
        .collect();
    let plus = schemes
        .iter()
        .find_map(|scheme| scheme.strip_prefix("postgresql+"));
    if let Some(driver) = plus.filter(|driver| !driver.is_empty()) {
        let why = format!("its code has a URL that begins with postgresql+{driver}");
        return Guess::certain(driver.to_owned(), why);
    }
    let packages = packages(python, directory, root);
    match is_async {
        true => asynchronous(&packages),
        false => {
            let plain = schemes
                .iter()
                .any(|scheme| matches!(*scheme, "postgresql" | "postgres"));
            synchronous(&packages, plain)
        }
    }
}

/// The drivers among a service's packages.
#[must_use]
pub fn packages(python: &Path, directory: &Path, root: &Path) -> Vec<&'static str> {
    let listed = listed(directory, root);
    let mut packages = match listed.is_empty() {
        true => installed(python),
        false => listed,
    };
    if is_before_psycopg(python) {
        packages.retain(|driver| *driver != "psycopg");
    }
    packages
}

/// Tells whether SQLAlchemy is one that knows nothing of psycopg: before 2.0.
fn is_before_psycopg(python: &Path) -> bool {
    let dialects = site_packages(python).into_iter();
    let mut dialects = dialects.map(|place| place.join("sqlalchemy/dialects/postgresql"));
    dialects.any(|place| place.is_dir() && !place.join("psycopg.py").is_file())
}

fn asynchronous(packages: &[&str]) -> Guess<String> {
    let known = DRIVERS
        .iter()
        .filter(|(driver, _, is_async)| *is_async || *driver == "psycopg");
    let mut known = known.map(|(driver, ..)| *driver);
    match known.find(|driver| packages.contains(driver)) {
        Some(driver) => {
            let why = format!("its engine is an async one, and {driver} is among its packages");
            Guess::certain(driver.to_owned(), why)
        }
        None => Guess::likely("asyncpg".to_owned(), "its engine is an async one"),
    }
}

/// `plain`: the code has a URL that begins with `postgresql://`, which means psycopg2 (and
/// psycopg from SQLAlchemy 2.1 on).
fn synchronous(packages: &[&str], plain: bool) -> Guess<String> {
    let known = DRIVERS.iter().filter(|(.., is_async)| !is_async);
    let known = known.map(|(driver, ..)| *driver);
    let fitting: Vec<&str> = known.filter(|driver| packages.contains(driver)).collect();
    let preferred = fitting
        .iter()
        .find(|driver| plain && **driver == "psycopg2");
    let why = "its engine is a synchronous one";
    match (preferred.or(fitting.first()), &*fitting) {
        (Some(driver), [_]) => Guess::certain(
            (*driver).to_owned(),
            format!("{why}, and {driver} is among its packages"),
        ),
        (Some(driver), several) => {
            let several = several.join(", ");
            Guess::likely(
                (*driver).to_owned(),
                format!("{why}; among its packages are {several}"),
            )
        }
        (None, _) => Guess::likely(
            "psycopg2".to_owned(),
            format!("{why}, and its packages name no driver"),
        ),
    }
}

/// The drivers that the nearest list of packages names, up to the root.
fn listed(directory: &Path, root: &Path) -> Vec<&'static str> {
    let above = directory
        .ancestors()
        .take_while(|ancestor| ancestor.starts_with(root));
    for ancestor in above {
        let texts = LISTS.iter().map(|name| ancestor.join(name));
        let texts: Vec<String> = texts
            .filter_map(|file| std::fs::read(file).ok())
            .map(|bytes| String::from_utf8_lossy(&bytes).to_lowercase())
            .collect();
        let names: Vec<&str> = DRIVERS
            .iter()
            .filter(|(_, packages, _)| {
                packages
                    .iter()
                    .any(|package| texts.iter().any(|text| has_word(text, package)))
            })
            .map(|(driver, ..)| *driver)
            .collect();
        if !names.is_empty() {
            return names;
        }
    }
    Vec::new()
}

/// The drivers in the virtual environment of an interpreter.
fn installed(python: &Path) -> Vec<&'static str> {
    let places = site_packages(python);
    let has = |driver: &str| places.iter().any(|place| place.join(driver).is_dir());
    let drivers = DRIVERS.iter().map(|(driver, ..)| *driver);
    drivers.filter(|driver| has(driver)).collect()
}

/// The directories of packages in the virtual environment of an interpreter.
fn site_packages(python: &Path) -> Vec<PathBuf> {
    let environment = python.parent().and_then(Path::parent).unwrap_or(python);
    let versions = std::fs::read_dir(environment.join("lib")).into_iter();
    let versions = versions.flatten().flatten().map(|version| version.path());
    versions
        .map(|version| version.join("site-packages"))
        .collect()
}

/// Tells whether a list of packages has `package`, and not only one whose name begins so.
fn has_word(text: &str, package: &str) -> bool {
    let part_of_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_');
    text.match_indices(package).any(|(at, found)| {
        let before = text[..at].chars().next_back();
        let after = text[at + found.len()..].chars().next();
        !before.is_some_and(part_of_name) && !after.is_some_and(part_of_name)
    })
}
