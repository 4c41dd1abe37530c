//! All that was found out about one service: [`FoundService`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::compose::Image;
use super::environment::{self, Environment};
use super::flask::{self, Application};
use super::outbox::{self, Outbox};
use super::python::{Modules, NeededVariable, Reader};
use super::tree::Tree;
use super::url::{self, Source, UrlSource};
use super::{Guess, Sure, driver, engines, interpreter, search_path};
use crate::alembic::graph::Graph;
use crate::alembic::revision_file;
use crate::alembic::script_location::{self, ScriptLocation, Static};

/// One service, as the manifest will have it.
#[derive(Debug, Clone)]
pub struct FoundService {
    /// Its name.
    pub name: String,
    /// Its directory, relative to the root.
    pub path: String,
    /// The Alembic environment.
    pub environment: Environment,
    /// The way in which it is given its URL.
    pub url: Guess<Source>,
    /// SQLAlchemy's driver.
    pub driver: Guess<String>,
    /// The interpreter.
    pub python: Guess<Vec<String>>,
    /// Variables without which its modules cannot be imported.
    pub needed: Vec<NeededVariable>,
    /// Its outbox table.
    pub outbox: Option<Outbox>,
    /// Tells whether `env.py` names models; `None` where that is not said.
    pub models: Option<bool>,
    /// The number of revisions and the heads, where they are known without Python.
    pub history: Option<(usize, Vec<String>)>,
    /// The Flask application, where `env.py` needs one that it does not load itself.
    pub flask: Option<Guess<Option<Application>>>,
    /// Directories that Python has to find modules in, and otherwise would not.
    pub search_path: Option<Guess<Vec<PathBuf>>>,
    /// The image of PostgreSQL, where one is told for this service.
    pub image: Option<Image>,
    /// Further doubts.
    pub doubts: Vec<Guess<()>>,
}

/// The keys that most services share, which stand in the defaults.
#[derive(Debug, Clone)]
pub struct Common {
    /// SQLAlchemy's driver.
    pub driver: Guess<String>,
    /// The interpreter.
    pub python: Guess<Vec<String>>,
}

impl Common {
    /// The most common value among `services`; `None` for none.
    #[must_use]
    pub fn find(services: &[FoundService]) -> Option<Self> {
        Some(Self {
            driver: most_common(services.iter().map(|found| &found.driver))?,
            python: most_common(services.iter().map(|found| &found.python))?,
        })
    }

    /// The doubts about it.
    #[must_use]
    pub fn reasons(&self) -> Vec<(Sure, String)> {
        let facts = [driver_reason(&self.driver), python_reason(&self.python)];
        facts
            .into_iter()
            .filter(|(sure, _)| *sure != Sure::Certain)
            .collect()
    }
}

fn driver_reason(driver: &Guess<String>) -> (Sure, String) {
    (
        driver.sure,
        format!("driver {}: {}", driver.value, driver.why),
    )
}

fn python_reason(python: &Guess<Vec<String>>) -> (Sure, String) {
    (
        python.sure,
        format!("python {}: {}", python.value.join(" "), python.why),
    )
}

/// The most common value, with its most common reason.
fn most_common<'g, T: Ord + Clone + 'g>(
    all: impl Iterator<Item = &'g Guess<T>>,
) -> Option<Guess<T>> {
    let mut counts: BTreeMap<&T, BTreeMap<&str, (usize, Sure)>> = BTreeMap::new();
    for guess in all {
        let reasons = counts.entry(&guess.value).or_default();
        reasons.entry(&guess.why).or_insert((0, guess.sure)).0 += 1;
    }
    let total = |reasons: &BTreeMap<&str, (usize, Sure)>| -> usize {
        reasons.values().map(|(count, _)| count).sum()
    };
    let (value, reasons) = counts
        .into_iter()
        .max_by_key(|(_, reasons)| total(reasons))?;
    let (why, (_, sure)) = reasons.into_iter().max_by_key(|(_, (count, _))| *count)?;
    Some(Guess {
        value: value.clone(),
        sure,
        why: why.to_owned(),
    })
}

impl FoundService {
    /// Everything that is less than certain, besides what the defaults say.
    #[must_use]
    pub fn reasons(&self, common: &Common) -> Vec<(Sure, String)> {
        let mut all = vec![(self.url.sure, format!("URL: {}", self.url.why))];
        if !self.driver.same_as(&common.driver) {
            all.push(driver_reason(&self.driver));
        }
        if !self.python.same_as(&common.python) {
            all.push(python_reason(&self.python));
        }
        if let Some(flask) = &self.flask {
            all.push((flask.sure, format!("application: {}", flask.why)));
        }
        if let Some(path) = &self.search_path {
            all.push((path.sure, format!("PYTHONPATH: {}", path.why)));
        }
        all.extend(
            self.doubts
                .iter()
                .map(|doubt| (doubt.sure, doubt.why.clone())),
        );
        all.retain(|(sure, _)| *sure != Sure::Certain);
        all.sort_by_key(|(sure, _)| std::cmp::Reverse(*sure));
        all
    }

    /// As sure as the least certain of its facts.
    #[must_use]
    pub fn sure(&self, common: &Common) -> Sure {
        let reasons = self.reasons(common);
        reasons
            .into_iter()
            .map(|(sure, _)| sure)
            .max()
            .unwrap_or(Sure::Certain)
    }
}

/// Finds out everything about the service of one environment.
#[must_use]
pub fn discover(tree: &Tree, name: String, environment: Environment) -> FoundService {
    let mut path = environment::path(&environment);
    // Last, whatever lies in the directories above: not all of it is a package.
    let above = environment.directory.ancestors();
    path.extend(
        above
            .take_while(|directory| directory.starts_with(&tree.root))
            .map(std::path::Path::to_owned),
    );
    let modules = Modules::new(path, &tree.packages);
    let reader = Reader::new(&modules);
    let flask = application(tree, &environment);
    let url_source = url_source(&reader, &environment, flask.as_ref());
    let (history, revisions) = history(&environment);
    let Environment { directory, .. } = &environment;
    let python = interpreter::find(directory, &tree.root);
    let program = tree
        .root
        .join(python.value.first().map_or("", String::as_str));
    let driver = driver::choose(
        &url_source.texts,
        url_source.is_async,
        &program,
        directory,
        &tree.root,
    );
    let packages = driver::packages(&program, directory, &tree.root);
    let driver = engines::suiting(driver, &url_source.engines, &packages);
    let search_path = search_path(
        tree,
        &reader,
        &environment,
        &python.value,
        flask.as_ref(),
        &revisions,
    );
    FoundService {
        path: tree.shown(&environment.directory),
        python,
        outbox: outbox::find(&Reader::new(&modules), &revisions),
        image: tree
            .images
            .image_for(&tree.root, directory, &extensions(&revisions)),
        doubts: doubts(&url_source, &environment),
        flask,
        search_path,
        url: url_source.source,
        driver,
        needed: url_source.needed,
        models: url_source.models,
        history,
        name,
        environment,
    }
}

/// The extensions that revisions create, by the word that follows `EXTENSION`.
fn extensions(revisions: &[PathBuf]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in revisions {
        let text = std::fs::read(file).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).to_lowercase();
        for after in text.split("create extension").skip(1) {
            let mut words = after.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
            let name = words.find(|word| !matches!(*word, "" | "if" | "not" | "exists"));
            found.extend(name.map(str::to_owned));
        }
    }
    found
}

/// The directories to add to the search path that the harness's worker, or the `flask`
/// command, sets.
fn search_path(
    tree: &Tree,
    reader: &Reader<'_>,
    environment: &Environment,
    python: &[String],
    flask: Option<&Guess<Option<Application>>>,
    revisions: &[PathBuf],
) -> Option<Guess<Vec<PathBuf>>> {
    let mut path = environment.python_path();
    let application = flask.and_then(|flask| flask.value.as_ref());
    path.extend(application.and_then(|found| flask::holder(&found.file)));
    let files = [environment.scripts.join("env.py")].into_iter();
    let files = files.chain(application.map(|found| found.file.clone()));
    let files = files.chain(revisions.iter().cloned());
    let first: Vec<_> = files
        .filter_map(|file| reader.modules.load(&file))
        .collect();
    let place = search_path::Place {
        tree,
        directory: &environment.directory,
        path,
        python,
    };
    search_path::missing(place, reader, &first)
}

/// The application of a service whose `env.py` asks for one without loading it.
fn application(tree: &Tree, environment: &Environment) -> Option<Guess<Option<Application>>> {
    let by_flask = environment.is_flask_migrate();
    let env = std::fs::read(environment.scripts.join("env.py")).unwrap_or_default();
    let env = String::from_utf8_lossy(&env);
    let asks_for_one = env.contains("current_app") && !env.contains("app_context");
    if !by_flask && !asks_for_one {
        return None;
    }
    let Some(found) = flask::find(&tree.root, &environment.directory) else {
        let why = "env.py needs a Flask application, and none was found; flask_app names it";
        return Some(Guess::unsure(None, why));
    };
    let value = Application {
        by_itself: found.value.by_itself && by_flask,
        ..found.value
    };
    Some(Guess {
        value: Some(value),
        sure: found.sure,
        why: found.why,
    })
}

fn url_source(
    reader: &Reader<'_>,
    environment: &Environment,
    flask: Option<&Guess<Option<Application>>>,
) -> UrlSource {
    let url = environment.option("sqlalchemy.url");
    match reader.modules.load(&environment.scripts.join("env.py")) {
        Some(env) => {
            let found = flask.and_then(|flask| flask.value.as_ref());
            let application = found.and_then(|found| reader.modules.load(&found.file));
            let application = application.as_ref().unwrap_or(&env);
            url::found(reader, &env, url.as_deref(), application)
        }
        None => url::unreadable(),
    }
}

/// The reasons to doubt that the service can be judged as it is.
fn doubts(url_source: &UrlSource, environment: &Environment) -> Vec<Guess<()>> {
    let mut doubts = Vec::new();
    if url_source.binds {
        let why = "env.py migrates several databases (SQLALCHEMY_BINDS); it is given one";
        doubts.push(Guess::unsure((), why));
    }
    if let Some(databases) = environment.option("databases") {
        let why = format!("env.py migrates several databases ({databases}); it is given one");
        doubts.push(Guess::unsure((), why));
    }
    let schemes = url_source
        .texts
        .iter()
        .filter_map(|text| Some(text.split_once("://")?.0));
    let others: Vec<&str> = schemes
        .filter(|scheme| !scheme.starts_with("postgres"))
        .filter(|scheme| {
            ["sqlite", "mysql", "mariadb", "oracle", "mssql"]
                .iter()
                .any(|other| scheme.starts_with(other))
        })
        .collect();
    let postgres = url_source
        .texts
        .iter()
        .any(|text| text.starts_with("postgres"));
    if let (Some(scheme), false) = (others.first(), postgres) {
        let why = format!("its URLs are of {scheme}: is PostgreSQL meant at all?");
        doubts.push(Guess::likely((), why));
    }
    if let [first, rest @ ..] = &*url_source.needed {
        let more = match rest.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        doubts.push(Guess::likely(
            (),
            format!(
                "{}{more} had to be made up: no default ({})",
                first.variable, first.by
            ),
        ));
    }
    doubts
}

/// The number of revisions and the heads, and the files in the order of an upgrade.
fn history(environment: &Environment) -> (Option<(usize, Vec<String>)>, Vec<PathBuf>) {
    let Environment {
        directory,
        ini,
        section,
        scripts,
        ..
    } = environment;
    let located = script_location::locate(directory, ini, section);
    let known = matches!(located, Ok(Static::Known(_)));
    let location = match located {
        Ok(Static::Known(location)) => location,
        _ => ScriptLocation {
            directory: scripts.clone(),
            versions: vec![scripts.join("versions")],
            recursive: true,
            config_file: directory.join(ini),
        },
    };
    let Ok(files) = revision_file::read_all(&location) else {
        return (None, Vec::new());
    };
    let graph = Graph::new(files, location.versions);
    let heads = || graph.heads().into_iter().map(|head| head.id.clone());
    let is_known = known && graph.unread.is_empty();
    let counted = is_known.then(|| (graph.revisions.len(), heads().collect()));
    let ordered = graph.upgrade_order();
    let ordered = ordered.iter().map(|revision| revision.file.clone());
    let unread = graph.unread.iter().map(|file| file.file().to_owned());
    (counted, ordered.chain(unread).collect())
}
