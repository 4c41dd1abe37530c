//! Names for services: [`named`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::environment::Environment;
use super::tree::Tree;

/// Directories that say what they hold and not whose it is.
const GENERIC: [&str; 46] = [
    "alembic",
    "alembic_migrations",
    "api",
    "app",
    "application",
    "apps",
    "backend",
    "code",
    "common",
    "config",
    "core",
    "data",
    "database",
    "databases",
    "db",
    "db_migrations",
    "infra",
    "infrastructure",
    "internal",
    "lib",
    "libs",
    "main",
    "migrate",
    "migration",
    "migrations",
    "model",
    "models",
    "packages",
    "persistence",
    "postgres",
    "postgresql",
    "python",
    "rdb",
    "schema",
    "schemas",
    "server",
    "service",
    "services",
    "setup_files",
    "source",
    "sql",
    "sqlalchemy",
    "sqlite",
    "src",
    "storage",
    "store",
];

/// Those of them that are still better than the name of the monorepo's own directory.
const LAYERS: [&str; 7] = [
    "api",
    "app",
    "apps",
    "application",
    "backend",
    "server",
    "web",
];

/// A service of an existing manifest: its name, and what it describes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Known {
    /// The file's stem.
    pub name: String,
    /// `path`, `alembic_ini` and `alembic_section`.
    pub describes: (String, String, String),
}

/// Gives each environment a name: what the manifest calls it already, or the last part of
/// its path that tells services apart, or as many parts as that takes.
#[must_use]
pub fn named(
    tree: &Tree,
    environments: Vec<Environment>,
    known: &[Known],
) -> Vec<(String, Environment)> {
    let mut taken: BTreeSet<String> = known.iter().map(|known| known.name.clone()).collect();
    let mut named = Vec::new();
    let mut unnamed = Vec::new();
    for environment in environments {
        let describes = describes(tree, &environment);
        match known.iter().find(|known| known.describes == describes) {
            Some(known) => named.push((known.name.clone(), environment)),
            None => unnamed.push(environment),
        }
    }
    let sections = sections(&unnamed);
    let parts: Vec<Vec<String>> = unnamed
        .iter()
        .map(|environment| parts(tree, environment, &sections))
        .collect();
    for (environment, name) in unnamed.into_iter().zip(shortest(&parts)) {
        let mut unique = name.clone();
        let mut number = 2;
        while !taken.insert(unique.clone()) {
            unique = format!("{name}_{number}");
            number += 1;
        }
        named.push((unique, environment));
    }
    named
}

/// The keys of an environment in a manifest file: `path`, `alembic_ini`, `alembic_section`.
#[must_use]
pub fn describes(tree: &Tree, environment: &Environment) -> (String, String, String) {
    (
        tree.shown(&environment.directory),
        environment.ini.clone(),
        environment.section.clone(),
    )
}

/// The number of environments in one configuration file.
fn sections(environments: &[Environment]) -> BTreeMap<std::path::PathBuf, usize> {
    let mut count = BTreeMap::new();
    for environment in environments {
        *count
            .entry(environment.directory.join(&environment.ini))
            .or_default() += 1;
    }
    count
}

/// The parts of a name, the most telling one last.
fn parts(
    tree: &Tree,
    environment: &Environment,
    sections: &BTreeMap<std::path::PathBuf, usize>,
) -> Vec<String> {
    let root = tree.root.file_name().unwrap_or_default().to_string_lossy();
    let ini = environment.directory.join(&environment.ini);
    let near = ini.parent().unwrap_or(&environment.directory);
    let relative = near.strip_prefix(&tree.root).unwrap_or(Path::new(""));
    let mut parts = vec![clean(&root)];
    parts.extend(
        relative
            .components()
            .map(|part| clean(&part.as_os_str().to_string_lossy())),
    );
    let stem = ini.file_stem().unwrap_or_default().to_string_lossy();
    if stem != "alembic" && stem != "migrations" && stem != "setup" && stem != "tox" {
        parts.push(clean(
            stem.trim_start_matches("alembic")
                .trim_matches(['_', '-', '.']),
        ));
    }
    if sections.get(&ini).is_some_and(|count| *count > 1) && environment.section != "alembic" {
        parts.push(clean(&environment.section));
    }
    parts.retain(|part| !part.is_empty());
    let below = parts.iter().skip(1);
    let layer = below.clone().find(|part| LAYERS.contains(&part.as_str()));
    match layer {
        Some(layer) if below.clone().all(|part| is_generic(part)) => vec![layer.clone()],
        _ => parts,
    }
}

fn is_generic(part: &str) -> bool {
    let word = part.to_lowercase();
    let word = word.trim_matches('_');
    GENERIC.contains(&word) || GENERIC.contains(&word.trim_end_matches('s'))
}

/// The shortest names that are all different: as many parts from the end as needed, first
/// without the generic ones, then with them.
fn shortest(all: &[Vec<String>]) -> Vec<String> {
    let longest = all.iter().map(Vec::len).max().unwrap_or(1);
    let mut levels = vec![0; all.len()];
    let names = |levels: &[usize]| -> Vec<String> {
        let each = all.iter().zip(levels);
        each.map(|(parts, level)| at_level(parts, *level)).collect()
    };
    for _ in 0..=longest * 2 {
        let current = names(&levels);
        let twice = |name: &String| current.iter().filter(|other| *other == name).count() > 1;
        let same: Vec<bool> = current.iter().map(twice).collect();
        if !same.contains(&true) {
            break;
        }
        for (level, same) in levels.iter_mut().zip(same) {
            *level += usize::from(same);
        }
    }
    names(&levels)
}

/// The name at one level: even ones leave generic parts out, and every second level takes
/// one more part.
fn at_level(parts: &[String], level: usize) -> String {
    let generic = parts
        .iter()
        .rev()
        .take_while(|part| is_generic(part))
        .count();
    let count = (generic + 1 + level / 2).min(parts.len());
    let chosen = &parts[parts.len() - count..];
    let mut name: Vec<&str> = Vec::new();
    for (at, part) in chosen.iter().enumerate() {
        let left_out = level.is_multiple_of(2) && at > 0 && is_generic(part);
        if !left_out && name.last() != Some(&part.as_str()) {
            name.push(part);
        }
    }
    name.join("_")
}

/// Without what a test's name or a file's name should not have.
fn clean(part: &str) -> String {
    let allowed = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-');
    part.chars()
        .map(|letter| if allowed(letter) { letter } else { '_' })
        .collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::shortest;

    #[rstest]
    #[case::plain(&["r services orders", "r services users"], &["orders", "users"])]
    #[case::generic(&["r orders db migrations"], &["orders"])]
    #[case::same_name(&["r billing api", "r orders api"], &["billing", "orders"])]
    #[case::same_name_deeper(&["r a worker", "r b worker"], &["a_worker", "b_worker"])]
    #[case::root_only(&["shop"], &["shop"])]
    #[case::generic_below_the_root(&["shop alembic"], &["shop"])]
    #[case::same_in_generic(&["r a db", "r a api"], &["a_db", "a_api"])]
    #[case::the_very_same(&["r a db", "r a db"], &["r_a_db", "r_a_db"])]
    #[case::of_a_library(&["r glance db sqlalchemy alembic_migrations"], &["glance"])]
    #[case::repeated(&["r mlflow mlflow store", "r other mlflow"], &["mlflow_store", "mlflow"])]
    fn takes_what_tells_apart(#[case] paths: &[&str], #[case] names: &[&str]) {
        let parts: Vec<Vec<String>> = paths
            .iter()
            .map(|path| path.split(' ').map(str::to_owned).collect())
            .collect();
        assert_eq!(shortest(&parts), names);
    }
}
