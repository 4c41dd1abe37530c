//! From a service to its evidence: the one place where stages are driven.
//!
//! Server and interpreter start side by side. Then, in one interpreter:
//! `upgrade head` as a deployment does, the history as Alembic loads it, a look at the
//! database, and on fresh databases the same history stepped, and down and up again.

mod answer;
mod commands;
mod cores;
mod defaults;
mod described;
mod ground;
mod history;
mod keep;
mod lacking;
mod migrated;
mod needs;
mod planned;
mod private;
pub mod progress;
mod refused;
mod round_trips;
mod rows;
mod running;
mod segments;
mod steps;
pub mod store;
mod targets;
mod upgraded;
mod version_rows;
mod written;

pub use history::history;
pub use keep::Keep;
pub use written::Writing;

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use futures_util::future::LocalBoxFuture;
use once_cell::unsync::OnceCell;
use sqlx::PgConnection;

use crate::alembic::imports::ImportReport;
use crate::alembic::interpreters::Interpreters;
use crate::alembic::prefetch::Prefetch;
use crate::alembic::transcript::VersionTable;
use crate::alembic::worker::{self, Worker};
use crate::error::Result;
use crate::evidence::foundation::Foundation;
use crate::evidence::plan::Plan;
use crate::evidence::{Evidence, History, Migrated, Part};
use crate::manifest::Service;
use crate::postgres::{ClusterObjects, Database, Kept, Phase, Server, Servers, Shown, Template};
use commands::{Failure, Isolation};
use cores::CorePermits;
use ground::Ground;
use private::broken;
use progress::{Progress, Say};
use round_trips::CatalogCache;
use upgraded::UpgradedCopy;

/// The context of a session.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The directory for the output of this service in this run.
    pub directory: &'a Path,
    /// The histories that are read in advance.
    pub prefetch: &'a Prefetch,
    /// The source of its interpreters.
    pub interpreters: &'a Interpreters,
    /// The source of its server.
    pub servers: &'a Servers,
    /// The cores that it may use.
    pub cores: &'a CorePermits,
}

impl Context<'_> {
    /// The file for the output of its nth interpreter.
    fn output(&self, interpreter: u32) -> PathBuf {
        match interpreter {
            1 => self.directory.join("output.txt"),
            n => self.directory.join(format!("output-{n}.txt")),
        }
    }

    /// The directory for the output of a session that works on a part.
    fn part(&self, name: &str) -> Result<PathBuf> {
        let directory = self.directory.join(name);
        private::directory(&directory).map_err(|cause| broken(&directory, &cause))?;
        Ok(directory)
    }
}

/// The migrated service, from which everything beyond the upgrade starts.
struct AtHead<'a> {
    migrated: Migrated,
    loaded: worker::History,
    /// The parts that are asked for.
    parts: &'a BTreeSet<Part>,
    /// The next deployment, once a part asked for it.
    plan: OnceCell<Option<Plan>>,
}

impl AtHead<'_> {
    /// The next deployment; `None` where nobody says what is deployed.
    fn plan(&self, driver: &Driver<'_>) -> Result<Option<Plan>> {
        let read = || Plan::read(driver.service, driver.history, &self.loaded);
        self.plan.get_or_try_init(read).cloned()
    }
}

/// Adds one part to the evidence, where what is at head makes that possible.
type Gather = for<'a> fn(
    &'a mut Driver<'_>,
    &'a AtHead<'_>,
    &'a mut Evidence,
) -> LocalBoxFuture<'a, Result<()>>;

/// The parts beyond [`Part::Migrated`], in the order in which they are gathered. The
/// stairway stands before the steps, which it may make superfluous.
const BEYOND_HEAD: &[(Part, Gather)] = &[
    (Part::Stairway, |driver, head, evidence| {
        Box::pin(driver.gather_stairway(head, evidence))
    }),
    (Part::Stepped, |driver, head, evidence| {
        Box::pin(driver.gather_steps(head, evidence))
    }),
    (Part::Models, |driver, head, evidence| {
        Box::pin(driver.gather_models(head, evidence))
    }),
    (Part::Running, |driver, head, evidence| {
        Box::pin(driver.gather_running(head, evidence))
    }),
    // What it makes templates of may stay on the server.
    (Part::Deployment, |driver, head, evidence| {
        Box::pin(driver.gather_deployment(head, evidence))
    }),
    (Part::Locks, |driver, head, evidence| {
        Box::pin(driver.gather_locks(head, evidence))
    }),
];

/// Migrates the service in a session of its own, looks at what that made, and adds the
/// parts that are asked for to `evidence`, which holds the history and what earlier
/// sessions gathered; beside that the server, where it was left running.
///
/// # Errors
/// No judgement is possible: no server, no interpreter, a connection to the wrong
/// database. What the service itself does wrong is evidence, not an error.
pub async fn session(
    service: &Service,
    evidence: &mut Evidence,
    parts: &BTreeSet<Part>,
    context: &Context<'_>,
    keep: Option<Keep<'_>>,
    say: Say<'_>,
) -> (Result<()>, Option<Kept>) {
    let _core = context.cores.try_acquire();
    let history = evidence.history.clone();
    let mut driver = match Driver::start(service, &history, context, None, say).await {
        Ok(driver) => driver,
        Err(error) => return (Err(error), None),
    };
    driver.kept = keep.is_some().then(Vec::new);
    let ran = Box::pin(driver.run(parts, evidence)).await;
    let is_red = |keep: Keep<'_>| ran.is_err() || keep(evidence);
    if keep.is_some_and(is_red) && driver.may_stay().await {
        return (ran, driver.keep().await);
    }
    let ended = driver.end(ran.is_ok()).await;
    (ran.and(ended), None)
}

/// A server with a database for the service, and what fresh ones are made of.
async fn serve(
    service: &Service,
    context: &Context<'_>,
    name: Option<&str>,
    say: Say<'_>,
) -> Result<(Server, Ground, Database)> {
    let note = |note| say(Progress::Provider(note));
    let mut server = context
        .servers
        .start(&service.postgres, &service.name, note)
        .await?;
    let ground = match Ground::lay(service, &mut server, context).await {
        Ok(ground) => ground,
        Err(e) => {
            let touched = ground::touched(service, server.user());
            server.leave_nothing(&touched).await?;
            server.stop().await?;
            return Err(e);
        }
    };
    let template = ground.for_migrations();
    let database = match name {
        Some(name) => {
            server
                .create_database_named(name, template.as_ref())
                .await?
        }
        None => server.create_database_from(template.as_ref()).await?,
    };
    Ok((server, ground, database))
}

/// A server and an interpreter at work on one service.
struct Driver<'a> {
    service: &'a Service,
    history: &'a History,
    context: &'a Context<'a>,
    server: Server,
    worker: Worker,
    /// The number of interpreters that were started so far.
    started: u32,
    /// The unit that needs an interpreter of its own, as far as is known.
    isolation: Isolation,
    /// Tells whether its interpreter ran `env.py` on a database before this one.
    is_shared: bool,
    /// Tells whether it was tried what that changes.
    doubted: bool,
    /// The failures that a fresh interpreter met as well.
    confirmed: HashSet<Failure>,
    database: Database,
    /// The templates of fresh databases.
    ground: Ground,
    /// Our own connection to it, once it was needed.
    connection: Option<PgConnection>,
    /// The version table, once `env.py` configured one.
    version_table: Option<VersionTable>,
    /// The schema that the service's connection is in at head.
    default_schema: Option<String>,
    /// Catalogs that are not read a second time.
    seen: CatalogCache,
    /// The database beside its own that is only ever upgraded.
    upgraded: UpgradedCopy,
    /// The effects of migrations on more than their database.
    touched: ClusterObjects,
    /// The objects of the migrated database that models may lean on.
    foundation: Vec<Foundation>,
    /// The modules that its first interpreter imported, once that was asked.
    imports: Option<ImportReport>,
    /// The part of the session that the database shows.
    phase: Phase,
    /// The databases that show earlier stages, if they are not thrown away.
    kept: Option<Vec<Shown>>,
    say: Say<'a>,
}

/// Says which server and which interpreter have started.
fn announce(server: &Server, worker: &Worker, say: Say<'_>) {
    say(Progress::Server {
        version: server.version.clone(),
        provider: server.provider,
        after: server.after.clone(),
        took: server.started_in,
    });
    let about = worker.about();
    say(Progress::Interpreter {
        versions: format!(
            "Python {}, Alembic {}, SQLAlchemy {}",
            about.python, about.alembic, about.sqlalchemy
        ),
        guard: worker.guard(),
        seconds: about.seconds,
    });
    say(Progress::Detail(format!(
        "kept to its server by {}",
        worker.guard()
    )));
    say(Progress::Detail(match worker.fresh() {
        None => "the interpreter is a fork".to_owned(),
        Some(why) => format!("the interpreter is a fresh process: {why}"),
    }));
}

impl<'a> Driver<'a> {
    /// Starts server and interpreter side by side. The database is called `name`, or as
    /// none was before.
    async fn start(
        service: &'a Service,
        history: &'a History,
        context: &'a Context<'a>,
        name: Option<&str>,
        say: Say<'a>,
    ) -> Result<Self> {
        service.has_interpreter()?;
        let output = context.output(1);
        let (served, worker) = tokio::join!(
            serve(service, context, name, say),
            Worker::start(service, &output, context.interpreters),
        );
        let ((mut server, ground, database), mut worker) = (served?, worker?);
        let touched = ground::touched(service, server.user());
        if worker.about().strict_drivers {
            server.admit_strict_drivers().await?;
        }
        worker.open(service, &database).await?;
        announce(&server, &worker, say);
        Ok(Self {
            service,
            history,
            context,
            server,
            worker,
            started: 1,
            isolation: Isolation::Nothing,
            is_shared: false,
            doubted: false,
            confirmed: HashSet::new(),
            database,
            ground,
            connection: None,
            version_table: None,
            default_schema: None,
            seen: CatalogCache::default(),
            upgraded: UpgradedCopy::default(),
            touched,
            foundation: Vec::new(),
            imports: None,
            phase: Phase::UpgradeHead,
            kept: None,
            say,
        })
    }

    /// Ends the interpreter, and the server unless another service may have it.
    async fn end(mut self, fine: bool) -> Result<()> {
        let left = self.leave_no_trace().await;
        self.note_imports().await;
        if let Some(told) = self.imports.take().filter(|_| fine) {
            self.context.interpreters.remember(self.service, told);
        }
        self.worker.end().await;
        let ended = match fine && left.is_ok() {
            true => self.context.servers.give_back(self.server).await,
            false => self.server.stop().await,
        };
        left.and(ended)
    }

    async fn run(&mut self, parts: &BTreeSet<Part>, evidence: &mut Evidence) -> Result<()> {
        let migrated = self.migrate().await?;
        if parts.contains(&Part::Migrated) {
            evidence.migrated = Some(migrated.clone());
        }
        let Some(loaded) = self.loaded().await? else {
            return Ok(());
        };
        let head = AtHead {
            migrated,
            loaded,
            parts,
            plan: OnceCell::new(),
        };
        for (_, gather) in BEYOND_HEAD.iter().filter(|(part, _)| parts.contains(part)) {
            gather(self, &head, evidence).await?;
        }
        Ok(())
    }

    async fn gather_stairway(&mut self, head: &AtHead<'_>, evidence: &mut Evidence) -> Result<()> {
        if !head.migrated.reached().finished() || !self.worker.is_alive() {
            return Ok(());
        }
        let (stairway, stepped) = self.climb(&head.loaded, &head.migrated).await?;
        evidence.stairway = Some(stairway);
        if head.parts.contains(&Part::Stepped) {
            evidence.stepped = stepped;
        }
        self.revive().await
    }

    async fn gather_steps(&mut self, head: &AtHead<'_>, evidence: &mut Evidence) -> Result<()> {
        if evidence.stepped.is_none() && self.worker.is_alive() {
            evidence.stepped = Some(self.step(&head.loaded, &head.migrated).await?);
        }
        Ok(())
    }

    async fn gather_models(&mut self, head: &AtHead<'_>, evidence: &mut Evidence) -> Result<()> {
        if let Some(catalog) = &head.migrated.catalog {
            self.revive().await?;
            evidence.models = Some(self.models(catalog).await?);
        }
        Ok(())
    }

    /// Makes the database fresh again, under the same name, and hands it to the worker;
    /// from now on it shows `phase`.
    async fn start_afresh(&mut self, phase: Phase) -> Result<()> {
        self.start_on(self.ground.for_migrations(), phase).await
    }

    /// The same, on a database that is made of `template`.
    async fn start_on(&mut self, template: Option<Template>, phase: Phase) -> Result<()> {
        self.leave_database(phase).await?;
        let database = self.database.clone().to_be_copied_from(template);
        self.database = self
            .server
            .recreate_database(&database, &self.touched)
            .await?;
        self.open_database().await
    }

    /// Has done with the database there is: what comes next has a phase of its own.
    async fn leave_database(&mut self, phase: Phase) -> Result<()> {
        self.connection = None;
        self.set_aside().await?;
        self.phase = phase;
        Ok(())
    }

    /// Has an interpreter work on the database that was put in the place of another one.
    async fn open_database(&mut self) -> Result<()> {
        let is_used = self.worker.has_run_env();
        self.is_shared = is_used && self.isolation == Isolation::Nothing;
        match is_used && !self.is_shared {
            true => self.renew().await,
            false => self.worker.open(self.service, &self.database).await,
        }
    }

    /// On a server that is not ours alone, what migrations and what is prepared did to more
    /// than their database is put back; everything else goes with the database.
    async fn leave_no_trace(&mut self) -> Result<()> {
        if self.server.is_ours_alone() || self.touched.is_nothing() {
            return Ok(());
        }
        self.connection = None;
        self.server.leave_nothing(&self.touched).await
    }
}
