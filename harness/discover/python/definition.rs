//! The definition of a name in a module, a class or a function: [`Definition`].

use ruff_python_ast::{
    self as ast, Alias, Expr, Stmt, StmtClassDef, StmtFunctionDef, StmtImportFrom,
};

/// One of the statements that give a name its meaning.
#[derive(Debug, Clone, Copy)]
pub enum Definition<'m> {
    /// `name = expr`, `name: T = expr`, `with expr as name`.
    Assigned(&'m Expr),
    /// `name: T` in a class.
    Declared,
    /// `def name`.
    Function(&'m StmtFunctionDef),
    /// `class name`.
    Class(&'m StmtClassDef),
    /// `from module import thing as name`; `*` where it may come from a star import.
    From(&'m StmtImportFrom, &'m str),
    /// `import module as name`; without `as`, only the first part is bound.
    Module(&'m str),
}

/// The statements of a body, those inside blocks included, but not those of functions
/// and classes: all that may run when the body does.
#[must_use]
pub fn flat(body: &[Stmt]) -> Vec<&Stmt> {
    let mut all = Vec::new();
    collect(body, &mut all);
    all
}

fn collect<'m>(body: &'m [Stmt], all: &mut Vec<&'m Stmt>) {
    for stmt in body {
        all.push(stmt);
        match stmt {
            Stmt::If(block) => {
                collect(&block.body, all);
                for clause in &block.elif_else_clauses {
                    collect(&clause.body, all);
                }
            }
            Stmt::Try(block) => {
                collect(&block.body, all);
                for handler in &block.handlers {
                    let ast::ExceptHandler::ExceptHandler(handler) = handler;
                    collect(&handler.body, all);
                }
                collect(&block.orelse, all);
                collect(&block.finalbody, all);
            }
            Stmt::With(block) => collect(&block.body, all),
            Stmt::For(block) => collect(&block.body, all),
            Stmt::While(block) => collect(&block.body, all),
            Stmt::Match(block) => {
                for case in &block.cases {
                    collect(&case.body, all);
                }
            }
            _ => {}
        }
    }
}

/// Everything in `body` that gives `name` a meaning, in the order of the file.
#[must_use]
pub fn definitions<'m>(body: &'m [Stmt], name: &str) -> Vec<Definition<'m>> {
    let mut found = Vec::new();
    for stmt in flat(body) {
        one(stmt, name, &mut found);
    }
    found
}

/// Tells whether anything in `body` gives `name` a meaning.
#[must_use]
pub fn named_definitions(body: &[Stmt], name: &str) -> bool {
    !definitions(body, name).is_empty()
}

fn one<'m>(stmt: &'m Stmt, name: &str, found: &mut Vec<Definition<'m>>) {
    match stmt {
        Stmt::Assign(assign) => {
            let bound = assign.targets.iter().any(|target| is_name(target, name));
            found.extend(bound.then_some(Definition::Assigned(&assign.value)));
        }
        Stmt::AnnAssign(assign) if is_name(&assign.target, name) => {
            let value = assign.value.as_deref();
            found.push(value.map_or(Definition::Declared, Definition::Assigned));
        }
        Stmt::With(block) => {
            for item in &block.items {
                let bound = item
                    .optional_vars
                    .as_deref()
                    .is_some_and(|vars| is_name(vars, name));
                found.extend(bound.then_some(Definition::Assigned(&item.context_expr)));
            }
        }
        Stmt::If(block) => {
            if let Expr::Named(named) = &*block.test
                && is_name(&named.target, name)
            {
                found.push(Definition::Assigned(&named.value));
            }
        }
        Stmt::FunctionDef(def) if def.name.as_str() == name => {
            found.push(Definition::Function(def));
        }
        Stmt::ClassDef(def) if def.name.as_str() == name => found.push(Definition::Class(def)),
        Stmt::ImportFrom(import) => {
            let bound = |alias: &&Alias| {
                let bound = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
                bound == name || bound == "*"
            };
            let aliases = import.names.iter().filter(bound);
            found.extend(aliases.map(|alias| Definition::From(import, alias.name.as_str())));
        }
        Stmt::Import(import) => {
            found.extend(import.names.iter().filter_map(|alias| module(alias, name)));
        }
        _ => {}
    }
}

/// The module that `import a.b as c` binds under `name`.
fn module<'m>(alias: &'m Alias, name: &str) -> Option<Definition<'m>> {
    let module = alias.name.as_str();
    let first = module.split('.').next().unwrap_or(module);
    match &alias.asname {
        Some(asname) => (asname.as_str() == name).then_some(Definition::Module(module)),
        None => (first == name).then_some(Definition::Module(first)),
    }
}

fn is_name(target: &Expr, name: &str) -> bool {
    matches!(target, Expr::Name(bound) if bound.id.as_str() == name)
}

/// The class `name` of a module.
#[must_use]
pub fn class_in<'m>(body: &'m [Stmt], name: &str) -> Option<&'m StmtClassDef> {
    flat(body).into_iter().find_map(|stmt| match stmt {
        Stmt::ClassDef(def) if def.name.as_str() == name => Some(def),
        _ => None,
    })
}

/// The function `name` of a module or class.
#[must_use]
pub fn function_in<'m>(body: &'m [Stmt], name: &str) -> Option<&'m StmtFunctionDef> {
    flat(body).into_iter().find_map(|stmt| match stmt {
        Stmt::FunctionDef(def) if def.name.as_str() == name => Some(def),
        _ => None,
    })
}
