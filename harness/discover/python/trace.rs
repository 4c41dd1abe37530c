//! The values that an `env.py` hands to SQLAlchemy and to Alembic: [`trace`].
//!
//! Everything that may run is looked at: the module, what it calls within the monorepo,
//! and functions that it hands to others.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::rc::Rc;

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{Expr, ExprCall, Stmt};

use super::call::{found, inside};
use super::definition::flat;
use super::evaluate::{Place, Reader};
use super::modules::Module;
use super::settings::last_name;
use super::value::{Function, Value};

/// The number of functions that are looked into.
const FUNCTIONS: usize = 300;

/// The evidence, as page data.
#[derive(Debug, Default)]
pub struct Trace {
    /// Values that engines are made from, or that are set as `sqlalchemy.url`.
    pub urls: Vec<Value>,
    /// The same, where only SQL is printed (`alembic upgrade --sql`).
    pub offline: Vec<Value>,
    /// Tells whether `sqlalchemy.url` is set to something that could not be followed.
    pub overridden: bool,
    /// Options of Alembic's configuration that are set, besides `sqlalchemy.url`.
    pub options: Vec<(String, Value)>,
    /// Tells whether an engine is an async one.
    pub is_async: bool,
    /// Tells whether `target_metadata` is anything but None; `None` where that is never said.
    pub models: Option<bool>,
    /// Tells whether the URL comes from a Flask application.
    pub flask: bool,
}

/// Follows an `env.py`.
#[must_use]
pub fn trace(reader: &Reader<'_>, env: &Rc<Module>) -> Trace {
    let mut walk = Walk {
        reader,
        seen: HashSet::new(),
        offline: false,
        trace: Trace {
            is_async: env.source.contains("sqlalchemy.ext.asyncio"),
            flask: ["current_app", "SQLALCHEMY_DATABASE_URI"]
                .iter()
                .any(|word| env.source.contains(word)),
            ..Trace::default()
        },
    };
    walk.body(&Place::top(env), &env.body);
    for stmt in flat(&env.body) {
        if let Stmt::FunctionDef(def) = stmt {
            let function = Function {
                module: Rc::clone(env),
                name: def.name.to_string(),
                class: None,
            };
            walk.function(&function, HashMap::new());
        }
    }
    walk.trace.is_async |= reader.is_async.get();
    walk.trace
}

struct Walk<'w, 't> {
    reader: &'w Reader<'t>,
    seen: HashSet<(PathBuf, String)>,
    offline: bool,
    trace: Trace,
}

impl Walk<'_, '_> {
    fn body(&mut self, place: &Place<'_>, body: &[Stmt]) {
        for stmt in flat(body) {
            if let Stmt::Assign(assign) = stmt {
                for target in &assign.targets {
                    self.assigned(place, target, &assign.value);
                }
            }
            for call in calls(stmt) {
                self.call(place, call);
            }
        }
    }

    fn function(&mut self, function: &Function, locals: HashMap<String, Value>) {
        let class = function.class.as_ref().map_or("", |class| &class.name);
        let key = (
            function.module.file.clone(),
            format!("{class}.{}", function.name),
        );
        let Some(def) = found(function) else {
            return;
        };
        if self.seen.len() >= FUNCTIONS || !self.seen.insert(key) {
            return;
        }
        let outer = self.offline;
        self.offline |= function.name.contains("offline");
        self.body(&inside(function, def, locals), &def.body);
        self.offline = outer;
    }

    fn assigned(&mut self, place: &Place<'_>, target: &Expr, value: &Expr) {
        match target {
            Expr::Subscript(subscript) => {
                let key = self.reader.value(place, &subscript.slice);
                if let Some(key) = key.text() {
                    let value = self.reader.value(place, value);
                    self.option(key, value);
                }
            }
            Expr::Name(name) if name.id.as_str() == "target_metadata" => {
                self.models(!value.is_none_literal_expr());
            }
            _ => {}
        }
    }

    fn models(&mut self, any: bool) {
        self.trace.models = Some(any || self.trace.models == Some(true));
    }

    fn option(&mut self, key: &str, value: Value) {
        match key {
            "sqlalchemy.url" | "url" => {
                self.trace.overridden |= !value.has_origin() && value.text().is_none();
                self.url(value);
            }
            _ => self.trace.options.push((key.to_owned(), value)),
        }
    }

    fn url(&mut self, value: Value) {
        match self.offline {
            true => self.trace.offline.push(value),
            false => self.trace.urls.push(value),
        }
    }

    fn call(&mut self, place: &Place<'_>, call: &ExprCall) {
        let reader = self.reader;
        let name = last_name(&call.func).unwrap_or_default();
        let argument = |at: usize| call.arguments.find_positional(at);
        self.trace.is_async |= name.contains("async_engine") || name == "AsyncEngine";
        match name {
            "set_main_option" => self.set(place, argument(0), argument(1)),
            "set_section_option" => self.set(place, argument(1), argument(2)),
            "connect" | "begin" => {
                if let Expr::Attribute(method) = &*call.func {
                    let receiver = reader.value(place, &method.value);
                    self.url(receiver);
                }
            }
            "configure" => {
                if let Some(url) = call.arguments.find_keyword("url") {
                    let url = reader.value(place, &url.value);
                    self.trace.offline.push(url);
                }
            }
            _ if name.ends_with("engine") || name.ends_with("engine_from_config") => {
                let url = reader.value(place, &Expr::Call(call.clone()));
                self.url(url);
            }
            _ => {}
        }
        if let Some(models) = call.arguments.find_keyword("target_metadata") {
            let literal = match &models.value {
                Expr::Name(name) => name.id.as_str() == "target_metadata",
                other => other.is_none_literal_expr(),
            };
            self.models(!literal);
        }
        self.into(place, call);
    }

    fn set(&mut self, place: &Place<'_>, key: Option<&Expr>, value: Option<&Expr>) {
        if let (Some(key), Some(value)) = (key, value)
            && let Some(key) = self.reader.value(place, key).text()
        {
            let value = self.reader.value(place, value);
            self.option(key, value);
        }
    }

    /// Looks into the functions that a call runs, or hands on to be run.
    fn into(&mut self, place: &Place<'_>, call: &ExprCall) {
        let callee = self.reader.value(place, &call.func);
        for callee in callee.options() {
            if let Value::Function(function) = callee {
                let locals = self.reader.bound(place, call, function);
                self.function(function, locals);
            }
        }
        for argument in call.arguments.args.iter().filter(|arg| arg.is_name_expr()) {
            if let Value::Function(function) = self.reader.value(place, argument) {
                self.function(&function, HashMap::new());
            }
        }
    }
}

/// The calls in a statement itself, not in the blocks below it.
#[must_use]
pub fn calls(stmt: &Stmt) -> Vec<&ExprCall> {
    let mut found = Calls(Vec::new());
    visitor::walk_stmt(&mut found, stmt);
    found.0
}

struct Calls<'m>(Vec<&'m ExprCall>);

impl<'m> Visitor<'m> for Calls<'m> {
    fn visit_body(&mut self, _: &'m [Stmt]) {}

    fn visit_expr(&mut self, expr: &'m Expr) {
        visitor::walk_expr(self, expr);
        if let Expr::Call(call) = expr {
            self.0.push(call);
        }
    }
}
