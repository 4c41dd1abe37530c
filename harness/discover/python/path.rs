//! The changes of Python code to its own search path: [`added`], and the absolute names that it
//! imports without a net: [`imported`].

use std::path::{Path, PathBuf};

use ruff_python_ast::{self as ast, Expr, ExprCall, Operator, Stmt};

use super::definition::{Definition, definitions, flat};
use super::modules::Module;
use super::settings::last_name;
use super::trace::calls;
use crate::alembic::script_location::tidy;

/// The number of names that are followed for one directory.
const STEPS: usize = 20;
/// Errors that an import which may fail is wrapped in.
const CAUGHT: [&str; 4] = [
    "ImportError",
    "ModuleNotFoundError",
    "Exception",
    "BaseException",
];

/// The directories that a module adds to `sys.path` when it is imported in `directory`.
#[must_use]
pub fn added(module: &Module, directory: &Path) -> Vec<PathBuf> {
    let place = Place { module, directory };
    let calls = flat(&module.body).into_iter().flat_map(calls);
    calls.flat_map(|call| place.added(call)).collect()
}

struct Place<'m> {
    module: &'m Module,
    directory: &'m Path,
}

impl Place<'_> {
    fn added(&self, call: &ExprCall) -> Vec<PathBuf> {
        let Expr::Attribute(method) = &*call.func else {
            return Vec::new();
        };
        let argument = match (last_name(&method.value), method.attr.as_str()) {
            (Some("path"), "append" | "extend") | (Some("site"), "addsitedir") => 0,
            (Some("path"), "insert") => 1,
            _ => return Vec::new(),
        };
        let given = match call.arguments.find_positional(argument) {
            Some(Expr::List(list)) => list.elts.iter().collect(),
            Some(one) => vec![one],
            None => Vec::new(),
        };
        let paths = given.into_iter().filter_map(|expr| self.path(expr, 0));
        paths.map(|path| tidy(&self.directory.join(path))).collect()
    }

    /// The path that an expression is worth, relative to the working directory.
    fn path(&self, expr: &Expr, step: usize) -> Option<PathBuf> {
        if step > STEPS {
            return None;
        }
        let inner = |expr: &Expr| self.path(expr, step + 1);
        match expr {
            Expr::StringLiteral(text) => Some(text.value.to_str().into()),
            Expr::Name(name) if name.id.as_str() == "__file__" => Some(self.module.file.clone()),
            Expr::Name(name) => {
                let found = definitions(&self.module.body, name.id.as_str());
                found.into_iter().find_map(|definition| match definition {
                    Definition::Assigned(expr) => inner(expr),
                    _ => None,
                })
            }
            Expr::Attribute(attribute) => match attribute.attr.as_str() {
                "parent" => Some(inner(&attribute.value)?.parent()?.to_owned()),
                "pardir" => Some("..".into()),
                "curdir" => Some(".".into()),
                _ => None,
            },
            Expr::Subscript(subscript) => {
                let Expr::Attribute(parents) = &*subscript.value else {
                    return None;
                };
                let Expr::NumberLiteral(number) = &*subscript.slice else {
                    return None;
                };
                let ast::Number::Int(at) = &number.value else {
                    return None;
                };
                let of = (parents.attr.as_str() == "parents").then(|| inner(&parents.value))??;
                Some(of.ancestors().nth(at.as_usize()? + 1)?.to_owned())
            }
            Expr::BinOp(join) if join.op == Operator::Div => {
                Some(inner(&join.left)?.join(inner(&join.right)?))
            }
            Expr::Call(call) => self.returned(call, step),
            _ => None,
        }
    }

    fn returned(&self, call: &ExprCall, step: usize) -> Option<PathBuf> {
        let mut arguments = call.arguments.args.iter();
        let mut given = || self.path(arguments.next()?, step + 1);
        match last_name(&call.func)? {
            "getcwd" | "cwd" => Some(self.directory.to_owned()),
            "dirname" => Some(tidy(&self.directory.join(given()?)).parent()?.to_owned()),
            "join" | "joinpath" => {
                let mut whole = match &*call.func {
                    Expr::Attribute(method) if method.attr.as_str() == "joinpath" => {
                        self.path(&method.value, step + 1)?
                    }
                    _ => given()?,
                };
                while let Some(part) = given() {
                    whole.push(part);
                }
                Some(whole)
            }
            "abspath" | "realpath" | "normpath" | "fspath" | "str" | "Path" => {
                Some(tidy(&self.directory.join(given()?)))
            }
            "resolve" | "absolute" | "as_posix" => match &*call.func {
                Expr::Attribute(method) => self.path(&method.value, step + 1),
                _ => None,
            },
            _ => None,
        }
    }
}

/// The absolute names that a module imports, where nothing catches that one is missing;
/// with `functions`, also those that its functions import.
#[must_use]
pub fn imported(module: &Module, functions: bool) -> Vec<String> {
    let mut found = Vec::new();
    collect(&module.body, functions, &mut found);
    found
}

fn collect(body: &[Stmt], functions: bool, found: &mut Vec<String>) {
    for stmt in body {
        match stmt {
            Stmt::Import(import) => {
                found.extend(import.names.iter().map(|alias| alias.name.to_string()));
            }
            Stmt::ImportFrom(import) if import.level == 0 => {
                found.extend(import.module.iter().map(ToString::to_string));
            }
            Stmt::If(block) if last_name(&block.test) != Some("TYPE_CHECKING") => {
                collect(&block.body, functions, found);
                for clause in &block.elif_else_clauses {
                    collect(&clause.body, functions, found);
                }
            }
            Stmt::Try(block) if !block.handlers.iter().any(catches_imports) => {
                collect(&block.body, functions, found);
            }
            Stmt::With(block) => collect(&block.body, functions, found),
            Stmt::FunctionDef(def) if functions => collect(&def.body, functions, found),
            _ => {}
        }
    }
}

fn catches_imports(handler: &ast::ExceptHandler) -> bool {
    let ast::ExceptHandler::ExceptHandler(handler) = handler;
    let is_one = |expr: &Expr| last_name(expr).is_some_and(|name| CAUGHT.contains(&name));
    match handler.type_.as_deref() {
        None => true,
        Some(Expr::Tuple(several)) => several.elts.iter().any(is_one),
        Some(one) => is_one(one),
    }
}
