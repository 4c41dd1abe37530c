//! The Alembic environments that configurations describe: [`environments`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ruff_python_ast::Stmt;

use super::flask;
use super::python::{Modules, flat};
use super::tree::Tree;
use crate::alembic::script_location::{self, Static};

/// The section that is read unless another is named.
const SECTION: &str = "alembic";

/// One Alembic environment and the configuration that describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// The directory in which `alembic` is run: the service's, absolute.
    pub directory: PathBuf,
    /// The configuration file, relative to it.
    pub ini: String,
    /// The section.
    pub section: String,
    /// The path of `env.py`.
    pub scripts: PathBuf,
    /// The directories of revision files, where they are known without Python.
    pub versions: Vec<PathBuf>,
    /// Other configurations of the same environment, relative to the directory.
    pub others: Vec<String>,
}

impl Environment {
    /// A value of its section, as it is written.
    #[must_use]
    pub fn option(&self, key: &str) -> Option<String> {
        script_location::raw_option(&self.directory, &self.ini, &self.section, key)
    }

    /// The directories that Alembic and its configuration put on Python's path.
    #[must_use]
    pub fn python_path(&self) -> Vec<PathBuf> {
        script_location::python_path(&self.directory, &self.ini, &self.section)
    }

    /// Tells whether the application of Flask-Migrate has to be loaded first.
    #[must_use]
    pub fn is_flask_migrate(&self) -> bool {
        script_location::is_flask_migrate(&self.directory, &self.ini, &self.section)
    }
}

/// The content of the tree.
#[derive(Debug, Default)]
pub struct Environments {
    /// The environments, in the order of their configurations.
    pub environments: Vec<Environment>,
    /// The paths that look like one and cannot be judged, and why.
    pub left_out: Vec<(String, String)>,
}

/// Goes through the configurations of `tree`.
#[must_use]
pub fn environments(tree: &Tree) -> Environments {
    let mut found = Environments::default();
    for pyproject in &tree.pyprojects {
        let directory = pyproject.parent().unwrap_or(&tree.root);
        // Alembic reads the table beside an ini of this name, which need not exist.
        take(
            tree,
            directory,
            &directory.join("alembic.ini"),
            SECTION,
            &mut found,
        );
    }
    for ini in &tree.inis {
        let directory = ini.parent().unwrap_or(&tree.root);
        match script_location::sections(ini) {
            Ok(sections)
                if sections.is_empty()
                    && script_location::is_flask_migrate(directory, &name(ini), SECTION) =>
            {
                found.environments.push(of_flask_migrate(tree, ini));
            }
            Ok(sections) if sections.is_empty() => {
                found.left_out.push((
                    tree.shown(ini),
                    "no section has a script_location".to_owned(),
                ));
            }
            Ok(sections) => {
                for section in sections {
                    take(tree, directory, ini, &section, &mut found);
                }
            }
            Err(error) => found.left_out.push((tree.shown(ini), error.message)),
        }
    }
    let all = std::mem::take(&mut found.environments);
    found.environments = merged(all);
    let unnamed = unnamed(tree, &found);
    found.left_out.extend(unnamed);
    found.left_out.sort();
    found
}

/// Every `env.py` that no configuration leads to.
fn unnamed(tree: &Tree, found: &Environments) -> Vec<(String, String)> {
    let known: BTreeSet<&Path> = found
        .environments
        .iter()
        .map(|one| one.scripts.as_path())
        .collect();
    let left_out: BTreeSet<PathBuf> = found
        .left_out
        .iter()
        .filter_map(|(path, _)| tree.root.join(path).parent().map(Path::to_owned))
        .collect();
    let is_unnamed = |env: &&PathBuf| {
        let Some(scripts) = env.parent() else {
            return false;
        };
        // An ini file that was left out lies beside, or one directory above.
        let beside = [Some(scripts), scripts.parent()];
        !known.contains(scripts)
            && !beside
                .into_iter()
                .flatten()
                .any(|near| left_out.contains(near))
    };
    let why = "no ini file and no [tool.alembic] names this directory as its script_location: write \
               an alembic.ini that does";
    let unnamed = tree.environments.iter().filter(is_unnamed);
    unnamed
        .map(|env| (tree.shown(env), why.to_owned()))
        .collect()
}

/// The environment that Flask-Migrate has beside `ini`. The `flask` command is typed in the
/// nearest directory above that has an application, and is no package itself.
fn of_flask_migrate(tree: &Tree, ini: &Path) -> Environment {
    let scripts = ini.parent().unwrap_or(&tree.root);
    let above = scripts.ancestors().skip(1);
    let above = above.take_while(|directory| directory.starts_with(&tree.root));
    let projects: Vec<&Path> = above
        .filter(|directory| !directory.join("__init__.py").exists())
        .collect();
    let with_application = projects
        .iter()
        .find(|directory| flask::find(&tree.root, directory).is_some());
    let directory = with_application.or(projects.first()).unwrap_or(&scripts);
    Environment {
        directory: directory.to_path_buf(),
        ini: relative(directory, ini).unwrap_or_default(),
        section: SECTION.to_owned(),
        scripts: scripts.to_owned(),
        versions: vec![scripts.join("versions")],
        others: Vec::new(),
    }
}

fn name(ini: &Path) -> String {
    let name = ini.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn take(tree: &Tree, near: &Path, ini: &Path, section: &str, found: &mut Environments) {
    let directories = near
        .ancestors()
        .take_while(|directory| directory.starts_with(&tree.root));
    let candidates: Vec<_> = directories
        .filter_map(|directory| at(tree, directory, ini, section))
        .collect();
    let best = candidates
        .into_iter()
        .enumerate()
        .min_by_key(|(distance, environment)| (unresolved(tree, environment), *distance));
    match best {
        Some((_, environment)) => found.environments.push(environment),
        None => {
            let relative = relative(near, ini).unwrap_or_default();
            let why = script_location::locate(near, &relative, section).map_or_else(
                |error| error.message,
                |_| "its script_location holds no env.py".to_owned(),
            );
            let shown = why.replace(&format!("{}/", tree.root.display()), "");
            found.left_out.push((tree.shown(ini), shown));
        }
    }
}

/// The environment as Alembic sees it when run in `directory`, if there is one.
fn at(tree: &Tree, directory: &Path, ini: &Path, section: &str) -> Option<Environment> {
    let ini = relative(directory, ini)?;
    let located = script_location::locate(directory, &ini, section).ok()?;
    let (scripts, versions) = match located {
        Static::Known(location) => (location.directory, location.versions),
        Static::NeedsPython(_) => (by_hand(tree, directory, &ini, section)?, Vec::new()),
    };
    scripts.join("env.py").is_file().then(|| Environment {
        directory: directory.to_owned(),
        ini,
        section: section.to_owned(),
        scripts,
        versions,
        others: Vec::new(),
    })
}

/// `script_location` where only Python can tell the rest; a package is looked for in the
/// tree.
fn by_hand(tree: &Tree, directory: &Path, ini: &str, section: &str) -> Option<PathBuf> {
    let value = script_location::option(directory, ini, section, "script_location")?;
    if !script_location::is_package_resource(&value) {
        return Some(script_location::tidy(&directory.join(value)));
    }
    let mut parts = value.split(':');
    let package = parts.next()?;
    let path = script_location::python_path(directory, ini, section);
    let modules = Modules::new(path, &tree.packages);
    let first = package.split('.').next()?;
    let holder = modules.directory(first)?;
    let below: PathBuf = package.split('.').skip(1).chain(parts).collect();
    Some(holder.join(below))
}

/// The number of the monorepo's packages that `env.py` imports and that are not on its path here.
fn unresolved(tree: &Tree, environment: &Environment) -> usize {
    let none = BTreeMap::new();
    let anywhere = Modules::new(Vec::new(), &tree.packages);
    let here = Modules::new(path(environment), &none);
    let env = environment.scripts.join("env.py");
    let Some(module) = here.load(&env) else {
        return 0;
    };
    let names = flat(&module.body).into_iter().flat_map(|stmt| match stmt {
        Stmt::ImportFrom(import) if import.level == 0 => {
            import.module.iter().map(ToString::to_string).collect()
        }
        Stmt::Import(import) => import
            .names
            .iter()
            .map(|name| name.name.to_string())
            .collect(),
        _ => Vec::new(),
    });
    names
        .filter(|name| anywhere.named(name, &env).is_some() && here.named(name, &env).is_none())
        .count()
}

/// The directories that Alembic puts on Python's path, and those from which a package may
/// be installed.
#[must_use]
pub fn path(environment: &Environment) -> Vec<PathBuf> {
    let Environment {
        directory,
        ini,
        section,
        ..
    } = environment;
    let mut path = script_location::python_path(directory, ini, section);
    if path.is_empty() {
        path.push(directory.clone());
    }
    path.push(directory.join("src"));
    path
}

/// One environment per directory of scripts and set of version locations; what several
/// configurations describe is taken from the plainest of them.
fn merged(all: Vec<Environment>) -> Vec<Environment> {
    let mut kept: Vec<Environment> = Vec::new();
    for environment in all {
        let same = |known: &&mut Environment| {
            known.scripts == environment.scripts
                && known.versions == environment.versions
                && known.section == environment.section
        };
        match kept.iter_mut().find(same) {
            None => kept.push(environment),
            Some(known) => {
                let plain = |one: &Environment| {
                    let depth = Path::new(&one.ini).components().count();
                    let is_other = !one.ini.ends_with("alembic.ini");
                    (is_other, one.directory.components().count(), depth)
                };
                let better = plain(&environment) < plain(known);
                let mut loser = environment;
                if better {
                    std::mem::swap(known, &mut loser);
                }
                if loser.ini != known.ini || loser.directory != known.directory {
                    known.others.append(&mut loser.others);
                    known.others.push(loser.ini);
                }
            }
        }
    }
    kept
}

/// `path` relative to a directory above it.
fn relative(directory: &Path, path: &Path) -> Option<String> {
    Some(path.strip_prefix(directory).ok()?.to_str()?.to_owned())
}
