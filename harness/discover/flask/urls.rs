//! The settings that a Flask application takes its URL from: [`urls`].

use std::collections::HashMap;
use std::rc::Rc;

use ruff_python_ast::{Expr, ExprCall, ExprDict, Stmt};

use super::{URL, last};
use crate::discover::python::trace::calls;
use crate::discover::python::{Class, Module, Place, Reader, Value, flat, named_definitions};

/// The URL that the configuration of an application may hold, in `modules`.
#[must_use]
pub fn urls(reader: &Reader<'_>, modules: &[Rc<Module>]) -> Vec<Value> {
    let mut search = Urls {
        reader,
        found: Vec::new(),
    };
    for module in modules {
        search.body(&Place::top(module), &module.body);
    }
    search.found
}

/// Modules that an application names to its configuration by a text.
#[must_use]
pub fn named_modules(reader: &Reader<'_>, modules: &[Rc<Module>]) -> Vec<Rc<Module>> {
    let mut found = Vec::new();
    for module in modules {
        let mut texts = Vec::new();
        each_call(&Place::top(module), &module.body, &mut |place, call| {
            let argument = call.arguments.find_positional(0);
            let text = argument.and_then(|expr| opening(&reader.value(place, expr)));
            match last(&call.func) {
                "from_object" | "import_string" => texts.extend(text),
                "from_pyfile" => texts.extend(text.map(|file| file.replace(".py", ""))),
                _ => {}
            }
        });
        for text in texts {
            // `config.ProductionConfig`, `config:ProductionConfig`
            let name = text
                .split(':')
                .next()
                .unwrap_or(&text)
                .trim_end_matches('.');
            let of_class = name.rsplit_once('.').map_or(name, |(module, _)| module);
            let mut named = [name, of_class].into_iter();
            found.extend(named.find_map(|name| reader.modules.named(name, &module.file)));
        }
    }
    found
}

/// The text that a value begins with: `config.` of `f"config.{name}"`.
fn opening(value: &Value) -> Option<String> {
    match value {
        Value::Joined(pieces) => opening(pieces.first()?),
        one => one.text().map(str::to_owned),
    }
}

/// Every call below a place, also inside functions.
fn each_call(place: &Place<'_>, body: &[Stmt], visit: &mut dyn FnMut(&Place<'_>, &ExprCall)) {
    for stmt in flat(body) {
        for call in calls(stmt) {
            visit(place, call);
        }
        let inner = match stmt {
            Stmt::FunctionDef(def) => &def.body,
            Stmt::ClassDef(def) => &def.body,
            _ => continue,
        };
        each_call(&place.inside(inner, HashMap::new()), inner, visit);
    }
}

struct Urls<'r, 't> {
    reader: &'r Reader<'t>,
    found: Vec<Value>,
}

impl Urls<'_, '_> {
    fn body(&mut self, place: &Place<'_>, body: &[Stmt]) {
        for stmt in flat(body) {
            match stmt {
                Stmt::Assign(assign) => {
                    if assign.targets.iter().any(is_url) {
                        self.take(place, &assign.value);
                    }
                    if let Expr::Dict(dict) = &*assign.value {
                        self.dict(place, dict);
                    }
                }
                Stmt::AnnAssign(assign) if is_url(&assign.target) => {
                    if let Some(value) = &assign.value {
                        self.take(place, value);
                    }
                }
                Stmt::FunctionDef(def) => {
                    self.body(&place.inside(&def.body, HashMap::new()), &def.body);
                }
                Stmt::ClassDef(def) if !def.name.contains("Test") => {
                    let class = Class {
                        module: Rc::clone(place.module),
                        name: def.name.to_string(),
                        nested: None,
                    };
                    if named_definitions(&def.body, URL) {
                        let value = self.reader.attribute(&Value::Class(class), URL);
                        self.found.push(value);
                    }
                }
                _ => {}
            }
            for call in calls(stmt) {
                self.call(place, call);
            }
        }
    }

    /// `from_mapping(SQLALCHEMY_DATABASE_URI=...)`, `setdefault(KEY, ...)`,
    /// `update({KEY: ...})`, `from_prefixed_env()`.
    fn call(&mut self, place: &Place<'_>, call: &ExprCall) {
        if let Some(keyword) = call.arguments.find_keyword(URL) {
            self.take(place, &keyword.value);
        }
        let first = call.arguments.find_positional(0);
        match (last(&call.func), first) {
            ("setdefault", Some(key)) if is_key(key) => {
                if let Some(value) = call.arguments.find_positional(1) {
                    self.take(place, value);
                }
            }
            ("from_prefixed_env", prefix) => {
                let prefix = prefix.map(|prefix| self.reader.value(place, prefix));
                let prefix = prefix.as_ref().and_then(Value::text).unwrap_or("FLASK");
                self.found.push(Value::Variable(format!("{prefix}_{URL}")));
            }
            ("from_mapping" | "update", Some(Expr::Dict(dict))) => self.dict(place, dict),
            ("from_mapping" | "update", Some(mapping)) => {
                if let Value::Library(library) = self.reader.value(place, mapping)
                    && library.ends_with("environ")
                {
                    self.found.push(Value::Variable(URL.to_owned()));
                }
            }
            _ => {}
        }
    }

    fn dict(&mut self, place: &Place<'_>, dict: &ExprDict) {
        for item in &dict.items {
            if item.key.as_ref().is_some_and(is_key) {
                self.take(place, &item.value);
            }
        }
    }

    fn take(&mut self, place: &Place<'_>, expr: &Expr) {
        let value = self.reader.value(place, expr);
        self.found.push(value);
    }
}

/// `SQLALCHEMY_DATABASE_URI` as a name, or as the key of `app.config[...]`.
fn is_url(target: &Expr) -> bool {
    match target {
        Expr::Name(name) => name.id.as_str() == URL,
        Expr::Subscript(subscript) => is_key(&subscript.slice),
        _ => false,
    }
}

fn is_key(expr: &Expr) -> bool {
    matches!(expr, Expr::StringLiteral(text) if text.value.to_str() == URL)
}
