//! Tries what the running release does with its tables, before a deployment, between its
//! transactions and after it.
//!
//! Its tree is written from git's objects into the folder of the run, and imported in an
//! interpreter of its own. The statements are made once, of rows that were planted at what is
//! deployed; each is taken back whenever it is tried.

mod beside;
mod looking;
mod missing;
mod warm;

use crate::alembic::worker::{Command, ReleaseStage};
use crate::error::Result;
use crate::evidence::models::Source;
use crate::evidence::plan::{Origin, Plan};
use crate::evidence::running::{Class, Release, StatementCounts, StatementKind, TriedStatement};
use crate::evidence::{Evidence, Running};
use crate::gather::progress::Progress;
use crate::git::Repository;
use crate::manifest::Service;
use crate::planting::{Keys, Planter, Tables};
use crate::postgres::Phase;

use super::targets::targets;
use super::{AtHead, Driver};
use beside::{Answer, Beside};
pub(super) use looking::Looking;

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
            deeds: Vec::new(),
            left_out: Vec::new(),
            states: Vec::new(),
            mixed: Vec::new(),
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
        running.below = self.reach_deployed(&running.plan.deployed).await?;
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
        let directory = self.context.directory.join("running");
        let mut old = Beside::start(
            self.service,
            &running.release,
            &directory,
            self.context.interpreters,
            &self.database,
        )
        .await?;
        let tried = Box::pin(self.as_it_goes(head, running, &mut old)).await;
        old.end().await;
        tried
    }

    /// Tries all of it before the deployment, whenever that has committed something, and at
    /// its end.
    async fn as_it_goes(
        &mut self,
        head: &AtHead<'_>,
        running: &mut Running,
        old: &mut Beside,
    ) -> Result<()> {
        self.connection = None;
        let before = old
            .tries(&self.server, &self.database, ReleaseStage::Before)
            .await?;
        describe(running, &before, old);
        let mut looking = Looking::new(old, before.results, &self.database).await?;
        let targets = targets(&running.plan, head);
        let target = targets.last().map_or("head", |(target, _)| target);
        let limit = self.service.timeouts.upgrade;
        let command = Command::Watch(target);
        let upgrade = Box::pin(self.answer_looking(command, limit, Some(&mut looking))).await?;
        let (upgrade, _) = upgrade;
        let is_done = upgrade.finished();
        running.upgrade = Some(upgrade);
        if is_done {
            let (states, mixed) = looking.end(&self.server, &self.database).await?;
            (running.states, running.mixed) = (states, mixed);
        }
        (self.say)(Progress::Detail(format!(
            "the running release executes {} statements, {} times",
            running.statements(),
            running.states.len() + 1
        )));
        Ok(())
    }
}

/// Takes over what the models of the running release are, and what they did before.
fn describe(running: &mut Running, before: &Answer, old: &Beside) {
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
    let selects = before
        .results
        .iter()
        .filter(|one| one.kind == StatementKind::Select);
    let columns = selects.map(|one| (one.table.clone(), one.columns.clone()));
    running.tables = columns.collect();
    for one in &before.results {
        let deed = deed(&mut running.deeds, one);
        match one.works() {
            true => deed.works += 1,
            false => {
                deed.fails += 1;
                running.left_out.push(one.clone());
            }
        }
    }
}

/// The statements of one's kind on its table.
fn deed<'a>(deeds: &'a mut Vec<StatementCounts>, one: &TriedStatement) -> &'a mut StatementCounts {
    let known = deeds
        .iter()
        .position(|deed| (&deed.table, deed.kind) == (&one.table, one.kind));
    let at = known.unwrap_or(deeds.len());
    if known.is_none() {
        deeds.push(StatementCounts {
            table: one.table.clone(),
            kind: one.kind,
            works: 0,
            fails: 0,
        });
    }
    &mut deeds[at]
}

/// The release that runs: `[running_release] ref`, or else the base ref.
fn release(service: &Service, plan: &Plan) -> Result<Release> {
    let name = match (&service.running.reference, &plan.origin) {
        (Some(name), _) => name.clone(),
        (None, Origin::BaseRef { name, commit }) => {
            return Ok(Release {
                name: name.clone(),
                commit: commit.clone(),
            });
        }
        (None, Origin::Manifest) => return Ok(Release::default()),
    };
    let commit = Repository::containing(&service.original(&service.root))?.commit(&name)?;
    Ok(Release { name, commit })
}
