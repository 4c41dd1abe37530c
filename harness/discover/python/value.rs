//! The values that an expression may have: [`Value`], and the parts of a URL.

use std::fmt;
use std::rc::Rc;

use super::modules::Module;

/// The facts about a value that are known without running anything.
#[derive(Clone)]
pub enum Value {
    /// The environment variable of this name.
    Variable(String),
    /// Text that is written out.
    Text(String),
    /// `sqlalchemy.url` of Alembic's configuration.
    Ini,
    /// One of these, or put together from these in a way that does not matter.
    Either(Vec<Value>),
    /// Put together from these in order, as an f-string.
    Joined(Vec<Value>),
    /// Put together from these by name, as `URL.create(host=..., port=...)`.
    Named(Vec<(Part, Value)>),
    /// A module of the monorepo.
    Module(Rc<Module>),
    /// A class of the monorepo.
    Class(Class),
    /// An object of such a class.
    Object(Class),
    /// A function of the monorepo, or a method.
    Function(Function),
    /// Something of another package, by its dotted name.
    Library(String),
    /// A Dynaconf object, whose variables begin with this.
    Dynaconf(String),
    /// Not known; what it says in the source.
    Unknown(String),
}

/// A class, and what its fields' variables begin with where another class holds it.
#[derive(Clone)]
pub struct Class {
    /// Its place.
    pub module: Rc<Module>,
    /// Its name.
    pub name: String,
    /// `OUTER__`, for the model in a field of a settings class with a nested delimiter.
    pub nested: Option<String>,
}

/// A function.
#[derive(Clone)]
pub struct Function {
    /// Its place.
    pub module: Rc<Module>,
    /// Its name.
    pub name: String,
    /// The class that it is a method of.
    pub class: Option<Class>,
}

/// One part of a URL that a service is given on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The driver, `postgresql+asyncpg`.
    Scheme,
    /// The user.
    User,
    /// The password.
    Password,
    /// The host.
    Host,
    /// The host with `:` and the port.
    HostAndPort,
    /// The port.
    Port,
    /// The database.
    Name,
}

impl Part {
    /// The part behind a keyword of `sqlalchemy.URL.create` or pydantic's `build`.
    #[must_use]
    pub fn from_keyword(keyword: &str) -> Option<Self> {
        Some(match keyword {
            "drivername" | "scheme" => Self::Scheme,
            "user" | "username" => Self::User,
            "password" => Self::Password,
            "host" => Self::Host,
            "port" => Self::Port,
            "database" | "dbname" | "path" => Self::Name,
            _ => return None,
        })
    }

    /// The value for it in the manifest's `[env]`.
    #[must_use]
    pub fn placeholder(self) -> &'static str {
        match self {
            Self::Scheme => "postgresql",
            Self::User => "{database_user}",
            Self::Password => "{database_password}",
            Self::Host => "{database_host}",
            Self::HostAndPort => "{database_host}:{database_port}",
            Self::Port => "{database_port}",
            Self::Name => "{database_name}",
        }
    }
}

impl Value {
    /// Nothing is known.
    #[must_use]
    pub fn unknown(source: impl Into<String>) -> Self {
        Self::Unknown(source.into())
    }

    /// One of `values`, without nesting that means nothing.
    #[must_use]
    pub fn either(values: Vec<Value>) -> Self {
        let mut flat = Vec::new();
        for value in values {
            match value {
                Self::Either(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        match flat.len() {
            1 => flat.remove(0),
            _ => Self::Either(flat),
        }
    }

    /// The values that this may be, one by one.
    #[must_use]
    pub fn options(&self) -> &[Value] {
        match self {
            Self::Either(values) => values,
            one => std::slice::from_ref(one),
        }
    }

    /// The text, where it is the only possibility.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.options().iter().find_map(|value| match value {
            Self::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// Tells whether a URL may come from this.
    #[must_use]
    pub fn has_origin(&self) -> bool {
        match self {
            Self::Variable(_) | Self::Ini => true,
            Self::Either(values) | Self::Joined(values) => values.iter().any(Self::has_origin),
            Self::Named(parts) => parts.iter().any(|(_, value)| value.has_origin()),
            _ => false,
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "${name}"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Ini => f.write_str("ini"),
            Self::Either(values) => write!(f, "either{values:?}"),
            Self::Joined(values) => write!(f, "joined{values:?}"),
            Self::Named(parts) => write!(f, "named{parts:?}"),
            Self::Module(module) => write!(f, "module {}", module.file.display()),
            Self::Class(class) => write!(f, "class {}", class.name),
            Self::Object(class) => write!(f, "object of {}", class.name),
            Self::Function(function) => write!(f, "function {}", function.name),
            Self::Library(name) => write!(f, "library {name}"),
            Self::Dynaconf(prefix) => write!(f, "dynaconf {prefix}"),
            Self::Unknown(source) => write!(f, "unknown `{source}`"),
        }
    }
}
