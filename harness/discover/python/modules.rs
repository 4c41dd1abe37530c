//! Python files of the monorepo, read once, and found by the name they are imported
//! under: [`Modules`].

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use ruff_python_ast::{Stmt, StmtImportFrom};

use crate::alembic::revision_file;

/// Packages that are never the monorepo's own, whatever its directories are called: a
/// service's directory of migrations is often named `alembic`.
const NOT_OURS: [&str; 3] = ["alembic", "sqlalchemy", "logging"];

/// One Python file.
#[derive(Debug)]
pub struct Module {
    /// The file.
    pub file: PathBuf,
    /// Its text.
    pub source: String,
    /// Its statements, as far as they could be parsed.
    pub body: Vec<Stmt>,
}

/// Modules as one service finds them.
pub struct Modules<'t> {
    /// Directories on Python's path, the first one first.
    path: Vec<PathBuf>,
    /// The other directories in which a top-level package may be.
    packages: &'t BTreeMap<String, Vec<PathBuf>>,
    read: RefCell<HashMap<PathBuf, Option<Rc<Module>>>>,
    /// The files that were looked for: the same names are imported from many modules.
    found: RefCell<HashMap<PathBuf, Option<PathBuf>>>,
}

impl<'t> Modules<'t> {
    /// Modules on `path`, or else one of `packages`.
    #[must_use]
    pub fn new(path: Vec<PathBuf>, packages: &'t BTreeMap<String, Vec<PathBuf>>) -> Self {
        Self {
            path,
            packages,
            read: RefCell::default(),
            found: RefCell::default(),
        }
    }

    /// The module of a file; `None` where it cannot be read.
    #[must_use]
    pub fn load(&self, file: &Path) -> Option<Rc<Module>> {
        if let Some(known) = self.read.borrow().get(file) {
            return known.clone();
        }
        let module = fs::read(file)
            .ok()
            .and_then(|bytes| revision_file::statements(&bytes))
            .map(|(source, body)| {
                Rc::new(Module {
                    file: file.to_owned(),
                    source,
                    body,
                })
            });
        self.read
            .borrow_mut()
            .insert(file.to_owned(), module.clone());
        module
    }

    /// The module or package at a path without a suffix.
    #[must_use]
    pub fn at(&self, path: &Path) -> Option<Rc<Module>> {
        self.load(&self.file_of(path)?)
    }

    /// The file that [`module_file`] finds, looked for once.
    #[must_use]
    pub fn file_of(&self, path: &Path) -> Option<PathBuf> {
        if let Some(known) = self.found.borrow().get(path) {
            return known.clone();
        }
        let file = module_file(path);
        self.found
            .borrow_mut()
            .insert(path.to_owned(), file.clone());
        file
    }

    /// The module of an absolute name, as `from` imports it.
    #[must_use]
    pub fn named(&self, name: &str, from: &Path) -> Option<Rc<Module>> {
        let first = name.split('.').next().unwrap_or(name);
        if Self::is_foreign(first) {
            return None;
        }
        let relative: PathBuf = name.split('.').collect();
        let near = |holder: &&PathBuf| {
            let shared = holder.components().zip(from.components());
            shared.take_while(|(one, other)| one == other).count()
        };
        let mut elsewhere: Vec<&PathBuf> = self.packages.get(first).into_iter().flatten().collect();
        elsewhere.sort_by_key(|holder| std::cmp::Reverse(near(holder)));
        let holders = self.path.iter().chain(elsewhere);
        holders
            .filter_map(|holder| self.file_of(&holder.join(&relative)))
            .find_map(|file| self.load(&file))
    }

    /// Tells whether a package of this name is never the monorepo's own.
    #[must_use]
    pub fn is_foreign(first: &str) -> bool {
        NOT_OURS.contains(&first)
    }

    /// The module that `import` takes its names from.
    #[must_use]
    pub fn imported(&self, import: &StmtImportFrom, from: &Path) -> Option<Rc<Module>> {
        let name = import.module.as_ref().map_or("", |name| name.as_str());
        if import.level == 0 {
            return self.named(name, from);
        }
        let mut package = from.parent()?;
        for _ in 1..import.level {
            package = package.parent()?;
        }
        match name {
            "" => self.at(package),
            name => self.at(&package.join(name.split('.').collect::<PathBuf>())),
        }
    }

    /// The submodule `name` of a package.
    #[must_use]
    pub fn below(&self, package: &Module, name: &str) -> Option<Rc<Module>> {
        let is_package = package.file.ends_with("__init__.py");
        let directory = package.file.parent().filter(|_| is_package)?;
        self.at(&directory.join(name))
    }

    /// The directory that an import would find under this name, without `__init__.py` too.
    #[must_use]
    pub fn directory(&self, package: &str) -> Option<PathBuf> {
        let elsewhere = self.packages.get(package).into_iter().flatten();
        let mut holders = self.path.iter().chain(elsewhere);
        holders.find_map(|holder| Some(holder.join(package)).filter(|path| path.is_dir()))
    }
}

/// The file of the module or package at `path`, which has no suffix.
#[must_use]
pub fn module_file(path: &Path) -> Option<PathBuf> {
    let mut module = path.as_os_str().to_owned();
    module.push(".py");
    [path.join("__init__.py"), PathBuf::from(module)]
        .into_iter()
        .find(|file| file.is_file())
}
