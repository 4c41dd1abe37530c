//! Tries what the running release does with its tables, before a deployment and after it.
//!
//! Its tree is written from git's objects into the folder of the run, and imported in an
//! interpreter of its own. The statements are made once, of rows that were planted at what is
//! deployed; each is taken back whenever it is tried.

use std::path::PathBuf;

use serde::Deserialize;
use sqlx::{AssertSqlSafe, Executor, PgConnection};

use super::ground::as_of;
use super::rows::{refusal, targets};
use super::{AtHead, Driver};
use crate::alembic::transcript::Transcript;
use crate::alembic::worker::{Command, Limits, Worker};
use crate::error::{HarnessError, Result, Stage};
use crate::evidence::deployment::{Origin, Plan};
use crate::evidence::models::Source;
use crate::evidence::running::{Class, Failure, Kind, Release, Tried};
use crate::evidence::{Evidence, Running};
use crate::gather::private::{self, broken};
use crate::gather::progress::Progress;
use crate::git::{Repository, short};
use crate::manifest::Service;
use crate::planting::{Keys, Planter, Tables};
use crate::postgres::{Database, Phase, Server};

/// The drivers that prepare what they execute.
const PREPARE: &[&str] = &["asyncpg", "psycopg", "psycopg_async"];

/// The answer of the worker.
#[derive(Debug, Default, Deserialize)]
struct Answer {
    #[serde(default)]
    metadata: bool,
    #[serde(default)]
    results: Vec<Tried>,
    #[serde(default)]
    sources: std::collections::BTreeMap<String, Source>,
}

/// The running release at work.
struct Beside {
    service: Service,
    release: Release,
    tree: PathBuf,
    worker: Worker,
}

impl Driver<'_> {
    /// Adds what the running release still can to the evidence, where one is known.
    pub(super) async fn gather_running(
        &mut self,
        head: &AtHead<'_>,
        evidence: &mut Evidence,
    ) -> Result<()> {
        let Some(plan) = head.plan(self)? else {
            return Ok(());
        };
        let mut running = Running {
            release: release(self.service, &plan)?,
            plan,
            below: None,
            rows_refused: None,
            metadata: true,
            upgrade: None,
            statements: 0,
            left_out: Vec::new(),
            broken: Vec::new(),
            tables: Default::default(),
            classes: Default::default(),
        };
        if head.migrated.reached().finished() && !running.plan.pending.is_empty() {
            self.revive().await?;
            Box::pin(self.beside(head, &mut running)).await?;
        }
        evidence.running = Some(running);
        Ok(())
    }

    async fn beside(&mut self, head: &AtHead<'_>, running: &mut Running) -> Result<()> {
        running.below = self.reach_deployed(&running.plan).await?;
        if running.below.is_some() {
            return Ok(());
        }
        self.phase = Phase::Running;
        let own: Vec<_> = (self.service.rows)
            .for_heads(&running.plan.deployed, true)
            .collect();
        running.rows_refused = self.plant_own(&own).await?;
        if running.rows_refused.is_some() {
            return Ok(());
        }
        let statements = head.migrated.reached().statements_of(&running.plan.pending);
        let statements: Vec<&str> = statements.map(|one| one.sql.as_str()).collect();
        let wishes = self.wishes(&statements, Keys::FarAway);
        let connection = self.connection().await?;
        let tables = Tables::read(connection).await?;
        Planter::new(tables, wishes).plant(connection).await?;
        let mut old = self.start_beside(&running.release).await?;
        let tried = Box::pin(self.before_and_after(head, running, &mut old)).await;
        old.worker.end().await;
        // What cannot be removed goes with the run's directory.
        let _ = std::fs::remove_dir_all(&old.tree);
        tried
    }

    /// The interpreter of the running release, in a folder of the run.
    async fn start_beside(&mut self, release: &Release) -> Result<Beside> {
        let directory = self.context.directory.join("running");
        private::directory(&directory).map_err(|cause| broken(&directory, &cause))?;
        let tree = directory.join("tree");
        let what = format!("the running release ({})", release.name);
        let service = as_of(self.service, &release.commit, &tree, &what)?;
        let output = directory.join("output.txt");
        let mut worker = Worker::start(&service, &output, self.context.interpreters).await?;
        worker.open(&service, &self.database).await?;
        Ok(Beside {
            service,
            release: release.clone(),
            tree,
            worker,
        })
    }

    async fn before_and_after(
        &mut self,
        head: &AtHead<'_>,
        running: &mut Running,
        old: &mut Beside,
    ) -> Result<()> {
        self.connection = None;
        let before = old
            .tries(self.service, &self.server, &self.database)
            .await?;
        running.metadata = before.metadata;
        let place = |source: &Source| {
            let file = source.file.strip_prefix(&old.tree);
            Class {
                file: file.unwrap_or(&source.file).to_owned(),
                line: source.line,
            }
        };
        let classes = before.sources.iter();
        running.classes = classes
            .map(|(name, one)| (name.clone(), place(one)))
            .collect();
        let selects = before.results.iter().filter(|one| one.kind == Kind::Select);
        let columns = selects.map(|one| (one.table.clone(), one.columns.clone()));
        running.tables = columns.collect();
        let mut warm = self.database.connect().await?;
        let prepared = match PREPARE.contains(&self.service.driver.as_str()) {
            true => prepare(&mut warm, &before.results).await?,
            false => Vec::new(),
        };
        let targets = targets(&running.plan, head);
        let target = targets.last().map_or("head", |(target, _)| target);
        let upgrade = self.command(Command::Upgrade(target)).await?;
        let is_done = upgrade.finished();
        running.upgrade = Some(upgrade);
        if !is_done {
            return Ok(());
        }
        let after = old
            .tries(self.service, &self.server, &self.database)
            .await?;
        compare(running, before.results, after.results);
        let broken = execute(&mut warm, prepared).await?;
        let is_new = |one: &Tried| {
            let mut known = running.broken.iter();
            !known.any(|other| other.table == one.table && other.kind == Kind::Select)
        };
        let broken: Vec<Tried> = broken.into_iter().filter(is_new).collect();
        running.broken.extend(broken);
        (self.say)(Progress::Detail(format!(
            "the running release executes {} statements",
            running.statements
        )));
        Ok(())
    }
}

impl Beside {
    async fn tries(
        &mut self,
        today: &Service,
        server: &Server,
        database: &Database,
    ) -> Result<Answer> {
        let limits = Limits {
            limit: self.service.timeouts.upgrade,
            server,
            database,
            watch: &|_| {},
        };
        let command = Command::Running(&today.root, &self.tree);
        let (transcript, answer) = self.worker.answer(command, &limits).await;
        super::refused::refused(&self.service, database, &transcript)?;
        if !transcript.finished() {
            return Err(self.not_imported(&transcript));
        }
        serde_json::from_value(answer).map_err(|cause| {
            let problem = format!("{}: the running release's answer: {cause}", today.name);
            HarnessError::new(Stage::Alembic, problem)
        })
    }

    /// Old code cannot be edited, so the way out is the manifest.
    fn not_imported(&self, transcript: &Transcript) -> HarnessError {
        let Release { name, commit } = &self.release;
        let problem = format!(
            "{}: the running release ({name} {}) does not run in today's interpreter",
            self.service.name,
            short(commit)
        );
        let mut e = HarnessError::new(Stage::Alembic, problem);
        if let Some(raised) = transcript.outcome.error() {
            e = e.detail(raised.line());
            let frames = raised.frames.iter().rev().take(3);
            e.details.extend(
                frames.map(|frame| {
                    format!("{}:{} of it", self.service.shown(&frame.file), frame.line)
                }),
            );
        }
        let printed = transcript.output.display();
        e.detail(format!("everything Python printed: {printed}"))
            .help("install what it imports beside what today's code needs; files that git ignores are not there")
            .help(format!(
                "where that cannot be, in {}, below [not_applicable]: running_release = \"<reason>\"",
                self.service.file.display()
            ))
    }
}

/// The release that runs: `[running_release] ref`, or else the base ref.
fn release(service: &Service, plan: &Plan) -> Result<Release> {
    let name = match (&service.running_ref, &plan.origin) {
        (Some(name), _) => name.clone(),
        (None, Origin::BaseRef { name, commit }) => {
            return Ok(Release {
                name: name.clone(),
                commit: commit.clone(),
            });
        }
        (None, Origin::Manifest) => return Ok(Release::default()),
    };
    let commit = Repository::of(&service.original(&service.root))?.commit(&name)?;
    Ok(Release { name, commit })
}

fn compare(running: &mut Running, before: Vec<Tried>, after: Vec<Tried>) {
    for (before, after) in before.into_iter().zip(after) {
        match (before.works(), after.works()) {
            (false, _) => running.left_out.push(before),
            (true, works) => {
                running.statements += 1;
                let is_same = after.error == before.error;
                if !works && !is_same {
                    running.broken.push(after);
                }
            }
        }
    }
}

/// Prepares what is selected, as a driver does that has done so often.
async fn prepare(connection: &mut PgConnection, tried: &[Tried]) -> Result<Vec<(String, Tried)>> {
    let selects = tried
        .iter()
        .filter(|one| one.kind == Kind::Select && one.works());
    let mut prepared = Vec::new();
    for (number, one) in selects.enumerate() {
        let name = format!("migration_harness_{number}");
        // The number of rows is a parameter, whose name depends on the driver.
        let Some((text, _)) = one.sql.rsplit_once(" LIMIT ") else {
            continue;
        };
        let sql = format!("PREPARE {name} AS {text}; EXECUTE {name}");
        if refusal(connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await)?.is_none() {
            prepared.push((name, one.clone()));
        }
    }
    Ok(prepared)
}

/// The prepared statements that fail now.
async fn execute(
    connection: &mut PgConnection,
    prepared: Vec<(String, Tried)>,
) -> Result<Vec<Tried>> {
    let mut failed = Vec::new();
    for (name, one) in prepared {
        let sql = format!("EXECUTE {name}");
        let ran = connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await;
        if let Some(refusal) = refusal(ran)? {
            failed.push(Tried {
                is_warm: true,
                error: Some(Failure {
                    state: Some(refusal.state),
                    class: String::new(),
                    message: refusal.message,
                }),
                ..one
            });
        }
    }
    Ok(failed)
}
