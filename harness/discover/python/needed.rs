//! Variables without which a service's modules cannot be imported: [`needed`].

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::rc::Rc;

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{Expr, Stmt, StmtAnnAssign};

use super::definition::{Definition, class_in, definitions, flat};
use super::evaluate::{Place, Reader, is_environ};
use super::modules::Module;
use super::settings::{fields, last_name, names, settings_naming};
use super::trace::calls;
use super::value::{Class, Value};

/// The number of modules that are followed from one `env.py`.
const MODULES: usize = 400;

/// A variable that has no default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeededVariable {
    /// Its name.
    pub variable: String,
    /// Something of the right kind to put there.
    pub value: String,
    /// Tells whether the code says that it is a URL of PostgreSQL.
    pub is_database_url: bool,
    /// The place that needs it: a class and its field, or a file.
    pub by: String,
}

/// The needs of importing `modules`: fields of settings without a default, and `os.environ[...]`
/// at the top level of a module.
#[must_use]
pub fn needed(reader: &Reader<'_>, modules: &[Rc<Module>]) -> Vec<NeededVariable> {
    let mut found = BTreeMap::new();
    for module in modules {
        let place = Place::top(module);
        for variable in subscripts(reader, &place) {
            found.entry(variable.variable.clone()).or_insert(variable);
        }
        for variable in insisted_on(reader, &place) {
            found.entry(variable.variable.clone()).or_insert(variable);
        }
        for class in instantiated(reader, &place) {
            for variable in required(reader, &class) {
                found.entry(variable.variable.clone()).or_insert(variable);
            }
        }
    }
    found.into_values().collect()
}

/// The modules of the monorepo that importing `first` imports, `first` among them; with
/// `functions`, also those that their functions import.
#[must_use]
pub fn closure(reader: &Reader<'_>, first: &Rc<Module>, functions: bool) -> Vec<Rc<Module>> {
    let mut seen: HashSet<PathBuf> = HashSet::from([first.file.clone()]);
    let mut waiting = VecDeque::from([Rc::clone(first)]);
    let mut all = Vec::new();
    while let Some(module) = waiting.pop_front()
        && all.len() < MODULES
    {
        for imported in imports(reader, &module, functions) {
            if seen.insert(imported.file.clone()) {
                waiting.push_back(imported);
            }
        }
        all.push(module);
    }
    all
}

fn imports(reader: &Reader<'_>, module: &Rc<Module>, functions: bool) -> Vec<Rc<Module>> {
    let modules = reader.modules;
    let mut found = Vec::new();
    for stmt in import_statements(&module.body, functions) {
        match stmt {
            Stmt::Import(import) => found.extend(
                import
                    .names
                    .iter()
                    .flat_map(|alias| with_packages(alias.name.as_str()))
                    .filter_map(|name| modules.named(name, &module.file)),
            ),
            Stmt::ImportFrom(import) => {
                if let (0, Some(name)) = (import.level, &import.module) {
                    let names = with_packages(name.as_str());
                    found.extend(names.filter_map(|name| modules.named(name, &module.file)));
                }
                let Some(package) = modules.imported(import, &module.file) else {
                    continue;
                };
                let below = import.names.iter();
                found.extend(below.filter_map(|alias| modules.below(&package, &alias.name)));
                found.push(package);
            }
            _ => {}
        }
    }
    found
}

/// The packages around a module, which are imported first, and the module.
fn with_packages(name: &str) -> impl Iterator<Item = &str> {
    let ends = name.match_indices('.').map(|(at, _)| at);
    ends.chain([name.len()]).map(|end| &name[..end])
}

/// The statements among which imports are: with `functions`, those inside of them too.
fn import_statements(body: &[Stmt], functions: bool) -> Vec<&Stmt> {
    let mut all = flat(body);
    if functions {
        let mut next = 0;
        while let Some(stmt) = all.get(next) {
            next += 1;
            if let Stmt::FunctionDef(def) = stmt {
                all.extend(flat(&def.body));
            }
        }
    }
    all
}

/// The statements that run, unconditionally, when a module is imported: those of its
/// classes too.
fn at_import(body: &[Stmt]) -> Vec<&Stmt> {
    let mut all = Vec::new();
    for stmt in body {
        match stmt {
            Stmt::ClassDef(def) => all.extend(at_import(&def.body)),
            other => all.push(other),
        }
    }
    all
}

/// `os.environ["NAME"]` that runs, unconditionally, when the module is imported.
fn subscripts(reader: &Reader<'_>, place: &Place<'_>) -> Vec<NeededVariable> {
    let mut search = Subscripts {
        reader,
        place,
        found: Vec::new(),
    };
    for stmt in at_import(&place.module.body) {
        if matches!(stmt, Stmt::Assign(_) | Stmt::AnnAssign(_) | Stmt::Expr(_)) {
            visitor::walk_stmt(&mut search, stmt);
        }
    }
    search.found
}

/// Variables that a module raises without: `if not URL: raise ...`.
fn insisted_on(reader: &Reader<'_>, place: &Place<'_>) -> Vec<NeededVariable> {
    let mut found = Vec::new();
    for stmt in &place.module.body {
        let Stmt::If(block) = stmt else { continue };
        if !block.body.iter().any(|stmt| matches!(stmt, Stmt::Raise(_))) {
            continue;
        }
        let mut names = Names(Vec::new());
        names.visit_expr(&block.test);
        for name in names.0 {
            if let Value::Variable(variable) = reader.name(place, &name) {
                found.push(NeededVariable {
                    variable,
                    value: "discovered".to_owned(),
                    is_database_url: false,
                    by: shown(place.module),
                });
            }
        }
    }
    found
}

fn shown(module: &Module) -> String {
    let name = module.file.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// The names in an expression.
struct Names(Vec<String>);

impl<'m> Visitor<'m> for Names {
    fn visit_expr(&mut self, expr: &'m Expr) {
        if let Expr::Name(name) = expr {
            self.0.push(name.id.to_string());
        }
        visitor::walk_expr(self, expr);
    }
}

struct Subscripts<'s, 't> {
    reader: &'s Reader<'t>,
    place: &'s Place<'s>,
    found: Vec<NeededVariable>,
}

impl<'m> Visitor<'m> for Subscripts<'_, '_> {
    fn visit_expr(&mut self, expr: &'m Expr) {
        match expr {
            Expr::Lambda(_) | Expr::If(_) | Expr::BoolOp(_) => return,
            Expr::Subscript(subscript) if subscript.ctx.is_load() => {
                let of = self.reader.value(self.place, &subscript.value);
                if let (Value::Library(library), Expr::StringLiteral(name)) =
                    (of, &*subscript.slice)
                    && is_environ(&library)
                {
                    self.found.push(NeededVariable {
                        variable: name.value.to_str().to_owned(),
                        value: "discovered".to_owned(),
                        is_database_url: false,
                        by: shown(self.place.module),
                    });
                }
            }
            _ => {}
        }
        visitor::walk_expr(self, expr);
    }
}

/// The settings classes that a module makes objects of.
fn instantiated(reader: &Reader<'_>, place: &Place<'_>) -> Vec<Class> {
    let mut bodies: Vec<&[Stmt]> = vec![&place.module.body];
    for stmt in flat(&place.module.body) {
        if let Stmt::FunctionDef(def) = stmt {
            bodies.push(&def.body);
        }
    }
    let stmts = bodies.into_iter().flat_map(flat);
    let callees = stmts.flat_map(calls).map(|call| &*call.func);
    let is_class = |callee: &&Expr| {
        let name = last_name(callee).unwrap_or_default();
        name.trim_start_matches('_').starts_with(char::is_uppercase)
    };
    let named = callees.filter(is_class);
    named
        .filter_map(|callee| match reader.value(place, callee) {
            Value::Class(class) => Some(class),
            _ => None,
        })
        .collect()
}

/// The variables of a settings class's fields that have no default.
fn required(reader: &Reader<'_>, class: &Class) -> Vec<NeededVariable> {
    let Some((naming, lineage)) = settings_naming(reader, class) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for holder in &lineage {
        let Some(def) = class_in(&holder.module.body, &holder.name) else {
            continue;
        };
        let place = Place::top(&holder.module);
        for field in fields(def).filter(|field| is_required(field)) {
            let Expr::Name(name) = &*field.target else {
                continue;
            };
            if name.id.starts_with('_') || name.id.as_str() == "model_config" {
                continue;
            }
            let enumerated = first_member(reader, &place, &field.annotation);
            let is_class = matches!(reader.value(&place, &field.annotation), Value::Class(_));
            if is_class && enumerated.is_none() {
                // A model of its own, which takes more than one variable.
                continue;
            }
            let Some(variable) = names(reader, &place, &naming, field).into_iter().next() else {
                continue;
            };
            found.push(NeededVariable {
                value: placeholder(reader, &place, &field.annotation),
                is_database_url: last_name(&field.annotation) == Some("PostgresDsn"),
                by: format!("{}.{}", class.name, name.id),
                variable,
            });
        }
    }
    found
}

/// No default, `...` as default, or `Field()` without one.
fn is_required(field: &StmtAnnAssign) -> bool {
    match field.value.as_deref() {
        None | Some(Expr::EllipsisLiteral(_)) => true,
        Some(Expr::Call(call)) if last_name(&call.func) == Some("Field") => {
            let has = |name| call.arguments.find_keyword(name).is_some();
            let default = call.arguments.find_argument_value("default", 0);
            default.map_or(!has("default_factory"), Expr::is_ellipsis_literal_expr)
        }
        Some(_) => false,
    }
}

/// A value that a field of this type takes.
fn placeholder(reader: &Reader<'_>, place: &Place<'_>, annotation: &Expr) -> String {
    let inner = || match annotation {
        Expr::Subscript(subscript) => match &*subscript.slice {
            Expr::Tuple(tuple) => tuple.elts.first(),
            one => Some(one),
        },
        Expr::BinOp(union) => Some(&*union.left),
        _ => None,
    };
    match last_name(annotation).unwrap_or_default() {
        "int" | "PositiveInt" | "NonNegativeInt" | "float" | "Decimal" => "1",
        "bool" => "false",
        "Path" | "DirectoryPath" => "{service}",
        "AnyUrl" | "AnyHttpUrl" | "HttpUrl" => "http://localhost",
        "RedisDsn" => "redis://localhost",
        "AmqpDsn" => "amqp://localhost",
        "KafkaDsn" => "kafka://localhost:9092",
        "EmailStr" => "nobody@example.com",
        "list" | "List" | "set" | "Set" | "tuple" | "Tuple" | "Sequence" => "[]",
        "dict" | "Dict" | "Mapping" => "{}",
        "Literal" => {
            let text = inner().map(|first| reader.value(place, first));
            let text = text.as_ref().and_then(Value::text).unwrap_or_default();
            return text.to_owned();
        }
        "Optional" | "Annotated" | "Union" => {
            return inner().map_or_else(String::new, |inner| placeholder(reader, place, inner));
        }
        "" if annotation.is_bin_op_expr() => {
            return inner().map_or_else(String::new, |inner| placeholder(reader, place, inner));
        }
        _ => {
            let member = first_member(reader, place, annotation);
            return member.unwrap_or_else(|| "discovered".to_owned());
        }
    }
    .to_owned()
}

/// The value of the first member of an `Enum` of the monorepo.
fn first_member(reader: &Reader<'_>, place: &Place<'_>, annotation: &Expr) -> Option<String> {
    let Value::Class(class) = reader.value(place, annotation) else {
        return None;
    };
    let def = class_in(&class.module.body, &class.name)?;
    let is_enum = |base: &Expr| last_name(base).is_some_and(|name| name.ends_with("Enum"));
    if !def.bases().iter().any(is_enum) {
        return None;
    }
    let names = def.body.iter().filter_map(|stmt| match stmt {
        Stmt::Assign(assign) => assign.targets.first()?.as_name_expr(),
        _ => None,
    });
    names
        .flat_map(|name| definitions(&def.body, name.id.as_str()))
        .find_map(|definition| match definition {
            Definition::Assigned(Expr::StringLiteral(text)) => Some(text.value.to_str().to_owned()),
            _ => None,
        })
}

/// Every environment variable that these modules name, in the order of the modules.
#[must_use]
pub fn mentioned(reader: &Reader<'_>, modules: &[Rc<Module>]) -> Vec<String> {
    let mut found = Vec::new();
    for module in modules {
        let mut search = Mentions(Vec::new());
        search.visit_body(&module.body);
        found.append(&mut search.0);
        for stmt in flat(&module.body) {
            if let Stmt::ClassDef(def) = stmt {
                let class = Class {
                    module: Rc::clone(module),
                    name: def.name.to_string(),
                    nested: None,
                };
                found.extend(variables(reader, &class));
            }
        }
    }
    found
}

/// The variables of all fields of a settings class.
fn variables(reader: &Reader<'_>, class: &Class) -> Vec<String> {
    let Some((naming, lineage)) = settings_naming(reader, class) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for holder in &lineage {
        let place = Place::top(&holder.module);
        if let Some(def) = class_in(&holder.module.body, &holder.name) {
            found.extend(fields(def).flat_map(|field| names(reader, &place, &naming, field)));
        }
    }
    found
}

/// Names in capitals that are looked up in something, or handed to a function first.
struct Mentions(Vec<String>);

impl<'m> Visitor<'m> for Mentions {
    fn visit_expr(&mut self, expr: &'m Expr) {
        let key = match expr {
            Expr::Subscript(subscript) => {
                let environ = last_name(&subscript.value) == Some("environ");
                environ.then_some(&*subscript.slice)
            }
            Expr::Call(call) => {
                let reads = [
                    "getenv",
                    "get",
                    "config",
                    "env",
                    "str",
                    "url",
                    "getenv_or_raise",
                ];
                let named = last_name(&call.func).is_some_and(|name| reads.contains(&name));
                let first = call.arguments.find_positional(0);
                first.filter(|_| named)
            }
            _ => None,
        };
        if let Some(Expr::StringLiteral(text)) = key {
            let text = text.value.to_str();
            let capital = |letter: char| {
                letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_'
            };
            if text.len() > 2 && text.chars().all(capital) {
                self.0.push(text.to_owned());
            }
        }
        visitor::walk_expr(self, expr);
    }
}
