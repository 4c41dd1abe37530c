//! The imports of Python files, followed through files on a path: [`read`] and [`follow`].
//!
//! They decide what an interpreter imports before a service asks for it, and nothing else:
//! a module that is named here and never imported is not seen by the service.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use ruff_python_ast::{Expr, Stmt, StmtImport, StmtImportFrom};
use serde::{Deserialize, Serialize};

use crate::revision_file::statements;

/// The most files of one service that are followed.
const FILES: usize = 2_000;

/// An import of a module by its whole name, `import a.b` or `from a.b import c, d`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import(pub String, pub Vec<String>);

/// A statement of a file, with the dots that it begins with.
struct Statement {
    level: u32,
    import: Import,
}

/// The absolute imports of a file, also those inside of functions. Empty where it cannot be
/// read or parsed.
///
/// The calling thread needs a stack of [`STACK`](crate::revision_file::STACK) bytes.
#[must_use]
pub fn read(file: &Path) -> Vec<Import> {
    let found = statements_of(file, true).into_iter();
    let absolute = found.filter(|statement| statement.level == 0);
    absolute.map(|statement| statement.import).collect()
}

/// Imports that files make when they are imported, in their order, followed through all
/// modules that are found in the directories of `path`; those found nowhere there are left.
///
/// The calling thread needs a stack of [`STACK`](crate::revision_file::STACK) bytes.
#[must_use]
pub fn follow(files: &[PathBuf], path: &[PathBuf]) -> Vec<Import> {
    let mut walk = Walk {
        path,
        seen: HashSet::new(),
        found: Vec::new(),
    };
    for file in files {
        walk.file(file);
    }
    walk.found
}

struct Walk<'a> {
    path: &'a [PathBuf],
    seen: HashSet<PathBuf>,
    found: Vec<Import>,
}

impl Walk<'_> {
    fn file(&mut self, file: &Path) {
        if self.seen.len() >= FILES || !self.seen.insert(file.to_owned()) {
            return;
        }
        for Statement { level, import } in statements_of(file, false) {
            match level {
                0 => self.absolute(import),
                level => self.relative(file, level, &import),
            }
        }
    }

    fn absolute(&mut self, import: Import) {
        let parts: PathBuf = import.0.split('.').collect();
        let top = import.0.split('.').next().unwrap_or_default();
        let holds = |place: &PathBuf| module_file(&place.join(top)).is_some();
        match self.path.iter().find(|place| holds(place)) {
            Some(place) => self.module(place, &parts, &import.1),
            // A directory alone is found where no package of that name is installed.
            None => {
                let directory = self.path.iter().find(|place| place.join(top).is_dir());
                self.found.push(import.clone());
                if let Some(place) = directory {
                    self.module(place, &parts, &import.1);
                }
            }
        }
    }

    fn relative(&mut self, file: &Path, level: u32, import: &Import) {
        let mut package = file.parent();
        for _ in 1..level {
            package = package.and_then(Path::parent);
        }
        let parts = import
            .0
            .split('.')
            .filter(|part| !part.is_empty())
            .collect::<PathBuf>();
        if let Some(package) = package {
            self.module(package, &parts, &import.1);
        }
    }

    /// A module below `place`, the packages on the way to it, and those of `names` that are
    /// modules in it.
    fn module(&mut self, place: &Path, parts: &Path, names: &[String]) {
        let mut path = place.to_owned();
        for part in parts {
            path.push(part);
            if let Some(file) = module_file(&path) {
                self.file(&file);
            }
        }
        for name in names {
            if let Some(file) = module_file(&path.join(name)) {
                self.file(&file);
            }
        }
    }
}

/// The file of the module or package at `path`, which has no suffix.
fn module_file(path: &Path) -> Option<PathBuf> {
    let mut module = path.as_os_str().to_owned();
    module.push(".py");
    [path.join("__init__.py"), PathBuf::from(module)]
        .into_iter()
        .find(|file| file.is_file())
}

fn statements_of(file: &Path, functions: bool) -> Vec<Statement> {
    let read = fs::read(file).ok().and_then(|bytes| statements(&bytes));
    let mut found = Vec::new();
    if let Some((_, body)) = read {
        collect(&body, functions, &mut found);
    }
    found
}

fn collect(body: &[Stmt], functions: bool, found: &mut Vec<Statement>) {
    for statement in body {
        match statement {
            Stmt::Import(import) => found.extend(names(import)),
            Stmt::ImportFrom(import) => found.push(from(import)),
            Stmt::If(branches) if is_type_checking(&branches.test) => {}
            Stmt::If(branches) => {
                collect(&branches.body, functions, found);
                for clause in &branches.elif_else_clauses {
                    collect(&clause.body, functions, found);
                }
            }
            Stmt::Try(parts) => {
                for body in [&parts.body, &parts.orelse, &parts.finalbody] {
                    collect(body, functions, found);
                }
            }
            Stmt::With(block) => collect(&block.body, functions, found),
            Stmt::ClassDef(class) => collect(&class.body, functions, found),
            Stmt::FunctionDef(function) if functions => collect(&function.body, true, found),
            _ => {}
        }
    }
}

fn names(import: &StmtImport) -> impl Iterator<Item = Statement> + '_ {
    import.names.iter().map(|alias| Statement {
        level: 0,
        import: Import(alias.name.to_string(), Vec::new()),
    })
}

fn from(import: &StmtImportFrom) -> Statement {
    let module = import.module.as_ref().map(ToString::to_string);
    let names = import.names.iter().map(|alias| alias.name.to_string());
    Statement {
        level: import.level,
        import: Import(module.unwrap_or_default(), names.collect()),
    }
}

/// `if TYPE_CHECKING:`, which no interpreter executes.
fn is_type_checking(test: &Expr) -> bool {
    match test {
        Expr::Name(name) => &name.id == "TYPE_CHECKING",
        Expr::Attribute(attribute) => &attribute.attr == "TYPE_CHECKING",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    fn write(root: &Path, files: &[(&str, &str)]) {
        for (name, text) in files {
            let file = root.join(name);
            let directory = file.parent().unwrap_or(root);
            assert!(fs::create_dir_all(directory).is_ok());
            assert!(fs::write(&file, text).is_ok());
        }
    }

    fn shown(imports: &[Import]) -> Vec<String> {
        let one = |Import(module, names): &Import| format!("{module} {}", names.join(","));
        imports
            .iter()
            .map(one)
            .map(|text| text.trim_end().to_owned())
            .collect()
    }

    #[test]
    fn imports_are_followed_through_the_path_in_their_order() {
        let root = tempfile::tempdir().unwrap_or_else(|e| unreachable!("{e}"));
        write(
            root.path(),
            &[
                (
                    "env.py",
                    "import alembic\nfrom app.models import Base\nfrom lib import core\n",
                ),
                ("app/__init__.py", "import fastapi"),
                (
                    "app/models.py",
                    "from .base import *\nfrom . import extra\nimport redis.asyncio",
                ),
                (
                    "app/base.py",
                    "try:\n    import uvloop\nexcept ImportError:\n    import never\n",
                ),
                (
                    "app/extra.py",
                    "if TYPE_CHECKING:\n    import mypy\ndef f():\n    import later\n",
                ),
                ("libs/lib/core.py", "from pydantic import BaseModel, Field"),
            ],
        );
        let path = [root.path().to_owned(), root.path().join("libs")];
        let found = follow(&[root.path().join("env.py")], &path);
        let wanted = [
            "alembic",
            "fastapi",
            "uvloop",
            "redis.asyncio",
            "lib core",
            "pydantic BaseModel,Field",
        ];
        assert_eq!(shown(&found), wanted);
        assert_eq!(shown(&read(&root.path().join("app/extra.py"))), ["later"]);
    }

    #[test]
    fn files_that_import_each_other_are_read_once() {
        let root = tempfile::tempdir().unwrap_or_else(|e| unreachable!("{e}"));
        write(
            root.path(),
            &[("a.py", "import b, x"), ("b.py", "import a, y")],
        );
        let found = follow(&[root.path().join("a.py")], &[root.path().to_owned()]);
        assert_eq!(shown(&found), ["y", "x"]);
        assert_eq!(follow(&[root.path().join("none.py")], &[]), []);
    }
}
