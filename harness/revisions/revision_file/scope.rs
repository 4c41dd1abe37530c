//! The values a module's own names have once it was imported, as far as they
//! are written out in the file: [`Scope`].
//!
//! Alembic imports each revision file and takes `revision`, `down_revision`,
//! `branch_labels` and `depends_on` from the module (`alembic.script.base`).
//! Literals, and names bound to literals before, are known without that. All
//! else is [`Value::Unknown`], with the reason, so that nothing is guessed.

use std::collections::{BTreeMap, BTreeSet};

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{self as ast, Expr, Pattern, Stmt};
use ruff_text_size::{Ranged, TextSize};

/// The value that a name is bound to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    None,
    Str(String),
    /// A number other than 0, as written.
    Number(String),
    /// A tuple, a list or a set.
    Many(Vec<Value>),
    /// The reason that it is not known, as the rest of a sentence that starts with the name.
    Unknown(String),
}

/// A value and where it was bound.
#[derive(Debug, Clone)]
pub(super) struct Binding {
    pub(super) value: Value,
    pub(super) at: TextSize,
}

/// Modules whose `import *` binds none of the names Alembic looks for.
const HARMLESS_STARS: [&str; 4] = ["sqlalchemy", "alembic", "datetime", "typing"];

/// The bindings of a module.
#[derive(Debug)]
pub(super) struct Scope<'s> {
    source: &'s str,
    bindings: BTreeMap<&'s str, Binding>,
    /// Names that some function may rebind with `global`.
    global: BTreeSet<&'s str>,
    /// The last statement that may have bound any name, and what it is.
    anything: Option<(TextSize, String)>,
}

impl<'s> Scope<'s> {
    /// Goes through the statements of a module in order.
    pub(super) fn read(body: &'s [Stmt], source: &'s str) -> Self {
        let mut scope = Self {
            source,
            bindings: BTreeMap::new(),
            global: BTreeSet::new(),
            anything: None,
        };
        for stmt in body {
            scope.run(stmt);
        }
        scope
    }

    /// The value of `name` after the import; `None` where it has none.
    pub(super) fn get(&self, name: &str) -> Option<Binding> {
        let binding = self.bindings.get(name);
        if let Some((at, what)) = &self.anything
            && binding.is_none_or(|binding| binding.at < *at)
        {
            let value = Value::Unknown(format!("may be set by {what}"));
            return Some(Binding { value, at: *at });
        }
        let binding = binding?.clone();
        if self.global.contains(name) {
            let value = Value::Unknown("may be rebound by a function with `global`".to_owned());
            return Some(Binding { value, ..binding });
        }
        Some(binding)
    }

    fn run(&mut self, stmt: &'s Stmt) {
        match stmt {
            Stmt::Assign(assign) => {
                self.look_into(&assign.value);
                let value = self.value(&assign.value);
                for target in &assign.targets {
                    self.assign(target, value.clone());
                }
            }
            Stmt::AnnAssign(ast::StmtAnnAssign {
                target,
                value: Some(expr),
                ..
            }) => {
                self.look_into(expr);
                let value = self.value(expr);
                self.assign(target, value);
            }
            Stmt::AnnAssign(_) => {}
            Stmt::AugAssign(ast::StmtAugAssign { target, .. }) => {
                let why = format!("is put together by `{}`", self.text(stmt));
                self.assign(target, Value::Unknown(why));
            }
            Stmt::Delete(delete) => {
                for target in &delete.targets {
                    if let Expr::Name(name) = target {
                        self.bindings.remove(name.id.as_str());
                    }
                }
            }
            Stmt::Import(import) => {
                for alias in &import.names {
                    self.import(alias, alias.name.as_str());
                }
            }
            Stmt::ImportFrom(import) => {
                let module = import.module.as_ref().map_or(".", |module| module.as_str());
                for alias in &import.names {
                    self.import(alias, module);
                }
            }
            Stmt::Raise(_) => {
                self.anything = Some((stmt.start(), "whatever follows a `raise`".to_owned()))
            }
            _ => self.block(stmt),
        }
    }

    fn assign(&mut self, target: &'s Expr, value: Value) {
        match target {
            Expr::Name(name) => self.bind(name.id.as_str(), name.start(), value),
            Expr::Tuple(ast::ExprTuple { elts, .. }) | Expr::List(ast::ExprList { elts, .. }) => {
                let parts = match value {
                    Value::Many(parts) if parts.len() == elts.len() => parts,
                    _ => {
                        let why = "is unpacked from a value that is not written out";
                        vec![Value::Unknown(why.to_owned()); elts.len()]
                    }
                };
                for (target, part) in elts.iter().zip(parts) {
                    self.assign(target, part);
                }
            }
            Expr::Starred(starred) => {
                let why = "is unpacked with a star".to_owned();
                self.assign(&starred.value, Value::Unknown(why));
            }
            _ => self.look_into(target),
        }
    }

    fn bind(&mut self, name: &'s str, at: TextSize, value: Value) {
        if name == "__getattr__" {
            self.anything = Some((at, "the module's `__getattr__`".to_owned()));
        }
        self.bindings.insert(name, Binding { value, at });
    }

    fn import(&mut self, alias: &'s ast::Alias, module: &str) {
        if alias.name.as_str() == "*" {
            let package = module.split('.').next().unwrap_or(module);
            if !HARMLESS_STARS.contains(&package) || module.starts_with("alembic.script") {
                self.anything = Some((alias.start(), format!("`from {module} import *`")));
            }
            return;
        }
        let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
        let name = name.split('.').next().unwrap_or(name);
        let why = format!("is imported from `{module}`");
        self.bind(name, alias.start(), Value::Unknown(why));
    }

    /// The value of `expr` at this point of the module.
    fn value(&self, expr: &Expr) -> Value {
        match expr {
            Expr::NoneLiteral(_) => Value::None,
            Expr::StringLiteral(text) => Value::Str(text.value.to_str().to_owned()),
            Expr::NumberLiteral(_) if !matches!(self.text(expr).as_str(), "0" | "0.0") => {
                Value::Number(self.text(expr))
            }
            Expr::Tuple(ast::ExprTuple { elts, .. })
            | Expr::List(ast::ExprList { elts, .. })
            | Expr::Set(ast::ExprSet { elts, .. }) => self.values(elts),
            Expr::Named(named) => self.value(&named.value),
            Expr::Name(name) => match self.get(name.id.as_str()).map(|binding| binding.value) {
                Some(Value::Unknown(why)) => {
                    Value::Unknown(format!("is `{}`, which {why}", name.id))
                }
                Some(known) => known,
                None => Value::Unknown(format!("is `{}`, which this file does not set", name.id)),
            },
            Expr::BinOp(sum) if sum.op == ast::Operator::Add => {
                match (self.value(&sum.left), self.value(&sum.right)) {
                    (Value::Str(left), Value::Str(right)) => Value::Str(left + &right),
                    _ => Value::Unknown(format!("is `{}`", self.text(expr))),
                }
            }
            _ => Value::Unknown(format!("is `{}`", self.text(expr))),
        }
    }

    fn values(&self, elts: &[Expr]) -> Value {
        let mut values = Vec::with_capacity(elts.len());
        for elt in elts {
            match self.value(elt) {
                Value::Unknown(why) => return Value::Unknown(format!("has a part that {why}")),
                known => values.push(known),
            }
        }
        Value::Many(values)
    }

    /// A piece of the source on one line, short enough for a message.
    fn text(&self, node: &impl Ranged) -> String {
        let source = self
            .source
            .get(node.range().to_std_range())
            .unwrap_or_default();
        one_line(source)
    }

    /// Takes note of what a statement binds that is not a plain assignment.
    fn block(&mut self, stmt: &'s Stmt) {
        let mut found = Bindings::default();
        found.visit_stmt(stmt);
        let kind = match stmt {
            Stmt::If(_) => "is assigned under `if`",
            Stmt::Try(_) => "is assigned under `try`",
            Stmt::For(_) | Stmt::While(_) => "is assigned in a loop",
            Stmt::With(_) => "is assigned under `with`",
            Stmt::Match(_) => "is assigned under `match`",
            Stmt::FunctionDef(_) => "is a function",
            Stmt::ClassDef(_) => "is a class",
            _ => "is assigned inside an expression",
        };
        self.note(found, kind);
    }

    /// Takes note of what evaluating an expression may bind.
    fn look_into(&mut self, expr: &'s Expr) {
        let mut found = Bindings::default();
        found.visit_expr(expr);
        self.note(found, "is assigned inside an expression");
    }

    fn note(&mut self, found: Bindings<'s>, kind: &str) {
        for (name, at) in found.bound {
            self.bind(name, at, Value::Unknown(kind.to_owned()));
        }
        self.global.extend(found.global);
        if let Some((at, what)) = found.anything {
            self.anything = Some((at, format!("`{what}`")));
        }
    }
}

/// `text` with its white space folded, cut after 60 characters.
pub fn one_line(text: &str) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        line.extend((!line.is_empty()).then_some(' '));
        line.push_str(word);
        if line.len() > 240 {
            break;
        }
    }
    match line.char_indices().nth(60) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

/// Names that a statement or expression binds in the module when it runs.
#[derive(Default)]
struct Bindings<'s> {
    bound: Vec<(&'s str, TextSize)>,
    global: Vec<&'s str>,
    anything: Option<(TextSize, &'s str)>,
    /// Inside a function or class, where only `global` reaches the module.
    local: bool,
}

impl<'s> Bindings<'s> {
    fn binds(&mut self, name: Option<&'s ast::Identifier>) {
        self.bound
            .extend(name.map(|name| (name.as_str(), name.start())));
    }
}

impl<'s> Visitor<'s> for Bindings<'s> {
    fn visit_stmt(&mut self, stmt: &'s Stmt) {
        let (name, body) = match stmt {
            Stmt::FunctionDef(def) => (&def.name, &def.body),
            Stmt::ClassDef(def) => (&def.name, &def.body),
            Stmt::Global(global) => {
                return self
                    .global
                    .extend(global.names.iter().map(|name| name.as_str()));
            }
            _ => {
                self.imports(stmt);
                return visitor::walk_stmt(self, stmt);
            }
        };
        let outer = std::mem::replace(&mut self.local, true);
        self.visit_body(body);
        self.local = outer;
        if !self.local {
            self.binds(Some(name));
        }
    }

    fn visit_expr(&mut self, expr: &'s Expr) {
        if self.local {
            return;
        }
        if let Expr::Name(name) = expr {
            let id = name.id.as_str();
            if !name.ctx.is_load() {
                self.bound.push((id, name.start()));
            } else if matches!(
                id,
                "globals" | "locals" | "vars" | "exec" | "eval" | "setattr"
            ) {
                self.anything = Some((name.start(), id));
            }
        }
        visitor::walk_expr(self, expr);
    }

    /// A comprehension's own variables stay inside it.
    fn visit_comprehension(&mut self, comprehension: &'s ast::Comprehension) {
        self.visit_expr(&comprehension.iter);
        comprehension
            .ifs
            .iter()
            .for_each(|condition| self.visit_expr(condition));
    }

    fn visit_except_handler(&mut self, handler: &'s ast::ExceptHandler) {
        let ast::ExceptHandler::ExceptHandler(except) = handler;
        if !self.local {
            self.binds(except.name.as_ref());
        }
        visitor::walk_except_handler(self, handler);
    }

    fn visit_pattern(&mut self, pattern: &'s Pattern) {
        if !self.local {
            match pattern {
                Pattern::MatchAs(capture) => self.binds(capture.name.as_ref()),
                Pattern::MatchStar(capture) => self.binds(capture.name.as_ref()),
                Pattern::MatchMapping(mapping) => self.binds(mapping.rest.as_ref()),
                _ => {}
            }
        }
        visitor::walk_pattern(self, pattern);
    }
}

impl<'s> Bindings<'s> {
    /// `import` statements inside a block.
    fn imports(&mut self, stmt: &'s Stmt) {
        let names = match stmt {
            Stmt::Import(import) => &import.names,
            Stmt::ImportFrom(import) => &import.names,
            _ => return,
        };
        for alias in names.iter().filter(|_| !self.local) {
            let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
            match name {
                "*" => self.anything = Some((alias.start(), "import *")),
                _ => self
                    .bound
                    .push((name.split('.').next().unwrap_or(name), alias.start())),
            }
        }
    }
}
