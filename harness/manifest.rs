//! A service: `defaults.toml` and one file of `services/`, validated.
//!
//! [`Manifest`] is the directory, [`Service`] what every later stage works on.
//! An error names the file, the key, the value and what is allowed there.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use migration_revisions::script_location::tidy;
use serde::de::DeserializeOwned;

mod alembic;
mod deployed;
mod keys;
mod locks;
mod notes;
mod outbox;
mod over;
mod rows;
mod running;
mod script;
mod settings;
mod values;

pub use deployed::{BASE_REF, Deployed, base_ref};
use keys::{Defaults, OneOrMany, ServiceFile};
pub use locks::LockRules;
pub use notes::{NotesConvention, Topic, Words};
pub use outbox::{IndexConvention, OutboxConvention};
pub use rows::TeamRows;
pub use running::RunningRules;
pub use script::Baseline;
use values::{
    accepted, below, check_criteria, check_reasons, check_url, filled_in, flask_app, interpreter,
    not_applicable, postgres_settings, root, stem, takes_part_of_url,
};

use crate::error::{HarnessError, Result, Stage};
use crate::invocation::Invocation;
use crate::postgres::{self, Script};

/// The variable that points at another manifest directory.
pub const DIRECTORY_VARIABLE: &str = "SERVICES_MANIFEST";
pub(crate) const DEFAULT_DIRECTORY: &str = "services-manifest";

/// A manifest directory: defaults, conventions and services.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// Its path.
    pub directory: PathBuf,
}

/// One service, ready for the later stages.
#[derive(Debug, Clone)]
pub struct Service {
    /// The manifest file's stem.
    pub name: String,
    /// The file it was read from.
    pub file: PathBuf,
    /// The monorepo, absolute.
    pub root: PathBuf,
    /// The service's directory, absolute, below `root`.
    pub directory: PathBuf,
    /// Alembic's configuration file, relative to `directory`.
    pub alembic_ini: String,
    /// The section of that file.
    pub alembic_section: String,
    /// The arguments of `-x` for `env.py`: each key with its values, the parts of the URL not yet
    /// filled in.
    pub x: BTreeMap<String, Vec<String>>,
    /// The value of `flask --app`, where Flask-Migrate migrates the service and Flask's own
    /// search does not find its application.
    pub flask_app: Option<String>,
    /// The interpreter as a command: program and arguments.
    pub python: Vec<String>,
    /// The problem of an interpreter that is not there. Who needs none is judged all the same.
    pub python_problem: Option<HarnessError>,
    /// SQLAlchemy's driver name in the URL that the service is given.
    pub driver: String,
    /// Variables that the URL is put into.
    pub database_url_env: Vec<String>,
    /// Tells whether the URL is set as `sqlalchemy.url` too.
    pub database_url_ini: bool,
    /// Further variables, with `{root}` and `{service}` filled in.
    pub env: BTreeMap<String, String>,
    /// Variables that take parts of the URL, as `{database_host}`, not yet filled in.
    pub database_env: BTreeMap<String, String>,
    /// The schema of the service's tables, where several would be possible.
    pub schema: Option<String>,
    /// The time limits of the steps.
    pub timeouts: Timeouts,
    /// The PostgreSQL to use.
    pub postgres: postgres::Settings,
    /// The scripts that run in each fresh database before anything else.
    pub prepare: Vec<Script>,
    /// The tables under the first revision.
    pub baseline: Option<Baseline>,
    /// Criteria that do not apply, each with the reason.
    pub not_applicable: BTreeMap<String, String>,
    /// Revisions whose downgrade cannot put things back, each with the reason.
    pub one_way: BTreeMap<String, String>,
    /// Differences between models and migrations that are accepted, each with the reason.
    pub accepted_drift: BTreeMap<String, Justification>,
    /// Tables that another library owns.
    pub owned_elsewhere: Vec<String>,
    /// The revisions that are deployed.
    pub deployed: Deployed,
    /// Rows that the team brings itself.
    pub rows: TeamRows,
    /// Findings of `rows` that are accepted, each with the reason.
    pub accepted_rows: BTreeMap<String, Justification>,
    /// Changes of published revisions that are accepted, each with the reason.
    pub accepted_published: BTreeMap<String, String>,
    /// Findings of criteria that look at a service as it is, by criterion and key, each with the
    /// reason.
    pub accepted: BTreeMap<&'static str, BTreeMap<String, String>>,
    /// The rules for the tables that a deployment locks.
    pub locks: LockRules,
    /// The rules for the release that is running.
    pub running: RunningRules,
    /// The shape that every outbox table has; `None` without `conventions/outbox.toml`.
    pub outbox: Option<OutboxConvention>,
    /// The notes that every service carries; `None` without `conventions/notes.toml`.
    pub notes: Option<NotesConvention>,
    /// The monorepo that `root` is an overlay of, where a fix is tried.
    pub laid_over: Option<PathBuf>,
}

impl Service {
    /// Tells whether its interpreter is there, for whoever is about to start it.
    ///
    /// # Errors
    /// It is not.
    pub fn has_interpreter(&self) -> Result<()> {
        self.python_problem.clone().map_or(Ok(()), Err)
    }

    /// A path of the monorepo as people call it: relative to the root.
    #[must_use]
    pub fn shown(&self, path: &Path) -> String {
        let path = tidy(path);
        path.strip_prefix(&self.root)
            .unwrap_or(&path)
            .display()
            .to_string()
    }

    /// The same service in an overlay of its monorepo.
    #[must_use]
    pub fn in_overlay(&self, root: &Path) -> Self {
        let here = self.root.to_string_lossy();
        let there = |text: &String| text.replace(&*here, &root.to_string_lossy());
        let below = self
            .directory
            .strip_prefix(&self.root)
            .unwrap_or(Path::new(""));
        let x = self.x.iter();
        let x = x.map(|(key, values)| (key.clone(), values.iter().map(there).collect()));
        let env = self.env.iter();
        Self {
            root: root.to_owned(),
            directory: root.join(below),
            env: env
                .map(|(name, value)| (name.clone(), there(value)))
                .collect(),
            x: x.collect(),
            laid_over: Some(self.root.clone()),
            ..self.clone()
        }
    }

    /// The path of the monorepo that a path of an overlay stands for; others are as they are.
    #[must_use]
    pub fn original(&self, path: &Path) -> PathBuf {
        let below = path.strip_prefix(&self.root).ok();
        match (&self.laid_over, below) {
            (Some(root), Some(below)) if below.as_os_str().is_empty() => root.clone(),
            (Some(root), Some(below)) => root.join(below),
            _ => path.to_owned(),
        }
    }

    /// The manifest that the service belongs to.
    #[must_use]
    pub fn manifest(&self) -> &Path {
        self.file
            .parent()
            .and_then(Path::parent)
            .unwrap_or(Path::new(""))
    }

    /// The file of the schema that was accepted as this service's.
    #[must_use]
    pub fn schema_file(&self) -> PathBuf {
        self.manifest()
            .join("schemas")
            .join(format!("{}.sql", self.name))
    }
}

/// A line that declares something, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Justification {
    /// The reason.
    pub reason: String,
    /// Tells whether `defaults.toml` says it, for whichever service it concerns.
    pub inherited: bool,
}

/// The time that a step may take before it is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// One way of upgrading, from base to head.
    pub upgrade: Duration,
    /// A deployment on tables that hold rows, with all that is tried of it.
    pub rows: Duration,
    /// Everything the harness itself asks of the database or the interpreter.
    pub verify: Duration,
}

impl Manifest {
    /// The directory of `SERVICES_MANIFEST`, or the nearest `services-manifest` of this
    /// directory and those above it, up to the top of the repository.
    ///
    /// # Errors
    /// The directory, its `services/` or its `defaults.toml` is missing.
    pub fn locate() -> Result<Self> {
        let named = env::var_os(DIRECTORY_VARIABLE).filter(|value| !value.is_empty());
        let directory = match &named {
            Some(named) => PathBuf::from(named),
            None => nearest_manifest(&env::current_dir().unwrap_or_default()),
        };
        for needed in ["services", "defaults.toml"] {
            if !directory.join(needed).exists() {
                let origin = match named {
                    Some(_) => format!("{DIRECTORY_VARIABLE} names {}", directory.display()),
                    None => format!(
                        "the default is {DEFAULT_DIRECTORY}/, here or in a directory above, up to \
                         the repository's"
                    ),
                };
                return Err(error(&directory, format!("has no {needed}")).help(format!(
                    "{origin}; a manifest holds defaults.toml and services/<service>.toml, and \
                     `{}` writes one",
                    Invocation::current().discover("<monorepo>")
                )));
            }
        }
        Ok(Self { directory })
    }

    /// The directory of the services' files.
    #[must_use]
    pub fn services_directory(&self) -> PathBuf {
        self.directory.join("services")
    }

    /// The names of all services, sorted.
    ///
    /// # Errors
    /// The directory cannot be listed.
    pub fn service_names(&self) -> Result<BTreeSet<String>> {
        let directory = self.services_directory();
        let entries = directory
            .read_dir()
            .map_err(|cause| error(&directory, format!("cannot be listed: {cause}")))?;
        Ok(entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| {
                path.extension()
                    .is_some_and(|extension| extension == "toml")
            })
            .filter_map(|path| path.file_stem()?.to_str().map(str::to_owned))
            .collect())
    }

    /// Reads and validates the service of one file; `criteria` are the ids that
    /// `[not_applicable]` may name.
    ///
    /// # Errors
    /// Anything in the file or in `defaults.toml` that is not allowed there.
    pub fn service(&self, file: &Path, criteria: &[&str]) -> Result<Service> {
        let defaults_file = self.directory.join("defaults.toml");
        let defaults: Defaults = read(&defaults_file)?;
        let own: ServiceFile = read(file)?;
        let name = stem(file)?;
        let root = root(&defaults_file, &defaults.root)?;
        let directory = below(&root, file, "path", &own.path)?;
        check_criteria(&defaults_file, defaults.not_applicable.keys(), criteria)?;
        check_reasons(&defaults_file, "not_applicable", &defaults.not_applicable)?;
        let both = [defaults_file.as_path(), file];
        let (given, waived) = (&defaults.model_drift.accepted, &own.model_drift.accepted);
        let accepted_drift = over::lines(both, "model_drift.accepted", given, waived)?;
        let (given, waived) = (&defaults.rows.accepted, &own.rows.accepted);
        let accepted_rows = over::lines(both, "rows.accepted", given, waived)?;
        let deployed = own.deployed.clone();
        let deployed = deployed::deployed(file, deployed, base_ref(), defaults.require_base_ref)?;
        check_criteria(file, own.not_applicable.keys(), criteria)?;
        check_reasons(file, "downgrade.one_way", &own.downgrade.one_way)?;
        let accepted_published = own.published_revisions.accepted.clone();
        check_reasons(file, "published_revisions.accepted", &accepted_published)?;
        let accepted = accepted(file, &own)?;
        let x = alembic::x(&defaults_file, &defaults.alembic.x, &root, &directory)?;
        let x = alembic::over(x, alembic::x(file, &own.alembic.x, &root, &directory)?);
        let hands_over = x.values().flatten().any(|value| takes_part_of_url(value));
        check_url(file, &own, &defaults.env, hands_over)?;
        let not_applicable = not_applicable(file, &defaults.not_applicable, &own.not_applicable)?;
        let python = own.python.or(defaults.python);
        let (python, python_problem) = interpreter(&root, file, python.map(OneOrMany::into_vec))?;
        let timeouts = over::timeouts(both, [&defaults.timeouts, &own.timeouts])?;
        let [database_env, variables] = over::variables(both, [defaults.env, own.env])?;
        let postgres = [&defaults.postgres, &own.postgres];
        let prepare = over::prepare(both, postgres.map(|keys| keys.prepare.as_ref()), &root)?;
        let settings = over::settings(both, postgres.map(|keys| &keys.settings))?;
        let baseline = script::baseline(file, own.baseline.as_ref(), &root)?;
        let mut postgres = postgres_settings(file, own.postgres, defaults.postgres, &python)?;
        postgres.settings = settings;
        Ok(Service {
            name,
            file: file.to_owned(),
            alembic_ini: own
                .alembic_ini
                .or(defaults.alembic_ini)
                .unwrap_or("alembic.ini".into()),
            alembic_section: own
                .alembic_section
                .or(defaults.alembic_section)
                .unwrap_or("alembic".into()),
            x,
            flask_app: flask_app(file, own.flask_app.or(defaults.flask_app))?,
            driver: own.driver.or(defaults.driver).unwrap_or("asyncpg".into()),
            database_url_env: own
                .database_url_env
                .map(OneOrMany::into_vec)
                .unwrap_or_default(),
            database_url_ini: own.database_url_ini,
            database_env,
            env: filled_in(variables, &root, &directory),
            schema: own.schema.or(defaults.schema),
            timeouts,
            postgres,
            prepare,
            baseline,
            not_applicable,
            one_way: own.downgrade.one_way,
            accepted_drift,
            owned_elsewhere: own.model_drift.owned_elsewhere,
            deployed,
            rows: TeamRows::read(&self.directory, &stem(file)?)?,
            accepted_rows,
            accepted_published,
            accepted,
            locks: LockRules::read(&defaults_file, &defaults.locks, file, own.locks)?,
            running: RunningRules::read(file, &own.running_release, &root)?,
            outbox: OutboxConvention::read(&self.directory.join("conventions/outbox.toml"))?,
            notes: NotesConvention::read(&self.directory.join("conventions/notes.toml"))?,
            python,
            python_problem,
            root,
            directory,
            laid_over: None,
        })
    }
}

/// The nearest manifest at or above `here`, relative to it; the search ends where a
/// repository does.
fn nearest_manifest(here: &Path) -> PathBuf {
    let mut way = PathBuf::new();
    for directory in here.ancestors() {
        if directory
            .join(DEFAULT_DIRECTORY)
            .join("defaults.toml")
            .exists()
        {
            return way.join(DEFAULT_DIRECTORY);
        }
        if directory.join(".git").exists() {
            break;
        }
        way.push("..");
    }
    PathBuf::from(DEFAULT_DIRECTORY)
}

fn error(file: &Path, problem: impl std::fmt::Display) -> HarnessError {
    HarnessError::new(Stage::Manifest, format!("{}: {problem}", file.display()))
}

fn read<T: DeserializeOwned>(file: &Path) -> Result<T> {
    let text = std::fs::read_to_string(file)
        .map_err(|cause| error(file, format!("cannot be read: {cause}")))?;
    toml::from_str(&text).map_err(|cause: toml::de::Error| {
        let message = cause
            .message()
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned();
        let mut found = error(file, &message).detail(cause.to_string().trim_end());
        if let Some(nearest) = nearest_field(&message) {
            found = found.help(format!("did you mean `{nearest}`?"));
        }
        found
    })
}

/// The allowed key that comes nearest, from serde's "unknown field" message.
fn nearest_field(message: &str) -> Option<&str> {
    let rest = message.strip_prefix("unknown field `")?;
    let (unknown, allowed) = rest.split_once('`')?;
    let known = allowed.split('`').skip(1).step_by(2);
    nearest(unknown, known)
}

/// The candidate nearest to `word`, if one is near enough to be meant.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate)
}
