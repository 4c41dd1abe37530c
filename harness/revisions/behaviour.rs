//! The behaviour of a revision file, and the [`Difference`] between two of them.
//!
//! Two files do the same where their syntax trees are the same without docstrings, comments,
//! annotations and imports that nothing uses. Layout, quotes and parentheses are in no tree.

use std::collections::{HashMap, HashSet};

use ruff_python_ast::comparable::ComparableStmt;
use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{self as ast, Expr, Stmt};
use ruff_text_size::{Ranged, TextRange, TextSize};

use super::pool;
use super::revision_file::statements;

/// The names by which a revision says where it stands; the graph compares these.
const HEADER: &[&str] = &["revision", "down_revision", "depends_on", "branch_labels"];
/// Packages of which an import that nothing uses does nothing.
const HARMLESS: &[&str] = &[
    "__future__",
    "typing",
    "typing_extensions",
    "collections",
    "alembic",
    "sqlalchemy",
];
/// The function of a revision that goes down.
const DOWNGRADE: &str = "downgrade";
/// Spaces of one level in the texts.
const INDENT: usize = 4;

/// Two files that do not do the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The first file, in the words of the second where both do the same.
    pub before: String,
    /// The second file.
    pub after: String,
    /// The line of the second file from which on it does something else, from 1.
    pub line: u32,
    /// Tells whether only `downgrade()` differs.
    pub is_downgrade: bool,
}

/// The difference in what two revision files do; `None` where they do the same. The place in
/// the history, by `with_header`, is a part of that or not.
#[must_use]
pub fn difference(before: &[u8], after: &[u8], with_header: bool) -> Option<Difference> {
    if before == after {
        return None;
    }
    let (before, after) = (without_returns(before), without_returns(after));
    let parsed = || {
        let one = Module::parse(&before, with_header)?;
        let other = Module::parse(&after, with_header)?;
        Some(one.difference(&other))
    };
    // On a thread with the stack that parsing takes.
    let found = pool().ok().and_then(|pool| pool.install(parsed));
    found.unwrap_or_else(|| between_texts(&before, &after))
}

/// Compares as it is what cannot be parsed.
fn between_texts(before: &[u8], after: &[u8]) -> Option<Difference> {
    let bytes_differ = before != after;
    let text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.escape_ascii().to_string().replace("\\n", "\n"),
    };
    let (before, after) = (text(before), text(after));
    let same = before.lines().zip(after.lines());
    let same = same.take_while(|(one, other)| one == other).count();
    bytes_differ.then(|| Difference {
        line: u32::try_from(same + 1).unwrap_or(u32::MAX),
        before,
        after,
        is_downgrade: false,
    })
}

/// git may write other ends of lines than it keeps.
fn without_returns(bytes: &[u8]) -> Vec<u8> {
    let is_end = |at: usize| bytes[at] == b'\r' && bytes.get(at + 1) == Some(&b'\n');
    let kept = (0..bytes.len()).filter(|at| !is_end(*at));
    kept.map(|at| bytes[at]).collect()
}

/// The statements of a file in order, each without those inside it.
#[derive(Default)]
struct Module {
    units: Vec<Unit>,
}

struct Unit {
    said: Meaning,
    depth: usize,
    text: String,
    line: u32,
    is_downgrade: bool,
}

/// The meaning of a unit, whatever it looks like.
enum Meaning {
    Statement(Box<Stmt>),
    Words(String),
}

#[derive(PartialEq, Eq, Hash)]
enum Shape<'a> {
    Statement(Box<ComparableStmt<'a>>),
    Words(&'a str),
}

impl Unit {
    fn shape(&self) -> (usize, Shape<'_>) {
        let shape = match &self.said {
            Meaning::Statement(stmt) => Shape::Statement(Box::new(stmt.as_ref().into())),
            Meaning::Words(words) => Shape::Words(words),
        };
        (self.depth, shape)
    }
}

impl Module {
    fn parse(bytes: &[u8], with_header: bool) -> Option<Self> {
        let (source, body) = statements(bytes)?;
        let mut reader = Reader {
            source: &source,
            used: UsedNames::collect(&body),
            with_header,
            units: Vec::new(),
            depth: 0,
            is_class: false,
            is_downgrade: false,
        };
        reader.body(&body);
        Some(Self {
            units: reader.units,
        })
    }

    fn difference(&self, after: &Self) -> Option<Difference> {
        let shapes = |module: &'_ Self, of: fn(&Unit) -> bool| -> Vec<u64> {
            let mut known: HashMap<(usize, Shape<'_>), u64> = HashMap::new();
            for unit in self.units.iter().chain(&after.units) {
                let number = known.len() as u64;
                known.entry(unit.shape()).or_insert(number);
            }
            let units = module.units.iter().filter(|unit| of(unit));
            let number = |unit: &Unit| known.get(&unit.shape()).copied().unwrap_or_default();
            units.map(number).collect()
        };
        let (ours, theirs) = (shapes(self, |_| true), shapes(after, |_| true));
        if ours == theirs {
            return None;
        }
        let equal = ours.iter().zip(&theirs);
        let equal = equal.take_while(|(one, other)| one == other).count();
        let first = after.units.get(equal).or(after.units.last());
        let upwards = |unit: &Unit| !unit.is_downgrade;
        let texts: HashMap<_, _> = after
            .units
            .iter()
            .map(|unit| (unit.shape(), unit.text.as_str()))
            .collect();
        let known = |unit: &Unit| {
            let text = texts.get(&unit.shape()).copied();
            text.unwrap_or(&unit.text).to_owned()
        };
        Some(Difference {
            before: self.units.iter().map(known).collect(),
            after: after.units.iter().map(|unit| unit.text.as_str()).collect(),
            line: first.map_or(1, |unit| unit.line),
            is_downgrade: shapes(self, upwards) == shapes(after, upwards),
        })
    }
}

struct Reader<'s> {
    source: &'s str,
    used: UsedNames,
    with_header: bool,
    units: Vec<Unit>,
    depth: usize,
    is_class: bool,
    is_downgrade: bool,
}

impl Reader<'_> {
    fn body(&mut self, body: &[Stmt]) {
        let mut rest = body;
        while let Some(first) = rest.first() {
            let is_import = |stmt: &&Stmt| matches!(stmt, Stmt::Import(_) | Stmt::ImportFrom(_));
            let imports = rest.iter().take_while(is_import).count();
            let (here, after) = rest.split_at(imports.max(1));
            match imports {
                0 => self.statement(first),
                _ => self.imports(here),
            }
            rest = after;
        }
    }

    /// Imports side by side, in the order of their names, without those that do nothing.
    fn imports(&mut self, imports: &[Stmt]) {
        let mut said: Vec<(String, TextSize)> = Vec::new();
        for stmt in imports {
            let (from, names) = match stmt {
                Stmt::Import(import) => (None, &import.names),
                Stmt::ImportFrom(import) => {
                    let dots = ".".repeat(import.level as usize);
                    let module = import.module.as_ref().map_or("", |name| name.as_str());
                    (Some(dots + module), &import.names)
                }
                _ => continue,
            };
            let needed = names
                .iter()
                .filter(|name| self.used.needs(from.as_deref(), name));
            said.extend(needed.map(|name| (import(from.as_deref(), name), stmt.start())));
        }
        said.sort();
        said.dedup_by(|one, other| one.0 == other.0);
        for (words, at) in said {
            self.words(words, at);
        }
    }

    fn statement(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Pass(_) => {}
            // A docstring, or what someone switched off.
            Stmt::Expr(expr) if expr.value.is_string_literal_expr() => {}
            Stmt::Assign(assign) if self.is_header(assign.targets.iter()) => {}
            Stmt::AnnAssign(assign) if self.is_header(std::iter::once(&*assign.target)) => {}
            Stmt::AnnAssign(assign) if !self.is_class => self.annotated(assign),
            Stmt::FunctionDef(function) => self.function(function),
            Stmt::ClassDef(class) => self.class(class),
            Stmt::If(branch) => self.branch(branch),
            Stmt::For(each) => {
                let mut head = each.clone();
                head.body.clear();
                head.orelse.clear();
                self.head(head.into(), stmt, &each.body);
                self.labelled("else:", &each.orelse);
            }
            Stmt::While(repeat) => {
                let mut head = repeat.clone();
                head.body.clear();
                head.orelse.clear();
                self.head(head.into(), stmt, &repeat.body);
                self.labelled("else:", &repeat.orelse);
            }
            Stmt::With(with) => {
                let mut head = with.clone();
                head.body.clear();
                self.head(head.into(), stmt, &with.body);
            }
            Stmt::Try(attempt) => self.attempt(attempt),
            _ => self.unit(Meaning::Statement(Box::new(stmt.clone())), stmt.range()),
        }
    }

    fn is_header<'a>(&self, mut targets: impl Iterator<Item = &'a Expr>) -> bool {
        let is_named = |target: &Expr| {
            let name = target.as_name_expr();
            name.is_some_and(|name| HEADER.contains(&name.id.as_str()))
        };
        self.depth == 0 && !self.with_header && targets.all(is_named)
    }

    fn annotated(&mut self, assign: &ast::StmtAnnAssign) {
        let Some(value) = &assign.value else { return };
        let plain = ast::StmtAssign {
            node_index: assign.node_index.clone(),
            range: assign.range,
            targets: vec![(*assign.target).clone()],
            value: value.clone(),
        };
        self.unit(Meaning::Statement(Box::new(plain.into())), assign.range);
    }

    fn function(&mut self, function: &ast::StmtFunctionDef) {
        let mut head = function.clone();
        head.body.clear();
        head.returns = None;
        let parameters = &mut head.parameters;
        let named = parameters
            .posonlyargs
            .iter_mut()
            .chain(&mut parameters.args);
        for one in named.chain(&mut parameters.kwonlyargs) {
            one.parameter.annotation = None;
        }
        for one in [&mut parameters.vararg, &mut parameters.kwarg]
            .into_iter()
            .flatten()
        {
            one.annotation = None;
        }
        let before = (self.is_class, self.is_downgrade);
        let goes_down = self.depth == 0 && function.name.as_str() == DOWNGRADE;
        self.is_downgrade |= goes_down;
        self.is_class = false;
        let at = self.units.len();
        self.head(head.into(), function, &function.body);
        // As people set them apart.
        if let Some(unit) = self.units.get_mut(at).filter(|unit| unit.depth == 0) {
            unit.text.insert(0, '\n');
        }
        (self.is_class, self.is_downgrade) = before;
    }

    fn class(&mut self, class: &ast::StmtClassDef) {
        let mut head = class.clone();
        head.body.clear();
        let before = std::mem::replace(&mut self.is_class, true);
        self.head(head.into(), class, &class.body);
        self.is_class = before;
    }

    fn branch(&mut self, branch: &ast::StmtIf) {
        let mut head = branch.clone();
        head.body.clear();
        for clause in &mut head.elif_else_clauses {
            clause.body.clear();
        }
        self.head(head.into(), branch, &branch.body);
        for clause in &branch.elif_else_clauses {
            let end = clause.body.first().map_or(clause.end(), Ranged::start);
            let words = self.text(TextRange::new(clause.start(), end));
            self.labelled(words.trim_end(), &clause.body);
        }
    }

    fn attempt(&mut self, attempt: &ast::StmtTry) {
        self.labelled("try:", &attempt.body);
        for ast::ExceptHandler::ExceptHandler(handler) in &attempt.handlers {
            let end = handler.body.first().map_or(handler.end(), Ranged::start);
            let words = self.text(TextRange::new(handler.start(), end));
            self.labelled(words.trim_end(), &handler.body);
        }
        self.labelled("else:", &attempt.orelse);
        self.labelled("finally:", &attempt.finalbody);
    }

    /// A statement without its body, and its body.
    fn head(&mut self, head: Stmt, whole: &impl Ranged, body: &[Stmt]) {
        let end = body.first().map_or(whole.end(), Ranged::start);
        let range = TextRange::new(whole.start(), end.max(whole.start()));
        self.unit(Meaning::Statement(Box::new(head)), range);
        self.inside(body);
    }

    fn labelled(&mut self, label: &str, body: &[Stmt]) {
        if let Some(first) = body.first() {
            self.words(label.to_owned(), first.start());
            self.inside(body);
        }
    }

    fn inside(&mut self, body: &[Stmt]) {
        self.depth += 1;
        self.body(body);
        self.depth -= 1;
    }

    fn unit(&mut self, said: Meaning, range: TextRange) {
        let column = self.column(range.start());
        let text = self.text(range);
        let dedented = |line: &str| {
            let blank = line.len() - line.trim_start().len();
            line.get(blank.min(column)..).unwrap_or_default().to_owned()
        };
        let mut lines = text.trim_end().lines();
        let first = lines.next().unwrap_or_default().to_owned();
        let lines = std::iter::once(first).chain(lines.map(dedented));
        let text: String = lines.map(|line| self.indented(&line)).collect();
        self.push(said, text, range.start());
    }

    fn words(&mut self, words: String, at: TextSize) {
        let text = self.indented(&words);
        self.push(Meaning::Words(words), text, at);
    }

    fn push(&mut self, said: Meaning, text: String, at: TextSize) {
        let before = &self.source[..at.to_usize().min(self.source.len())];
        let line = before.matches('\n').count() + 1;
        self.units.push(Unit {
            said,
            depth: self.depth,
            text,
            line: u32::try_from(line).unwrap_or(u32::MAX),
            is_downgrade: self.is_downgrade,
        });
    }

    fn indented(&self, line: &str) -> String {
        format!("{:1$}{line}\n", "", self.depth * INDENT)
    }

    fn column(&self, at: TextSize) -> usize {
        let before = self.source.get(..at.to_usize()).unwrap_or_default();
        before.len() - before.rfind('\n').map_or(0, |end| end + 1)
    }

    /// The text without what is only said to people at its end.
    fn text(&self, range: TextRange) -> String {
        let text = self.source.get(range.to_std_range()).unwrap_or_default();
        let is_said = |line: &str| line.trim_start().starts_with('#');
        let mut lines: Vec<&str> = text.trim_end().lines().collect();
        while lines.len() > 1 && lines.last().is_some_and(|line| is_said(line)) {
            lines.pop();
        }
        lines.join("\n")
    }
}

/// An import of one name, in one spelling.
fn import(from: Option<&str>, name: &ast::Alias) -> String {
    let alias = name.asname.as_ref();
    let alias = alias.map_or(String::new(), |alias| format!(" as {alias}"));
    match from {
        Some(module) => format!("from {module} import {}{alias}", name.name),
        None => format!("import {}{alias}", name.name),
    }
}

/// The names that a module uses, but for its annotations.
#[derive(Default)]
struct UsedNames {
    names: HashSet<String>,
    is_class: bool,
}

impl UsedNames {
    fn collect(body: &[Stmt]) -> Self {
        let mut used = Self::default();
        for stmt in body {
            used.visit_stmt(stmt);
        }
        used
    }

    /// Tells whether a module would do something else without this import.
    fn needs(&self, from: Option<&str>, name: &ast::Alias) -> bool {
        let module = from.unwrap_or(name.name.as_str());
        let package = module.split('.').next().unwrap_or(module);
        if !HARMLESS.contains(&package) || name.name.as_str() == "*" {
            return true;
        }
        let bound = name.asname.as_ref().unwrap_or(&name.name).as_str();
        let bound = bound.split('.').next().unwrap_or(bound);
        self.names.contains(bound)
    }
}

impl<'a> Visitor<'a> for UsedNames {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        let is_class = matches!(stmt, Stmt::ClassDef(_));
        let is_inner = is_class || matches!(stmt, Stmt::FunctionDef(_));
        let before = self.is_class;
        if is_inner {
            self.is_class = is_class;
        }
        visitor::walk_stmt(self, stmt);
        self.is_class = before;
    }

    fn visit_annotation(&mut self, expr: &'a Expr) {
        // In a class they are read: by dataclasses, by mapped classes.
        if self.is_class {
            visitor::walk_annotation(self, expr);
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Name(name) = expr {
            self.names.insert(name.id.to_string());
        }
        visitor::walk_expr(self, expr);
    }
}

#[cfg(test)]
mod tests;
