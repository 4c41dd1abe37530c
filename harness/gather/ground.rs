//! The content of a service's databases before anything of its own ran: [`Ground`].
//!
//! `postgres.prepare` is laid into every database, and `baseline` on top of that where
//! migrations run. The models are built without the baseline: its tables are theirs.

use serde_json::Value;

use std::path::{Path, PathBuf};

use sqlx::Connection;

use super::Context;
use super::answer::failed;
use super::refused::refused;
use crate::alembic::transcript::Transcript;
use crate::alembic::worker::{Command, Limits, Worker};
use crate::error::{HarnessError, Result, Stage};
use crate::gather::private::{self, broken};
use crate::git::Repository;
use crate::manifest::{Baseline, Service};
use crate::postgres::{ClusterObjects, Database, Server, Template};
use crate::quoting::quoted;

/// The effects of `postgres.prepare` and a baseline on more than a database, when `user` runs them.
pub(super) fn touched(service: &Service, user: &str) -> ClusterObjects {
    let baseline = match &service.baseline {
        Some(Baseline::Sql(script)) => Some(script),
        Some(Baseline::Models(_)) | None => None,
    };
    let scripts = service.prepare.iter().chain(baseline);
    let mut touched = ClusterObjects::default();
    for statement in scripts.flat_map(|script| &script.statements) {
        touched.note(&statement.sql, user);
    }
    touched
}

/// The templates of fresh databases.
#[derive(Debug, Default)]
pub(super) struct Ground {
    prepared: Option<Template>,
    baseline: Option<Template>,
}

impl Ground {
    /// Runs once, on this server, what the manifest says.
    pub(super) async fn lay(
        service: &Service,
        server: &mut Server,
        context: &Context<'_>,
    ) -> Result<Self> {
        let mut ground = Self::default();
        let limit = service.timeouts.upgrade;
        if !service.prepare.is_empty() {
            let database = server.create_database().await?;
            for script in &service.prepare {
                server.run(&database, script, limit).await?;
            }
            ground.prepared = Some(server.make_template(database).await?);
        }
        if let Some(baseline) = &service.baseline {
            let prepared = ground.prepared.as_ref();
            let database = server.create_database_from(prepared).await?;
            match baseline {
                // The service has made that itself.
                Baseline::Sql(script) => {
                    server.run(&database.as_its_user(), script, limit).await?;
                }
                Baseline::Models(commit) => {
                    models(service, commit, server, &database, context).await?;
                }
            }
            ground.baseline = Some(server.make_template(database).await?);
        }
        Ok(ground)
    }

    /// The template of the databases for migrations.
    pub(super) fn for_migrations(&self) -> Option<Template> {
        self.baseline.as_ref().or(self.prepared.as_ref()).cloned()
    }

    /// The template of the database for models.
    pub(super) fn for_models(&self) -> Option<Template> {
        self.prepared.clone()
    }
}

/// Builds what the models of a commit describe.
async fn models(
    service: &Service,
    commit: &str,
    server: &Server,
    database: &Database,
    context: &Context<'_>,
) -> Result<()> {
    let directory = context.directory.join("baseline");
    private::directory(&directory).map_err(|cause| broken(&directory, &cause))?;
    let tree = directory.join("tree");
    let what = format!("baseline = {{ models = \"{commit}\" }}");
    let then = as_of(service, commit, &tree, &what)?;
    let mut worker =
        Worker::start(&then, &directory.join("output.txt"), context.interpreters).await?;
    let built = build(&then, commit, server, database, &mut worker).await;
    worker.end().await;
    // Anything that cannot be removed goes with the run's directory.
    let _ = std::fs::remove_dir_all(&tree);
    built
}

async fn build(
    then: &Service,
    commit: &str,
    server: &Server,
    database: &Database,
    worker: &mut Worker,
) -> Result<()> {
    worker.open(then, database).await?;
    let limits = Limits {
        limit: then.timeouts.upgrade,
        server,
        database,
        watch: &|_| {},
    };
    let (transcript, answer) = worker
        .answer(Command::Models(&Value::Array(Vec::new()), None), &limits)
        .await;
    refused(then, database, &transcript)?;
    let tables = answer.get("tables").and_then(|tables| tables.as_array());
    let empty = tables.is_none_or(Vec::is_empty);
    let parts = answer.get("refused").and_then(|refused| refused.as_array());
    if !transcript.finished() || empty || parts.is_some_and(|parts| !parts.is_empty()) {
        return Err(not_built(then, commit, &transcript));
    }
    let Some(table) = &transcript.version_table else {
        return Ok(());
    };
    let mut connection = database.connect().await?;
    let names = table.schema.iter().chain([&table.name]);
    let name: Vec<String> = names.map(|name| quoted(name)).collect();
    let drop = format!("DROP TABLE IF EXISTS {}", name.join("."));
    sqlx::raw_sql(sqlx::AssertSqlSafe(drop))
        .execute(&mut connection)
        .await
        .map_err(|cause| failed(&cause))?;
    connection.close().await.map_err(|cause| failed(&cause))
}

fn not_built(then: &Service, commit: &str, transcript: &Transcript) -> HarnessError {
    let problem = match transcript.finished() {
        true => "env.py names no table",
        false => "they cannot be built",
    };
    let mut e = error(format!(
        "{}: baseline = {{ models = \"{commit}\" }}: {problem}",
        then.name
    ));
    if let Some(raised) = transcript.outcome.error() {
        e = e.detail(raised.line());
        let frames = raised.frames.iter().rev().take(3);
        e.details
            .extend(frames.map(|frame| format!("{}:{}", then.shown(&frame.file), frame.line)));
    }
    e.detail(format!(
        "everything Python printed: {}",
        transcript.output.display()
    ))
    .help("name a commit whose env.py works with today's interpreter and sets target_metadata, or write baseline = { sql = \"<file>\" }, for instance from `pg_dump --schema-only`")
}

/// The service as it was at a commit, with its files in `tree`, and today's interpreter;
/// people know it as `what`.
pub(super) fn as_of(service: &Service, commit: &str, tree: &Path, what: &str) -> Result<Service> {
    let here = service.original(&service.root);
    let repository = Repository::containing(&here)?;
    let id = repository.commit(commit).map_err(|e| {
        let key = format!("{}: {what}", service.name);
        HarnessError {
            message: format!("{key}: {}", e.message),
            ..e
        }
    })?;
    let root = here.canonicalize();
    let root = root.unwrap_or(here);
    let below = root.strip_prefix(&repository.top).unwrap_or(Path::new(""));
    let _ = std::fs::remove_dir_all(tree);
    repository.export(&id, below, tree)?;
    let moved = |path: &Path| -> PathBuf {
        let below = path.strip_prefix(&service.root).unwrap_or(Path::new(""));
        tree.join(below)
    };
    let then = Service {
        root: tree.to_owned(),
        directory: moved(&service.directory),
        env: (service.env.iter())
            .map(|(name, value)| {
                let here = service.root.to_string_lossy();
                (name.clone(), value.replace(&*here, &tree.to_string_lossy()))
            })
            .collect(),
        ..service.clone()
    };
    let ini = then.directory.join(&then.alembic_ini);
    match ini.exists() {
        true => Ok(then),
        false => Err(error(format!(
            "{}: {what}: that commit has no {}",
            service.name,
            then.shown(&ini)
        ))
        .help("name a commit that has Alembic's configuration, such as the one that added the first revision, or write baseline = { sql = \"<file>\" }, for instance from `pg_dump --schema-only`")),
    }
}

fn error(message: impl Into<String>) -> HarnessError {
    HarnessError::new(Stage::Evidence, message)
}
