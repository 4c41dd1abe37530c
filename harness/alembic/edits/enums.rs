//! Edits by which an enum type is not created a second time.

use std::ops::RangeInclusive;

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{Expr, ExprCall, Stmt};
use ruff_text_size::Ranged;

use super::{Source, range};
use crate::patch::Edit;

/// The class that knows `create_type`; SQLAlchemy's own `Enum` takes no notice of it
/// (<https://docs.sqlalchemy.org/en/20/dialects/postgresql.html>, `ENUM`).
const MODULE: &str = "sqlalchemy.dialects.postgresql";
const CLASS: &str = "ENUM";

/// The way in which a revision comes to create a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Creation {
    /// A call of `create()` on its own.
    Call(Vec<Edit>),
    /// A table's column: the edits of the type in it.
    Column(Vec<Edit>),
}

impl Source {
    /// The edits that keep the statement on these lines from creating an enum type; all of the file, where
    /// another revision has created it.
    #[must_use]
    pub fn without_creation(
        &self,
        name: &str,
        lines: RangeInclusive<u32>,
        is_of_another: bool,
    ) -> Option<Creation> {
        let mut found = Constructors {
            name,
            found: Vec::new(),
            creates: Vec::new(),
        };
        for stmt in &self.body {
            let is_downgrade =
                matches!(stmt, Stmt::FunctionDef(one) if one.name.as_str() == "downgrade");
            if !is_downgrade {
                found.visit_stmt(stmt);
            }
        }
        let is_here = |call: &&ExprCall| self.lines(*call).any_in(&lines);
        if found.creates.iter().any(is_here) {
            let mut edits = self.without_statement(*lines.start())?;
            if is_of_another {
                edits.extend(self.columns(&found.found)?);
            }
            return Some(Creation::Call(edits));
        }
        let mut here = found.found.clone();
        here.retain(is_here);
        let calls = if here.is_empty() || is_of_another {
            found.found
        } else {
            here
        };
        if calls.is_empty() {
            return None;
        }
        self.columns(&calls).map(Creation::Column)
    }

    /// The edits of several types.
    fn columns(&self, calls: &[&ExprCall]) -> Option<Vec<Edit>> {
        let (callee, import) = self.class();
        let mut edits: Vec<Edit> = Vec::new();
        for call in calls {
            edits.extend(self.created_elsewhere(call, callee)?);
        }
        // An import is for a class that was not there before.
        let is_used = edits.iter().any(|edit| edit.text == callee);
        edits.extend(import.filter(|_| is_used));
        Some(edits)
    }

    /// The edits of one type.
    fn created_elsewhere(&self, call: &ExprCall, callee: &str) -> Option<Vec<Edit>> {
        let mut edits = Vec::new();
        if last_name(&call.func)? != CLASS {
            edits.push(Edit {
                at: self.at(range(call.func.range())),
                text: callee.to_owned(),
            });
        }
        let given = call.arguments.keywords.iter();
        let mut given = given.filter(|keyword| named(keyword.arg.as_deref(), "create_type"));
        if let Some(keyword) = given.next() {
            if self.slice(&keyword.value) == "False" && edits.is_empty() {
                return Some(edits);
            }
            edits.push(Edit {
                at: self.at(range(keyword.value.range())),
                text: "False".to_owned(),
            });
            return Some(edits);
        }
        let positional = call.arguments.args.iter().map(|one| range(one.range()).end);
        let keywords = call
            .arguments
            .keywords
            .iter()
            .map(|one| range(one.range()).end);
        let last = positional.chain(keywords).max()?;
        edits.push(Edit {
            at: self.at(last..last),
            text: ", create_type=False".to_owned(),
        });
        Some(edits)
    }

    /// The class as this file may call it, with the import that this takes.
    fn class(&self) -> (&'static str, Option<Edit>) {
        let imported = |module: &str, name: &str| {
            self.body.iter().any(|stmt| match stmt {
                Stmt::ImportFrom(one) => {
                    let is_module = one.module.as_deref() == Some(module);
                    let mut names = one.names.iter();
                    is_module && names.any(|all| all.name.as_str() == name && all.asname.is_none())
                }
                _ => false,
            })
        };
        if imported(MODULE, CLASS) {
            return ("ENUM", None);
        }
        if imported("sqlalchemy.dialects", "postgresql") {
            return ("postgresql.ENUM", None);
        }
        let line = "from sqlalchemy.dialects import postgresql";
        ("postgresql.ENUM", self.with_import(line, "sqlalchemy"))
    }

    /// The edit that adds `from ... import ...`, where sorted imports have it, or else after
    /// those of the same package.
    fn with_import(&self, line: &str, package: &str) -> Option<Edit> {
        let is_import = |stmt: &&Stmt| matches!(stmt, Stmt::Import(_) | Stmt::ImportFrom(_));
        let imports: Vec<&Stmt> = self.body.iter().filter(is_import).collect();
        let of = |stmt: &Stmt| self.slice(stmt).split(' ').nth(1).unwrap_or_default();
        let is_of_package = |stmt: &&&Stmt| of(stmt).split('.').next() == Some(package);
        let same = imports
            .iter()
            .rev()
            .find(is_of_package)
            .or(imports.last())?;
        let block: Vec<&Stmt> = self.block(&imports, same);
        let is_from = |stmt: &Stmt| stmt.is_import_from_stmt();
        let is_sorted = block.is_sorted_by_key(|stmt| (is_from(stmt), of(stmt).to_owned()));
        let module = line.split(' ').nth(1).unwrap_or_default();
        let mut before = block.iter().rev();
        let before = before.find(|stmt| !is_from(stmt) || of(stmt) < module);
        let after = match (is_sorted, before) {
            (true, Some(before)) => before,
            _ => same,
        };
        let end = range(after.range()).end;
        let rest = self.text.get(end..)?;
        let end = end + rest.find(['\r', '\n']).unwrap_or(rest.len());
        Some(Edit {
            at: self.at(end..end),
            text: format!("{}{line}", self.end_of_line()),
        })
    }

    /// The imports that stand with one of them, without an empty line in between.
    fn block<'a>(&self, imports: &[&'a Stmt], one: &Stmt) -> Vec<&'a Stmt> {
        let together = |pair: &&'a Stmt, next: &&'a Stmt| {
            *self.lines(*pair).end() + 1 >= *self.lines(*next).start()
        };
        let mut blocks = imports.chunk_by(together);
        let is_here = |block: &&[&'a Stmt]| block.iter().any(|stmt| stmt.range() == one.range());
        blocks.find(is_here).unwrap_or_default().to_vec()
    }
}

/// The calls that describe a type, and those that create one by itself.
struct Constructors<'a> {
    name: &'a str,
    found: Vec<&'a ExprCall>,
    creates: Vec<&'a ExprCall>,
}

impl<'a> Visitor<'a> for Constructors<'a> {
    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Call(call) = expr {
            match last_name(&call.func) {
                Some("Enum" | "ENUM") if self.is_meant(call) => self.found.push(call),
                Some("create") if call.func.is_attribute_expr() => self.creates.push(call),
                _ => {}
            }
        }
        visitor::walk_expr(self, expr);
    }
}

impl Constructors<'_> {
    /// Tells whether a call describes the type: by its name, or that of the class whose members
    /// are its labels.
    fn is_meant(&self, call: &ExprCall) -> bool {
        let mut keywords = call.arguments.keywords.iter();
        let name = keywords.find(|keyword| named(keyword.arg.as_deref(), "name"));
        match name.map(|keyword| &keyword.value) {
            Some(Expr::StringLiteral(name)) => name.value.to_str() == self.name,
            Some(_) => false,
            None => {
                let first = call.arguments.args.first().and_then(last_name);
                first.is_some_and(|class| class.to_lowercase() == self.name)
            }
        }
    }
}

fn named(keyword: Option<&str>, name: &str) -> bool {
    keyword == Some(name)
}

/// `ENUM` of `postgresql.ENUM`.
fn last_name(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Name(name) => Some(&name.id),
        Expr::Attribute(attribute) => Some(&attribute.attr),
        _ => None,
    }
}

trait Overlap {
    fn any_in(&self, other: &Self) -> bool;
}

impl Overlap for RangeInclusive<u32> {
    fn any_in(&self, other: &Self) -> bool {
        self.start() <= other.end() && other.start() <= self.end()
    }
}
