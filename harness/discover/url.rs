//! The way in which a service is given its URL: [`found`].

use std::rc::Rc;

use super::engines::{self, Engine};
use super::python::trace::{self, Trace};
use super::python::{Module, NeededVariable, Part, Reader, Value, closure, needed};
use super::{Guess, flask};

/// The words in the name of a variable that holds a URL.
const URL_LIKE: [&str; 17] = [
    "DATABASE_URL",
    "DATABASE_URI",
    "DB_URL",
    "DB_URI",
    "DATABASE_DSN",
    "DB_DSN",
    "POSTGRES_URL",
    "POSTGRES_URI",
    "POSTGRES_DSN",
    "POSTGRESQL_URL",
    "PG_URL",
    "PG_DSN",
    "SQLALCHEMY_URL",
    "SQLALCHEMY_DATABASE",
    "CONNECTION_URL",
    "CONNECTION_STRING",
    "CONN_STR",
];

/// The way in which a service is given its URL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    /// Variables that take the URL whole.
    pub variables: Vec<String>,
    /// Variables that take a part of it, with what to put there.
    pub parts: Vec<(String, String)>,
    /// Tells whether `sqlalchemy.url` is read.
    pub ini: bool,
    /// Others that may be meant.
    pub candidates: Vec<String>,
}

/// The source, and what else `env.py` tells.
#[derive(Debug)]
pub struct UrlSource {
    /// The way in which the URL is given.
    pub source: Guess<Source>,
    /// Texts that may name the driver, the most telling first.
    pub texts: Vec<String>,
    /// Tells whether an engine is an async one.
    pub is_async: bool,
    /// Tells whether a Flask application has several databases, and `env.py` migrates all.
    pub binds: bool,
    /// Tells whether models are named; `None` where that is never said.
    pub models: Option<bool>,
    /// Variables without which importing fails.
    pub needed: Vec<NeededVariable>,
    /// Engines that are made of a URL that the service is given.
    pub engines: Vec<Engine>,
}

/// The parts of values, in the order in which they are met.
#[derive(Debug)]
struct Origins {
    variables: Vec<String>,
    parts: Vec<(String, Part)>,
    ini: bool,
    texts: Vec<String>,
    has_port: bool,
    /// The reader of them.
    reader: &'static str,
}

/// Reads it from `env.py`; `ini_url` is the raw `sqlalchemy.url`, if there is one, and
/// `application` the module that makes a Flask application, where `env.py` asks for one.
#[must_use]
pub fn found(
    reader: &Reader<'_>,
    env: &Rc<Module>,
    ini_url: Option<&str>,
    application: &Rc<Module>,
) -> UrlSource {
    let mut trace = trace::trace(reader, env);
    let of_env = reader.rewrites.take();
    let mut origins = Origins::default();
    for url in &trace.urls {
        origins.take(url);
    }
    let mut modules = closure(reader, env, false);
    if trace.flask {
        modules = with_application(reader, modules, application);
        let urls = flask::urls(reader, &modules);
        urls.iter().for_each(|url| origins.take(url));
        origins.ini = false;
        origins.reader = "the application";
    }
    if origins.is_empty() {
        for url in &trace.offline {
            origins.take(url);
        }
    }
    if origins.ini
        && let Some(template) = ini_url
    {
        origins.take(&filled_in(template, &trace.options));
        // Holes that env.py fills with something that was not followed.
        let holes = template.replace("%(here)s", "").contains("%(");
        trace.overridden |= holes && origins.variables.is_empty() && origins.parts.is_empty();
    }
    let (mut needed, candidates) = surroundings(reader, &modules);
    let mut source = decided(&trace, &origins, candidates);
    let elsewhere = &modules[1..];
    let mut engines = engines::made(reader, elsewhere);
    add_needed(&mut source.value, &needed, &engines);
    engines.push(Engine {
        url: read(&source.value),
        is_async: trace.is_async,
        rewrites: of_env,
        by: "env.py".to_owned(),
    });
    needed.retain(|needed| !source.value.names().any(|name| *name == needed.variable));
    source
        .value
        .candidates
        .retain(|name| !source.value.variables.contains(name));
    UrlSource {
        source,
        texts: origins.texts,
        is_async: trace.is_async,
        binds: binds(env, &modules),
        models: trace.models,
        engines,
        needed,
    }
}

/// The modules of `env.py` with those that the application and its settings bring, each once.
fn with_application(
    reader: &Reader<'_>,
    mut modules: Vec<Rc<Module>>,
    application: &Rc<Module>,
) -> Vec<Rc<Module>> {
    modules.extend(closure(reader, application, true));
    let named = flask::named_modules(reader, &modules);
    modules.extend(named.iter().flat_map(|named| closure(reader, named, false)));
    modules.sort_by(|one, other| one.file.cmp(&other.file));
    modules.dedup_by(|one, other| one.file == other.file);
    modules
}

/// Adds the variables with URLs without which modules cannot be imported, and those of engines.
fn add_needed(source: &mut Source, needed: &[NeededVariable], engines: &[Engine]) {
    let required = |needed: &&NeededVariable| {
        needed.is_database_url || (is_url_like(&needed.variable) && needed.value == "discovered")
    };
    let whole = source.parts.is_empty();
    let further = needed.iter().filter(required).filter(|_| whole);
    let further = further.map(|needed| needed.variable.as_str());
    for name in further.chain(engines.iter().flat_map(Engine::needs)) {
        if !source.names().any(|known| known == name) {
            source.variables.push(name.to_owned());
        }
    }
}

/// The doubt where `env.py` itself cannot be read.
#[must_use]
pub fn unreadable() -> UrlSource {
    let source = Source {
        ini: true,
        ..Source::default()
    };
    UrlSource {
        source: Guess::unsure(source, "env.py cannot be read without Python"),
        texts: Vec::new(),
        is_async: false,
        binds: false,
        models: None,
        needed: Vec::new(),
        engines: Vec::new(),
    }
}

/// The URL that `env.py` is given whole.
fn read(source: &Source) -> Value {
    let variables = source.variables.iter().cloned().map(Value::Variable);
    Value::either(variables.chain(source.ini.then_some(Value::Ini)).collect())
}

/// Tells whether `env.py` asks for further databases, and a module of the application has some.
fn binds(env: &Rc<Module>, modules: &[Rc<Module>]) -> bool {
    const BINDS: &str = "SQLALCHEMY_BINDS";
    let has = |module: &Rc<Module>| module.file != env.file && module.source.contains(BINDS);
    env.source.contains(BINDS) && modules.iter().any(has)
}

impl Source {
    fn names(&self) -> impl Iterator<Item = &String> {
        self.variables
            .iter()
            .chain(self.parts.iter().map(|(name, _)| name))
    }
}

/// Chooses between what was met.
fn decided(trace: &Trace, origins: &Origins, candidates: Vec<String>) -> Guess<Source> {
    let who = origins.reader;
    let source = |variables: Vec<String>, ini| Source {
        variables,
        ini,
        candidates: candidates.clone(),
        ..Source::default()
    };
    let (named, other): (Vec<String>, Vec<String>) = origins
        .variables
        .iter()
        .cloned()
        .partition(|name| is_url_like(name));
    if let [name] = &*named {
        let why = format!("{who} takes its URL from {name}");
        return Guess::certain(source(vec![name.clone()], false), why);
    }
    if !named.is_empty() {
        let why = format!("{who} takes its URL from one of {}", named.join(", "));
        return Guess::likely(source(named, false), why);
    }
    if !origins.parts.is_empty() {
        return from_parts(origins, candidates);
    }
    if !other.is_empty() {
        let why = format!("{who} makes its URL from {}", other.join(", "));
        return Guess::likely(source(other, origins.ini), why);
    }
    if origins.ini && !trace.overridden && !trace.flask {
        let why = "env.py reads sqlalchemy.url";
        return Guess::certain(source(Vec::new(), true), why);
    }
    from_candidates(who, candidates)
}

/// The variables whose names look like a URL's, where nothing could be followed.
fn from_candidates(who: &str, candidates: Vec<String>) -> Guess<Source> {
    let why = format!("where {who} takes its URL from cannot be followed");
    let mut rest = candidates.into_iter();
    let Some(first) = rest.next() else {
        let source = Source {
            ini: true,
            ..Source::default()
        };
        return Guess::unsure(source, format!("{why}, and no variable looks like one"));
    };
    let why = format!("{why}; {first} looks like it");
    let source = Source {
        variables: vec![first],
        ini: true,
        candidates: rest.collect(),
        ..Source::default()
    };
    match source.candidates.is_empty() {
        true => Guess::likely(source, why),
        false => Guess::unsure(source, format!("{why}, and so do others")),
    }
}

fn from_parts(origins: &Origins, candidates: Vec<String>) -> Guess<Source> {
    let mut parts: Vec<(String, String)> = Vec::new();
    for (name, part) in &origins.parts {
        let part = match part {
            Part::Host if !origins.has_port => Part::HostAndPort,
            other => *other,
        };
        if part != Part::Scheme && !parts.iter().any(|(known, _)| known == name) {
            parts.push((name.clone(), part.placeholder().to_owned()));
        }
    }
    let has = |wanted: Part| origins.parts.iter().any(|(_, part)| *part == wanted);
    let missing: Vec<&str> = [
        (Part::Host, "host"),
        (Part::User, "user"),
        (Part::Password, "password"),
        (Part::Name, "database"),
    ]
    .into_iter()
    .filter(|(part, _)| !(has(*part) || *part == Part::Host && has(Part::HostAndPort)))
    .map(|(_, name)| name)
    .collect();
    let source = Source {
        parts,
        candidates,
        ..Source::default()
    };
    let why = format!("{} puts its URL together from parts", origins.reader);
    match (
        &*missing,
        origins.has_port && !has(Part::Port) && !has(Part::HostAndPort),
    ) {
        ([], false) => Guess::likely(source, why),
        ([], true) => Guess::unsure(
            source,
            format!("{why}, and the port is written out in the code"),
        ),
        (missing, _) => {
            let missing = missing.join(", ");
            Guess::unsure(
                source,
                format!("{why}, of which some were not found: {missing}"),
            )
        }
    }
}

/// `sqlalchemy.url` with the options that `env.py` sets in it: `%(DB_HOST)s`.
fn filled_in(template: &str, options: &[(String, Value)]) -> Value {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("%(") {
        pieces.push(Value::Text(before.to_owned()));
        let Some((key, after)) = after.split_once(")s") else {
            break;
        };
        let set = options
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(key));
        pieces.extend(set.map(|(_, value)| value.clone()));
        rest = after;
    }
    pieces.push(Value::Text(rest.to_owned()));
    match pieces.len() {
        1 => pieces.remove(0),
        _ => Value::Joined(pieces),
    }
}

/// The needs of importing, and every variable whose name looks like a URL's.
fn surroundings(reader: &Reader<'_>, modules: &[Rc<Module>]) -> (Vec<NeededVariable>, Vec<String>) {
    let needed = needed(reader, modules);
    let mut candidates: Vec<String> = Vec::new();
    for variable in super::python::mentioned(reader, modules) {
        if is_url_like(&variable) && !candidates.contains(&variable) {
            candidates.push(variable);
        }
    }
    candidates.sort_by_key(|name| name.to_uppercase().contains("TEST"));
    (needed, candidates)
}

fn is_url_like(name: &str) -> bool {
    let name = name.to_uppercase();
    name.ends_with("_CONN")
        || name.ends_with("_CON")
        || URL_LIKE.iter().any(|part| name.contains(part))
}

impl Default for Origins {
    fn default() -> Self {
        Self {
            variables: Vec::new(),
            parts: Vec::new(),
            ini: false,
            texts: Vec::new(),
            has_port: false,
            reader: "env.py",
        }
    }
}

impl Origins {
    fn is_empty(&self) -> bool {
        self.variables.is_empty() && self.parts.is_empty() && !self.ini
    }

    fn take(&mut self, value: &Value) {
        match value {
            Value::Variable(name) if !self.variables.contains(name) => {
                self.variables.push(name.clone());
            }
            Value::Text(text) if text.contains("://") => self.texts.push(text.clone()),
            Value::Ini => self.ini = true,
            Value::Either(values) => values.iter().for_each(|value| self.take(value)),
            Value::Joined(pieces) => self.joined(pieces),
            Value::Named(parts) => self.named(parts),
            _ => {}
        }
    }

    fn named(&mut self, parts: &[(Part, Value)]) {
        for (part, value) in parts {
            self.has_port |= *part == Part::Port;
            let text = value.text();
            if let (Part::Scheme, Some(text)) = (part, text) {
                self.texts.push(format!("{text}://"));
            }
            self.part(*part, value);
        }
        // Without a port, PostgreSQL's clients ask the environment.
        if !self.has_port && self.parts.iter().any(|(_, part)| *part == Part::Host) {
            self.parts.push(("PGPORT".to_owned(), Part::Port));
            self.has_port = true;
        }
    }

    /// The variables in one part.
    fn part(&mut self, part: Part, value: &Value) {
        let mut inner = Origins::default();
        inner.flat(value);
        for name in inner.variables {
            if !self.parts.iter().any(|(known, _)| *known == name) {
                self.parts.push((name, part));
            }
        }
    }

    /// Every variable in a value, whatever its place.
    fn flat(&mut self, value: &Value) {
        match value {
            Value::Joined(values) | Value::Either(values) => {
                values.iter().for_each(|value| self.flat(value));
            }
            other => self.take(other),
        }
    }

    /// An f-string or a sum: a URL put together, or one with something before or after it.
    fn joined(&mut self, pieces: &[Value]) {
        let mut text = String::new();
        let mut holes = Vec::new();
        spread(pieces, &mut text, &mut holes);
        let scheme = text.split_once("://");
        let Some((scheme, rest)) = scheme.filter(|(scheme, _)| !scheme.contains(HOLE)) else {
            // Anything that stands before `://` came from a variable, or the whole URL did.
            let with_scheme = text.contains(&format!("{HOLE}://"));
            let holes = holes.iter().skip(usize::from(with_scheme));
            match with_scheme {
                true => self.placed(text.split_once("://").map_or("", |(_, rest)| rest), holes),
                false => holes.for_each(|value| self.take(value)),
            }
            return;
        };
        let scheme = scheme.rsplit([' ', '"', '\'']).next().unwrap_or(scheme);
        self.texts.push(format!("{scheme}://"));
        if scheme.starts_with("postgres") {
            self.placed(rest, holes.iter());
        }
    }

    /// Says for each hole of `user:password@host:port/name` which part it is.
    fn placed<'v>(&mut self, rest: &str, holes: impl Iterator<Item = &'v Value>) {
        let (before, address) = match rest.split_once('@') {
            Some((account, address)) => (Some(account), address),
            None => (None, rest),
        };
        let mut parts = Vec::new();
        if let Some(account) = before {
            let (user, password) = account.split_once(':').unwrap_or((account, ""));
            parts.extend(user.matches(HOLE).map(|_| Part::User));
            parts.extend(password.matches(HOLE).map(|_| Part::Password));
        }
        let (host, name) = address.split_once('/').unwrap_or((address, ""));
        let (host, port) = host
            .split_once(':')
            .map_or((host, None), |(h, p)| (h, Some(p)));
        self.has_port |= port.is_some();
        parts.extend(host.matches(HOLE).map(|_| match port {
            Some(_) => Part::Host,
            None => Part::HostAndPort,
        }));
        parts.extend(port.unwrap_or_default().matches(HOLE).map(|_| Part::Port));
        parts.extend(name.matches(HOLE).map(|_| Part::Name));
        for (value, part) in holes.zip(parts) {
            self.part(part, value);
        }
    }
}

/// Stands for a value that is not written out.
const HOLE: char = '\u{1}';

/// The text of pieces, with a [`HOLE`] for each value that has an origin.
fn spread(pieces: &[Value], text: &mut String, holes: &mut Vec<Value>) {
    for piece in pieces {
        match piece {
            Value::Joined(inner) => spread(inner, text, holes),
            Value::Either(options) if !piece.has_origin() => {
                text.push_str(options.iter().find_map(Value::text).unwrap_or_default());
            }
            Value::Text(literal) => text.push_str(literal),
            other => {
                text.push(HOLE);
                holes.push(other.clone());
            }
        }
    }
}
