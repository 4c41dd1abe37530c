//! What a service is: `defaults.toml` and one file of `services/`, validated.
//!
//! [`Manifest`] is the directory, [`Service`] what every later stage works on.
//! An error names the file, the key, the value and what is allowed there.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

mod notes;

pub use notes::{NotesConvention, Topic, Words};

use crate::error::{HarnessError, Result, Stage};
use crate::postgres;

/// The variable that points at another manifest directory.
pub const DIRECTORY_VARIABLE: &str = "SERVICES_MANIFEST";
/// The variable that names what the branch will be merged into: a branch, tag or commit.
pub const BASE_REF: &str = "BASE_REF";
pub(crate) const DEFAULT_DIRECTORY: &str = "services-manifest";

/// A manifest directory: defaults, conventions and services.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// Where it lies.
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
    /// The interpreter as a command: program and arguments.
    pub python: Vec<String>,
    /// SQLAlchemy's driver name in the URL that the service is given.
    pub driver: String,
    /// Variables that the URL is put into.
    pub database_url_env: Vec<String>,
    /// Whether the URL is set as `sqlalchemy.url` too.
    pub database_url_ini: bool,
    /// Further variables, with `{root}` and `{service}` filled in.
    pub env: BTreeMap<String, String>,
    /// Variables that take parts of the URL, as `{database_host}`, not yet filled in.
    pub database_env: BTreeMap<String, String>,
    /// The schema of the service's tables, where several would be possible.
    pub schema: Option<String>,
    /// How long each step may take.
    pub timeouts: Timeouts,
    /// Which PostgreSQL to use.
    pub postgres: postgres::Settings,
    /// Criteria that do not apply, each with the reason.
    pub not_applicable: BTreeMap<String, String>,
    /// Revisions whose downgrade cannot put things back, each with the reason.
    pub one_way: BTreeMap<String, String>,
    /// Differences between models and migrations that are accepted, each with the reason.
    pub accepted_drift: BTreeMap<String, String>,
    /// Tables that another library owns.
    pub owned_elsewhere: Vec<String>,
    /// The shape that every outbox table has; `None` without `conventions/outbox.toml`.
    pub outbox: Option<OutboxConvention>,
    /// The notes that every service carries; `None` without `conventions/notes.toml`.
    pub notes: Option<NotesConvention>,
}

impl Service {
    /// The manifest that the service belongs to.
    #[must_use]
    pub fn manifest(&self) -> &Path {
        self.file
            .parent()
            .and_then(Path::parent)
            .unwrap_or(Path::new(""))
    }

    /// Where the schema is kept that was accepted as this service's.
    #[must_use]
    pub fn schema_file(&self) -> PathBuf {
        self.manifest()
            .join("schemas")
            .join(format!("{}.sql", self.name))
    }
}

/// How long a step may take before it is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// One way of upgrading, from base to head.
    pub upgrade: Duration,
    /// Everything the harness itself asks of the database or the interpreter.
    pub verify: Duration,
}

/// `conventions/outbox.toml`: the table and the indexes every service shares.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutboxConvention {
    /// The table's name.
    pub table: String,
    /// Its indexes; more may exist.
    #[serde(rename = "index")]
    pub indexes: Vec<IndexConvention>,
}

/// One index of the convention.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexConvention {
    /// The index's name.
    pub name: String,
    /// Key columns in order, as in `CREATE INDEX`: `created_at`, `created_at DESC`.
    pub columns: Vec<String>,
    /// The condition of a partial index.
    #[serde(default)]
    pub predicate: Option<String>,
    /// Whether it is unique.
    #[serde(default)]
    pub unique: bool,
    /// The access method.
    #[serde(default = "btree")]
    pub method: String,
    /// Columns that are stored but not keyed.
    #[serde(default)]
    pub include: Vec<String>,
}

fn btree() -> String {
    "btree".to_owned()
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TimeoutKeys {
    upgrade: Option<f64>,
    verify: Option<f64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PostgresKeys {
    provider: Option<postgres::Choice>,
    version: Option<String>,
    image: Option<String>,
    registry: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "a string or a list of strings")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Defaults {
    root: String,
    python: Option<OneOrMany>,
    driver: Option<String>,
    alembic_ini: Option<String>,
    alembic_section: Option<String>,
    schema: Option<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    postgres: PostgresKeys,
    #[serde(default)]
    timeouts: TimeoutKeys,
    #[serde(default)]
    not_applicable: BTreeMap<String, String>,
}

/// One line of a service's `[not_applicable]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "a reason in a string, or false")]
enum Waiver {
    /// Why the criterion does not apply.
    Reason(String),
    /// `false`: it applies, whatever the defaults say.
    Applies(bool),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServiceFile {
    path: String,
    python: Option<OneOrMany>,
    driver: Option<String>,
    alembic_ini: Option<String>,
    alembic_section: Option<String>,
    schema: Option<String>,
    database_url_env: Option<OneOrMany>,
    #[serde(default)]
    database_url_ini: bool,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    postgres: PostgresKeys,
    #[serde(default)]
    timeouts: TimeoutKeys,
    #[serde(default)]
    not_applicable: BTreeMap<String, Waiver>,
    #[serde(default)]
    downgrade: DowngradeKeys,
    #[serde(default)]
    model_drift: ModelDriftKeys,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelDriftKeys {
    #[serde(default)]
    accepted: BTreeMap<String, String>,
    #[serde(default)]
    owned_elsewhere: Vec<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct DowngradeKeys {
    #[serde(default)]
    one_way: BTreeMap<String, String>,
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
                     `make discover ROOT=<monorepo>` writes one"
                )));
            }
        }
        Ok(Self { directory })
    }

    /// Where the services' files lie.
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
        check_criteria(file, own.not_applicable.keys(), criteria)?;
        check_reasons(file, "downgrade.one_way", &own.downgrade.one_way)?;
        check_reasons(file, "model_drift.accepted", &own.model_drift.accepted)?;
        check_url(file, &own, &defaults)?;
        let not_applicable = not_applicable(file, defaults.not_applicable, own.not_applicable)?;

        let python = own.python.or(defaults.python);
        let python = interpreter(&root, file, python.map(OneOrMany::into_vec))?;
        let timeouts = Timeouts {
            upgrade: seconds(
                file,
                "timeouts.upgrade",
                &[own.timeouts.upgrade, defaults.timeouts.upgrade],
                240.0,
            )?,
            verify: seconds(
                file,
                "timeouts.verify",
                &[own.timeouts.verify, defaults.timeouts.verify],
                120.0,
            )?,
        };
        let mut variables = defaults.env;
        check_variables(&defaults_file, &variables)?;
        check_variables(file, &own.env)?;
        variables.extend(own.env);
        let (database_env, variables) = variables
            .into_iter()
            .partition(|(_, value)| takes_part_of_url(value));
        let postgres = postgres_settings(file, own.postgres, defaults.postgres, &python)?;
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
            not_applicable,
            one_way: own.downgrade.one_way,
            accepted_drift: own.model_drift.accepted,
            owned_elsewhere: own.model_drift.owned_elsewhere,
            outbox: self.outbox()?,
            notes: NotesConvention::read(&self.directory.join("conventions/notes.toml"))?,
            python,
            root,
            directory,
        })
    }

    fn outbox(&self) -> Result<Option<OutboxConvention>> {
        let file = self.directory.join("conventions/outbox.toml");
        if !file.exists() {
            return Ok(None);
        }
        let convention: OutboxConvention = read(&file)?;
        for index in &convention.indexes {
            if index.columns.is_empty() {
                return Err(error(
                    &file,
                    format!("index \"{}\": `columns` is empty", index.name),
                )
                .help("name at least one column, for instance columns = [\"published_at\"]"));
            }
        }
        Ok(Some(convention))
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

fn stem(file: &Path) -> Result<String> {
    match file.file_stem().and_then(|stem| stem.to_str()) {
        Some(stem) => Ok(stem.to_owned()),
        None => Err(error(file, "the file's name is not valid UTF-8")),
    }
}

fn root(defaults_file: &Path, value: &str) -> Result<PathBuf> {
    let base = defaults_file.parent().unwrap_or(Path::new("."));
    let root = base.join(value).canonicalize().map_err(|cause| {
        error(defaults_file, format!("`root` = \"{value}\": {cause}"))
            .help("`root` is the monorepo's directory, relative to defaults.toml")
    })?;
    if root.is_dir() {
        Ok(root)
    } else {
        Err(error(
            defaults_file,
            format!("`root` = \"{value}\" is not a directory"),
        ))
    }
}

/// The directory `value` below `root`; anything that leaves `root` is an error.
fn below(root: &Path, file: &Path, key: &str, value: &str) -> Result<PathBuf> {
    let relative = Path::new(value);
    let leaves = relative.is_absolute()
        || relative
            .components()
            .any(|part| part == Component::ParentDir);
    if leaves {
        return Err(
            error(file, format!("`{key}` = \"{value}\" leaves the root"))
                .help(format!("`{key}` is a directory below {}", root.display())),
        );
    }
    let directory = root.join(relative);
    if !directory.is_dir() {
        return Err(
            error(file, format!("`{key}` = \"{value}\" is not a directory")).help(format!(
                "`{key}` is relative to the root, {}",
                root.display()
            )),
        );
    }
    let real = directory.canonicalize();
    if !real.as_ref().is_ok_and(|real| real.starts_with(root)) {
        let to = real.map_or_else(|cause| cause.to_string(), |real| real.display().to_string());
        return Err(error(
            file,
            format!("`{key}` = \"{value}\" leaves the root through a symbolic link, to {to}"),
        )
        .help(format!("`{key}` is a directory below {}", root.display())));
    }
    Ok(directory)
}

fn check_criteria<'a>(
    file: &Path,
    named: impl Iterator<Item = &'a String>,
    criteria: &[&str],
) -> Result<()> {
    for criterion in named {
        if !criteria.contains(&criterion.as_str()) {
            return Err(error(
                file,
                format!("`not_applicable.{criterion}` names no criterion"),
            )
            .help(format!("known criteria: {}", criteria.join(", "))));
        }
    }
    Ok(())
}

/// What the defaults declare, with the service's own lines over it.
fn not_applicable(
    file: &Path,
    mut declared: BTreeMap<String, String>,
    own: BTreeMap<String, Waiver>,
) -> Result<BTreeMap<String, String>> {
    for (criterion, waiver) in own {
        match waiver {
            Waiver::Reason(reason) => drop(declared.insert(criterion, reason)),
            Waiver::Applies(false) => drop(declared.remove(&criterion)),
            // As text it has no reason, and the check below says so.
            Waiver::Applies(true) => drop(declared.insert(criterion, String::new())),
        }
    }
    check_reasons(file, "not_applicable", &declared)?;
    Ok(declared)
}

/// Whatever is waived needs a reason that someone can read.
fn check_reasons(file: &Path, table: &str, waived: &BTreeMap<String, String>) -> Result<()> {
    match waived.iter().find(|(_, reason)| reason.trim().is_empty()) {
        None => Ok(()),
        Some((key, _)) => Err(
            error(file, format!("`{table}.{key}` gives no reason")).help(
                "write why, for instance \"publishes no events\"; it is printed with the result",
            ),
        ),
    }
}

/// A variable's name and value must be some that a process can be given. A date in
/// TOML arrives as a table with a name of the parser's own.
fn check_variables(file: &Path, variables: &BTreeMap<String, String>) -> Result<()> {
    let good = |name: &str, value: &str| {
        !name.is_empty()
            && !name.starts_with('$')
            && !name.contains(['=', '\0'])
            && !value.contains('\0')
    };
    match variables.iter().find(|(name, value)| !good(name, value)) {
        None => Ok(()),
        Some((name, _)) => Err(error(file, format!("`env` cannot set a variable {name:?}"))
            .help("for instance env = { LOG_LEVEL = \"debug\" }")),
    }
}

fn check_url(file: &Path, own: &ServiceFile, defaults: &Defaults) -> Result<()> {
    let mut variables = own.env.values().chain(defaults.env.values());
    let parts = variables.any(|value| takes_part_of_url(value));
    if own.database_url_env.is_some() || own.database_url_ini || parts {
        return Ok(());
    }
    Err(error(file, "says nowhere how the service is given its database URL").help(
        "add database_url_env = \"<VARIABLE>\", or database_url_ini = true where env.py reads sqlalchemy.url, or its parts: [env] <VARIABLE> = \"{database_host}\"",
    ))
}

/// Whether a variable's value has a part of the URL in it.
fn takes_part_of_url(value: &str) -> bool {
    value.contains("{database_")
}

fn interpreter(root: &Path, file: &Path, words: Option<Vec<String>>) -> Result<Vec<String>> {
    let mut words = words.unwrap_or_else(|| vec!["python3".to_owned()]);
    let Some(program) = words.first_mut() else {
        return Err(error(file, "`python` is an empty list")
            .help("for instance python = [\"uv\", \"run\", \"python\"]"));
    };
    if program.contains('/') {
        let path = root.join(program.as_str());
        if !path.exists() {
            return Err(error(file, format!("`python` = \"{program}\": {} does not exist", path.display()))
                .help("create the virtual environment (`make setup` does it for tests/monorepo), or set `python`"));
        }
        *program = path.to_string_lossy().into_owned();
    } else if !on_path(program) {
        return Err(error(
            file,
            format!("`python` = \"{program}\": no such program on PATH"),
        )
        .help(
            "`python` is a path relative to the root, a program on PATH, or a command as a list",
        ));
    }
    Ok(words)
}

fn on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

/// No limit is longer than a day, which leaves room for sums of them.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

fn seconds(file: &Path, key: &str, given: &[Option<f64>], default: f64) -> Result<Duration> {
    let value = given.iter().flatten().next().copied().unwrap_or(default);
    Duration::try_from_secs_f64(value)
        .ok()
        .filter(|duration| !duration.is_zero() && *duration <= LONGEST)
        .ok_or_else(|| {
            let most = LONGEST.as_secs();
            error(
                file,
                format!("`{key}` = {value} is not a number of seconds above zero, at most {most}"),
            )
        })
}

fn filled_in(
    variables: BTreeMap<String, String>,
    root: &Path,
    service: &Path,
) -> BTreeMap<String, String> {
    let (root, service) = (root.to_string_lossy(), service.to_string_lossy());
    variables
        .into_iter()
        .map(|(key, value)| {
            (
                key,
                value
                    .replace("{root}", &root)
                    .replace("{service}", &service),
            )
        })
        .collect()
}

/// The service's keys, before the defaults' keys, before what one run's environment says.
fn postgres_settings(
    file: &Path,
    own: PostgresKeys,
    defaults: PostgresKeys,
    python: &[String],
) -> Result<postgres::Settings> {
    let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
    let provider = match variable("POSTGRES_PROVIDER") {
        Some(value) => Some(provider_named(&value)?),
        None => own.provider.or(defaults.provider),
    };
    let version = own.version.or(defaults.version).unwrap_or("15".into());
    if !version.split('.').all(|part| part.parse::<u32>().is_ok()) {
        return Err(error(
            file,
            format!("`postgres.version` = \"{version}\" is not a version"),
        )
        .help("for instance version = \"15\""));
    }
    Ok(postgres::Settings {
        provider: provider.unwrap_or(postgres::Choice::Auto),
        version,
        image: variable("POSTGRES_IMAGE")
            .or(own.image)
            .or(defaults.image)
            .unwrap_or("postgres".into()),
        registry: own
            .registry
            .or(defaults.registry)
            .filter(|registry| !registry.is_empty()),
        binaries: variable("POSTGRES_BIN").map(PathBuf::from),
        existing_url: variable("HARNESS_DATABASE_URL"),
        interpreter: python.to_vec(),
        ..postgres::Settings::default()
    })
}

fn provider_named(value: &str) -> Result<postgres::Choice> {
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error, StrDeserializer};

    let deserializer: StrDeserializer<'_, Error> = value.into_deserializer();
    postgres::Choice::deserialize(deserializer).map_err(|cause| {
        HarnessError::new(
            Stage::Manifest,
            format!("POSTGRES_PROVIDER = \"{value}\": {cause}"),
        )
    })
}
