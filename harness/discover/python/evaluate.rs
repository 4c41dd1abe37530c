//! Follows an expression to where its value comes from: [`Reader`].

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::rc::Rc;

use ruff_python_ast::{self as ast, Expr, InterpolatedStringElement, Operator, Stmt};
use ruff_text_size::Ranged;

use super::definition::{Definition, definitions};
use super::modules::{Module, Modules};
use super::settings;
use super::value::{Class, Function, Value};

/// The number of expressions that are followed for one service; beyond it nothing more is known.
const STEPS: usize = 200_000;
/// The depth to which one value is followed.
const DEPTH: usize = 60;

/// The scope of an expression: what its names mean.
#[derive(Clone)]
pub struct Place<'m> {
    /// The module.
    pub module: &'m Rc<Module>,
    /// The bodies of the functions and classes around it, the innermost first.
    pub bodies: Vec<&'m [Stmt]>,
    /// The values of the parameters of the function around it.
    pub locals: Rc<HashMap<String, Value>>,
}

impl<'m> Place<'m> {
    /// At the top level of a module.
    #[must_use]
    pub fn top(module: &'m Rc<Module>) -> Self {
        Self {
            module,
            bodies: Vec::new(),
            locals: Rc::default(),
        }
    }

    /// Inside a body that stands here.
    #[must_use]
    pub fn inside(&self, body: &'m [Stmt], locals: HashMap<String, Value>) -> Self {
        let mut bodies = vec![body];
        bodies.extend(&self.bodies);
        Self {
            bodies,
            locals: Rc::new(locals),
            ..*self
        }
    }

    /// A piece of the source on one line.
    #[must_use]
    pub fn source(&self, node: &impl Ranged) -> String {
        let source = self.module.source.get(node.range().to_std_range());
        crate::alembic::revision_file::one_line(source.unwrap_or_default())
    }
}

/// A change to a URL before it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rewrite {
    /// `url.replace(from, to)`
    Replaced {
        /// The names that are looked for.
        from: String,
        /// The value that is put there.
        to: String,
    },
    /// `url.set(drivername=...)`
    Driver(String),
}

impl Rewrite {
    /// The beginning of a URL, rewritten.
    #[must_use]
    pub fn apply(&self, url: &str) -> String {
        match self {
            Self::Replaced { from, to } => url.replace(from, to),
            Self::Driver(scheme) => format!("{scheme}://"),
        }
    }
}

/// Follows values through the modules that one service can import.
pub struct Reader<'t> {
    /// Those modules.
    pub modules: &'t Modules<'t>,
    /// The expressions that are being followed: one that comes back to itself adds nothing.
    active: RefCell<HashSet<(PathBuf, usize, usize)>>,
    /// The names that are being looked up in other modules, for the same reason.
    members: RefCell<HashSet<(PathBuf, String)>>,
    steps: Cell<usize>,
    /// Tells whether a value came through `create_async_engine`.
    pub(super) is_async: Cell<bool>,
    /// The changes to the URLs that were followed.
    pub(in crate::discover) rewrites: RefCell<Vec<Rewrite>>,
}

impl<'t> Reader<'t> {
    /// A reader of `modules`.
    #[must_use]
    pub fn new(modules: &'t Modules<'t>) -> Self {
        Self {
            modules,
            active: RefCell::default(),
            members: RefCell::default(),
            steps: Cell::new(0),
            is_async: Cell::new(false),
            rewrites: RefCell::default(),
        }
    }

    /// The values that `expr` may have.
    #[must_use]
    pub fn value(&self, place: &Place<'_>, expr: &Expr) -> Value {
        let range = expr.range();
        let key = (
            place.module.file.clone(),
            range.start().to_usize(),
            range.end().to_usize(),
        );
        self.steps.set(self.steps.get() + 1);
        let too_far = self.steps.get() > STEPS || self.active.borrow().len() > DEPTH;
        if too_far || !self.active.borrow_mut().insert(key.clone()) {
            return Value::Either(Vec::new());
        }
        let value = self.follow(place, expr);
        self.active.borrow_mut().remove(&key);
        value
    }

    fn follow(&self, place: &Place<'_>, expr: &Expr) -> Value {
        let all = |exprs: &mut dyn Iterator<Item = &Expr>| {
            Value::either(exprs.map(|expr| self.value(place, expr)).collect())
        };
        match expr {
            Expr::StringLiteral(text) => Value::Text(text.value.to_str().to_owned()),
            Expr::NumberLiteral(_) => Value::Text(place.source(expr)),
            Expr::NoneLiteral(_) => Value::Either(Vec::new()),
            Expr::Name(name) => self.name(place, name.id.as_str()),
            Expr::Attribute(attribute) => {
                let of = self.value(place, &attribute.value);
                self.attribute(&of, attribute.attr.as_str())
            }
            Expr::Subscript(subscript) => self.subscript(place, subscript),
            Expr::Call(call) => self.call(place, call),
            Expr::Await(awaited) => self.value(place, &awaited.value),
            Expr::Starred(starred) => self.value(place, &starred.value),
            Expr::Named(named) => self.value(place, &named.value),
            Expr::BoolOp(choice) => all(&mut choice.values.iter()),
            Expr::If(choice) => all(&mut [&*choice.body, &*choice.orelse].into_iter()),
            Expr::FString(text) => self.f_string(place, text),
            Expr::BinOp(sum) if sum.op == Operator::Add => Value::Joined(vec![
                self.value(place, &sum.left),
                self.value(place, &sum.right),
            ]),
            Expr::BinOp(format) if format.op == Operator::Mod => {
                let values = match &*format.right {
                    Expr::Tuple(tuple) => tuple
                        .elts
                        .iter()
                        .map(|elt| self.value(place, elt))
                        .collect(),
                    one => vec![self.value(place, one)],
                };
                super::call::formatted(self.value(place, &format.left), values)
            }
            Expr::Dict(dict) => self.entry(place, dict),
            Expr::Tuple(ast::ExprTuple { elts, .. }) | Expr::List(ast::ExprList { elts, .. }) => {
                all(&mut elts.iter())
            }
            _ => Value::unknown(place.source(expr)),
        }
    }

    /// The meaning of a name at `place`.
    #[must_use]
    pub fn name(&self, place: &Place<'_>, name: &str) -> Value {
        if let Some(value) = place.locals.get(name) {
            return value.clone();
        }
        for (outer, body) in place.bodies.iter().enumerate() {
            let here = Place {
                bodies: place.bodies[outer..].to_vec(),
                ..place.clone()
            };
            if let Some(value) = self.defined(&here, body, name) {
                return value;
            }
        }
        let top = Place::top(place.module);
        self.defined(&top, &place.module.body, name)
            .unwrap_or_else(|| Value::Library(name.to_owned()))
    }

    fn defined(&self, place: &Place<'_>, body: &[Stmt], name: &str) -> Option<Value> {
        let found = definitions(body, name);
        let mut values = Vec::new();
        for definition in found {
            match definition {
                Definition::From(import, "*") => {
                    let module = self.modules.imported(import, &place.module.file);
                    values.extend(module.and_then(|module| self.member(&module, name)));
                }
                other => values.push(self.definition(place, &other, name)),
            }
        }
        (!values.is_empty()).then(|| Value::either(values))
    }

    fn definition(&self, place: &Place<'_>, definition: &Definition<'_>, name: &str) -> Value {
        let module = || Rc::clone(place.module);
        match definition {
            Definition::Assigned(expr) => self.value(place, expr),
            Definition::Declared => Value::unknown(name),
            Definition::Function(def) => Value::Function(Function {
                module: module(),
                name: def.name.to_string(),
                class: None,
            }),
            Definition::Class(def) => Value::Class(Class {
                module: module(),
                name: def.name.to_string(),
                nested: None,
            }),
            Definition::Module(dotted) => match self.modules.named(dotted, &place.module.file) {
                Some(module) => Value::Module(module),
                None => Value::Library((*dotted).to_owned()),
            },
            Definition::From(import, thing) => {
                let from = import.module.as_ref().map_or(".", |module| module.as_str());
                let library = || Value::Library(format!("{from}.{thing}"));
                match self.modules.imported(import, &place.module.file) {
                    Some(module) => self.member(&module, thing).unwrap_or_else(library),
                    // `from package import module`, where the package has no __init__.py.
                    None => match self
                        .modules
                        .named(&format!("{from}.{thing}"), &place.module.file)
                    {
                        Some(module) if import.level == 0 => Value::Module(module),
                        _ => library(),
                    },
                }
            }
        }
    }

    /// The definition of a name in a module.
    #[must_use]
    pub fn member(&self, module: &Rc<Module>, name: &str) -> Option<Value> {
        let key = (module.file.clone(), name.to_owned());
        if !self.members.borrow_mut().insert(key.clone()) {
            return None;
        }
        let found = self
            .defined(&Place::top(module), &module.body, name)
            .or_else(|| Some(Value::Module(self.modules.below(module, name)?)));
        self.members.borrow_mut().remove(&key);
        found
    }

    /// `of.name`
    #[must_use]
    pub fn attribute(&self, of: &Value, name: &str) -> Value {
        match of {
            Value::Library(library) => Value::Library(format!("{library}.{name}")),
            Value::Module(module) => self
                .member(module, name)
                .unwrap_or_else(|| Value::unknown(name)),
            Value::Class(class) | Value::Object(class) => settings::member(self, class, name),
            Value::Dynaconf(prefix) => Value::Variable(format!("{prefix}{}", name.to_uppercase())),
            Value::Either(options) => {
                Value::either(options.iter().map(|of| self.attribute(of, name)).collect())
            }
            Value::Function(_) | Value::Unknown(_) => Value::unknown(name),
            known => known.clone(),
        }
    }

    fn subscript(&self, place: &Place<'_>, subscript: &ast::ExprSubscript) -> Value {
        let of = self.value(place, &subscript.value);
        let key = self.value(place, &subscript.slice);
        let Some(key) = key.text() else {
            return of;
        };
        let of_one = |of: &Value| match of {
            Value::Library(library) if is_environ(library) => Value::Variable(key.to_owned()),
            Value::Object(_) | Value::Class(_) | Value::Dynaconf(_) => self.attribute(of, key),
            other => other.clone(),
        };
        Value::either(of.options().iter().map(of_one).collect())
    }

    /// Of a dictionary, what may be a URL: `sqlalchemy.url`, and what it is spread from.
    fn entry(&self, place: &Place<'_>, dict: &ast::ExprDict) -> Value {
        let wanted = dict.items.iter().filter(|item| match &item.key {
            None => true,
            Some(Expr::StringLiteral(key)) => key.value.to_str() == "sqlalchemy.url",
            Some(_) => false,
        });
        Value::either(wanted.map(|item| self.value(place, &item.value)).collect())
    }

    fn f_string(&self, place: &Place<'_>, text: &ast::ExprFString) -> Value {
        let mut pieces = Vec::new();
        for part in &text.value {
            match part {
                ast::FStringPart::Literal(literal) => {
                    pieces.push(Value::Text(literal.value.to_string()));
                }
                ast::FStringPart::FString(text) => {
                    pieces.extend(text.elements.iter().map(|element| match element {
                        InterpolatedStringElement::Literal(text) => {
                            Value::Text(text.value.to_string())
                        }
                        InterpolatedStringElement::Interpolation(inner) => {
                            self.value(place, &inner.expression)
                        }
                    }));
                }
            }
        }
        Value::Joined(pieces)
    }
}

/// `os.environ`, however it was imported.
#[must_use]
pub fn is_environ(library: &str) -> bool {
    library == "environ" || library == "os.environ"
}
