//! The value of a call, as far as it concerns where a URL comes from.

use std::collections::HashMap;

use ruff_python_ast::{self as ast, Expr, Stmt, StmtFunctionDef};

use super::definition::{class_in, flat, function_in};
use super::evaluate::{Place, Reader, Rewrite, is_environ};
use super::value::{Class, Function, Part, Value};

/// Makers of an object that reads the environment: environs, django-environ, Starlette,
/// python-decouple.
const READERS: [&str; 8] = [
    "environs.Env",
    "environs.EnvParser",
    "environ.Env",
    "environ.FileAwareEnv",
    "starlette.config.Config",
    "decouple.Config",
    "decouple.AutoConfig",
    "starlite.config.Config",
];
/// The name of such an object here.
const READER: &str = "<reader of the environment>";
/// Parameters of a settings class's methods that give its fields by name.
const OWN: [&str; 5] = ["self", "cls", "values", "info", "data"];

impl Reader<'_> {
    /// The value that a call returns.
    pub(super) fn call(&self, place: &Place<'_>, call: &ast::ExprCall) -> Value {
        if let Expr::Attribute(method) = &*call.func {
            let receiver = self.value(place, &method.value);
            if let Some(value) = self.method(place, call, &receiver, method.attr.as_str()) {
                return value;
            }
        }
        let callee = self.value(place, &call.func);
        let results = callee
            .options()
            .iter()
            .map(|callee| self.called(place, call, callee));
        match callee.options() {
            [] => self.arguments(place, call),
            _ => Value::either(results.collect()),
        }
    }

    fn called(&self, place: &Place<'_>, call: &ast::ExprCall, callee: &Value) -> Value {
        match callee {
            Value::Function(function) => {
                let locals = self.bound(place, call, function);
                self.returned(function, locals)
            }
            Value::Class(class) => Value::Object(class.clone()),
            Value::Library(library) => self.library(place, call, library),
            _ => self.arguments(place, call),
        }
    }

    /// Methods whose meaning depends on what they are called on.
    fn method(
        &self,
        place: &Place<'_>,
        call: &ast::ExprCall,
        receiver: &Value,
        name: &str,
    ) -> Option<Value> {
        let argument = |at: usize| {
            let expr = call.arguments.find_positional(at)?;
            Some(self.value(place, expr))
        };
        match receiver.options().first()? {
            Value::Library(library) if is_alembic_config(library) => ini(name),
            Value::Text(_) if name == "format" => {
                let positional = call.arguments.args.iter();
                let keywords = call.arguments.keywords.iter().map(|keyword| &keyword.value);
                let values = positional.chain(keywords);
                let values = values.map(|expr| self.value(place, expr)).collect();
                Some(formatted(receiver.clone(), values))
            }
            Value::Object(_) | Value::Dynaconf(_) if name == "get" => {
                let key = argument(0)?;
                let mut found = vec![self.attribute(receiver, key.text()?)];
                found.extend(argument(1));
                Some(Value::either(found))
            }
            Value::Variable(_) | Value::Joined(_) | Value::Named(_) | Value::Ini => {
                self.rewritten(place, call, name);
                let mut found = vec![receiver.clone()];
                // `url.replace("postgresql://", "postgresql+asyncpg://")` tells the driver.
                found.extend(argument(0));
                found.extend(argument(1));
                Some(Value::either(found))
            }
            _ => None,
        }
    }

    /// Remembers what a method does to a URL.
    fn rewritten(&self, place: &Place<'_>, call: &ast::ExprCall, method: &str) {
        let text = |expr: Option<&Expr>| {
            let value = self.value(place, expr?);
            value.text().map(str::to_owned)
        };
        let argument = |at: usize| text(call.arguments.find_positional(at));
        let rewrite = match method {
            "replace" => argument(0)
                .zip(argument(1))
                .map(|(from, to)| Rewrite::Replaced { from, to }),
            "set" => {
                let scheme = call.arguments.find_keyword("drivername");
                text(scheme.map(|keyword| &keyword.value)).map(Rewrite::Driver)
            }
            _ => None,
        };
        let mut known = self.rewrites.borrow_mut();
        let new = rewrite.filter(|rewrite| !known.contains(rewrite));
        known.extend(new);
    }

    /// The value that a function of another package returns.
    fn library(&self, place: &Place<'_>, call: &ast::ExprCall, name: &str) -> Value {
        let last = name.rsplit('.').next().unwrap_or(name);
        let first = || {
            let expr = call.arguments.find_positional(0)?;
            Some(self.value(place, expr))
        };
        if reads_environment(name) {
            return self.variable(place, call);
        }
        if READERS.contains(&name) {
            return Value::Library(READER.to_owned());
        }
        if name.starts_with("dynaconf.") {
            return dynaconf(call);
        }
        if matches!(last, "get_x_argument" | "get_config" | "Depends") {
            return Value::unknown(place.source(call));
        }
        let url_of_parts = matches!(last, "create" | "build" | "URL");
        if url_of_parts && let Some(parts) = self.parts(place, call) {
            return parts;
        }
        if last.ends_with("create_engine") || last.ends_with("create_async_engine") {
            self.is_async
                .set(self.is_async.get() || last.contains("async"));
            let named = call.arguments.find_keyword("url");
            let named = named.map(|keyword| self.value(place, &keyword.value));
            return named.or_else(first).unwrap_or(Value::Either(Vec::new()));
        }
        self.arguments(place, call)
    }

    /// `getenv("NAME", default)` and its like.
    fn variable(&self, place: &Place<'_>, call: &ast::ExprCall) -> Value {
        let name = call.arguments.find_argument_value("key", 0);
        let name = name.map(|expr| self.value(place, expr));
        let Some(name) = name.as_ref().and_then(Value::text) else {
            return Value::unknown(place.source(call));
        };
        let mut values = vec![Value::Variable(name.to_owned())];
        let default = call.arguments.find_argument_value("default", 1);
        values.extend(default.map(|expr| self.value(place, expr)));
        Value::either(values)
    }

    /// `URL.create(drivername=..., username=..., ...)`
    fn parts(&self, place: &Place<'_>, call: &ast::ExprCall) -> Option<Value> {
        let parts = call.arguments.keywords.iter().filter_map(|keyword| {
            let part = Part::from_keyword(keyword.arg.as_ref()?.as_str())?;
            Some((part, self.value(place, &keyword.value)))
        });
        let parts: Vec<_> = parts.collect();
        (parts.len() > 1).then_some(Value::Named(parts))
    }

    /// Of a function nobody can look into: its arguments, one of which may come out again.
    fn arguments(&self, place: &Place<'_>, call: &ast::ExprCall) -> Value {
        let positional = call.arguments.args.iter();
        let keywords = call.arguments.keywords.iter();
        let url = keywords.filter(|keyword| {
            let name = keyword.arg.as_ref().map_or("", |arg| arg.as_str());
            name.contains("url") || name.contains("uri") || name == "dsn"
        });
        let arguments = positional.chain(url.map(|keyword| &keyword.value));
        let values: Vec<_> = arguments
            .map(|expr| self.value(place, expr))
            .filter(|value| value.has_origin() || value.text().is_some())
            .collect();
        match values.is_empty() {
            true => Value::unknown(place.source(call)),
            false => Value::either(values),
        }
    }

    /// The values of a function's parameters in this call.
    pub(in crate::discover) fn bound(
        &self,
        place: &Place<'_>,
        call: &ast::ExprCall,
        function: &Function,
    ) -> HashMap<String, Value> {
        let Some(def) = found(function) else {
            return HashMap::new();
        };
        let own = Place::top(&function.module);
        let is_method = function.class.is_some();
        let mut locals = HashMap::new();
        let parameters = def.parameters.iter_non_variadic_params();
        for (at, parameter) in parameters.enumerate() {
            let name = parameter.parameter.name.as_str();
            let at = at.checked_sub(usize::from(is_method));
            let given = call.arguments.find_keyword(name).map(|given| &given.value);
            let given = given.or_else(|| call.arguments.find_positional(at?));
            let value = match (given, &parameter.default) {
                (Some(expr), _) => self.value(place, expr),
                (None, Some(default)) => self.value(&own, default),
                (None, None) => Value::unknown(name),
            };
            locals.insert(name.to_owned(), value);
        }
        locals
    }

    /// Everything that a function may return.
    pub(super) fn returned(&self, function: &Function, locals: HashMap<String, Value>) -> Value {
        let Some(def) = found(function) else {
            return Value::unknown(&function.name);
        };
        let place = inside(function, def, locals);
        let returns = flat(&def.body).into_iter().filter_map(|stmt| match stmt {
            Stmt::Return(returned) => returned.value.as_deref(),
            Stmt::Expr(stmt) => match &*stmt.value {
                Expr::Yield(yielded) => yielded.value.as_deref(),
                _ => None,
            },
            _ => None,
        });
        Value::either(returns.map(|expr| self.value(&place, expr)).collect())
    }
}

/// The place inside a function, in which a method's own object is known.
pub(in crate::discover) fn inside<'m>(
    function: &'m Function,
    def: &'m StmtFunctionDef,
    mut locals: HashMap<String, Value>,
) -> Place<'m> {
    if let Some(class) = &function.class {
        for name in OWN {
            let known = locals.get(name);
            if known.is_none_or(|value| matches!(value, Value::Unknown(_))) {
                locals.insert(name.to_owned(), Value::Object(class.clone()));
            }
        }
    }
    Place::top(&function.module).inside(&def.body, locals)
}

/// The statement that defines a function.
#[must_use]
pub(super) fn found(function: &Function) -> Option<&StmtFunctionDef> {
    match &function.class {
        None => function_in(&function.module.body, &function.name),
        Some(Class { module, name, .. }) => {
            function_in(&class_in(&module.body, name)?.body, &function.name)
        }
    }
}

/// `"...{}...".format(...)`, `"...%s..." % (...)`: the text's pieces and the values in
/// turn, which is the order they have in every URL.
pub(super) fn formatted(text: Value, values: Vec<Value>) -> Value {
    let Some(template) = text.text() else {
        return Value::either(values);
    };
    let mut pieces = Vec::new();
    let mut values = values.into_iter();
    let mut rest = template;
    while let Some((before, after)) = next_hole(rest) {
        pieces.push(Value::Text(before.to_owned()));
        pieces.extend(values.next());
        rest = after;
    }
    pieces.push(Value::Text(rest.to_owned()));
    Value::Joined(pieces)
}

/// The text before and after the next `{...}`, `%s` or `%(name)s`.
fn next_hole(text: &str) -> Option<(&str, &str)> {
    let at = text.find(['{', '%'])?;
    let (before, rest) = text.split_at(at);
    let after = match rest.strip_prefix('{') {
        Some(rest) => rest.split_once('}').map(|(_, after)| after)?,
        None => {
            let end = rest.find(['s', 'd'])?;
            &rest[end + 1..]
        }
    };
    Some((before, after))
}

fn reads_environment(name: &str) -> bool {
    matches!(name, "os.getenv" | "decouple.config" | "getenv" | READER)
        || name.strip_suffix(".get").is_some_and(is_environ)
        || name
            .strip_prefix(READER)
            .is_some_and(|method| method.starts_with('.') && !method.ends_with(".read_env"))
}

/// Tells whether this is `alembic.context.config`, whatever the name it was imported under.
fn is_alembic_config(library: &str) -> bool {
    library.starts_with("alembic.") && library.ends_with("config")
}

/// The answer of Alembic's configuration.
fn ini(method: &str) -> Option<Value> {
    let reads = [
        "get_main_option",
        "get_section",
        "get_section_option",
        "get_alembic_option",
    ];
    reads.contains(&method).then_some(Value::Ini)
}

/// `Dynaconf(envvar_prefix="APP")`: its variables begin with `APP_`, by default with
/// `DYNACONF_`, and with nothing where the prefix is `False`
/// (<https://www.dynaconf.com/configuration/#envvar_prefix>).
fn dynaconf(call: &ast::ExprCall) -> Value {
    let prefix = call.arguments.find_keyword("envvar_prefix");
    Value::Dynaconf(match prefix.map(|prefix| &prefix.value) {
        Some(Expr::StringLiteral(text)) => format!("{}_", text.value.to_str().to_uppercase()),
        Some(Expr::BooleanLiteral(_) | Expr::NoneLiteral(_)) => String::new(),
        _ => "DYNACONF_".to_owned(),
    })
}
