//! Tries the upgrades of a plan one after the other, or a stretch of them: [`Stretch`].

use std::ops::Range;
use std::time::Instant;

use super::{RolloutOutcome, Start};
use crate::alembic::transcript::Transcript;
use crate::alembic::worker::Command;
use crate::error::Result;
use crate::evidence::deployment::Rollout;
use crate::evidence::locks::Measured;
use crate::evidence::plan::Plan;
use crate::evidence::team_rows::RefusedStatement;
use crate::evidence::{Catalog, Part};
use crate::gather::progress::Progress;
use crate::gather::targets::targets;
use crate::gather::{AtHead, Driver};
use crate::postgres::{Database, Phase, Template};

/// Some of the upgrades of a plan, all of which are tried upwards from one database.
#[derive(Clone, Copy)]
pub(super) struct Stretch<'a> {
    pub head: &'a AtHead<'a>,
    pub plan: &'a Plan,
    /// The upgrades of the whole plan, each with the revisions that run then.
    pub targets: &'a [(String, Vec<String>)],
    /// The place of the first one.
    pub begin: usize,
    /// The place after the last one.
    pub end: usize,
    /// The time at which the harness gives up.
    pub deadline: Instant,
}

/// The outcome of a stretch.
#[derive(Default)]
pub(super) struct StretchOutcome {
    /// The upgrade to what is deployed, where it failed; there is no more then.
    pub below: Option<Transcript>,
    /// The statement of the team's own rows that PostgreSQL refused; there is no more then.
    pub rows_refused: Option<RefusedStatement>,
    pub rollouts: Vec<Rollout>,
    /// The upgrades that were measured, up to the first that failed.
    pub measured: Vec<Measured>,
}

impl<'a> Stretch<'a> {
    /// A part of it, by the places of its upgrades.
    pub fn part(self, places: &Range<usize>) -> Self {
        Self {
            begin: places.start,
            end: places.end,
            ..self
        }
    }

    /// The revisions that were deployed right before one of its upgrades.
    fn newest(&self, at: usize) -> Vec<String> {
        match at.checked_sub(1) {
            Some(below) => vec![self.targets[below].0.clone()],
            None => self.plan.deployed.clone(),
        }
    }

    /// The heads of what is deployed where it begins.
    fn deployed(&self) -> Vec<String> {
        let count = self.targets[..self.begin].iter().map(|one| one.1.len());
        self.plan.heads_after(count.sum(), &self.head.loaded)
    }

    /// The catalog to which an upgrade leads, where that is known: the last one leads to the head.
    fn leads_to(&self, at: usize) -> Option<&'a Catalog> {
        let catalog = self.head.migrated.catalog.as_ref();
        catalog.filter(|_| at + 1 == self.targets.len())
    }
}

impl StretchOutcome {
    /// Tells whether nothing above it can be tried.
    pub fn is_over(&self) -> bool {
        self.below.is_some() || self.rows_refused.is_some()
    }

    fn is_measured_so_far(&self) -> bool {
        self.measured.iter().all(|one| one.upgrade.finished())
    }

    /// It, and what came of the stretch above it.
    pub fn and(mut self, above: Self) -> Self {
        if self.is_over() {
            return self;
        }
        if self.is_measured_so_far() {
            self.measured.extend(above.measured);
        }
        self.rollouts.extend(above.rollouts);
        Self {
            below: above.below,
            rows_refused: above.rows_refused,
            ..self
        }
    }
}

impl Driver<'_> {
    /// The whole plan.
    pub(super) async fn deploy(
        &mut self,
        head: &AtHead<'_>,
        plan: &Plan,
    ) -> Result<StretchOutcome> {
        let begun = Instant::now();
        self.revive().await?;
        let targets = targets(plan, head);
        let whole = Stretch {
            head,
            plan,
            targets: &targets,
            begin: 0,
            end: targets.len(),
            deadline: begun + self.service.timeouts.rows,
        };
        let tried = match Box::pin(self.deploy_in_parts(whole)).await? {
            Some(tried) => tried,
            None => Box::pin(self.deploy_stretch(whole)).await?,
        };
        if !tried.is_over() {
            (self.say)(Progress::Ran {
                command: "the deployment on tables with rows".to_owned(),
                revisions: plan.pending.len(),
                seconds: begun.elapsed().as_secs_f64(),
                ok: tried.rollouts.iter().all(Rollout::is_quiet),
            });
        }
        Ok(tried)
    }

    /// Each upgrade of a stretch, from a fresh database at what is deployed where it begins.
    pub(super) async fn deploy_stretch(&mut self, stretch: Stretch<'_>) -> Result<StretchOutcome> {
        let mut tried = StretchOutcome::default();
        let heads = stretch.deployed();
        tried.below = self.reach_deployed(&heads).await?;
        if tried.below.is_some() && self.doubts() {
            tried.below = self.reach_deployed(&heads).await?;
        }
        for at in stretch.begin..stretch.end {
            if tried.is_over() {
                break;
            }
            self.deploy_one(&stretch, at, &mut tried).await?;
        }
        Ok(tried)
    }

    /// One upgrade, from the database that the ones below it led to; that is upgraded too.
    async fn deploy_one(
        &mut self,
        stretch: &Stretch<'_>,
        at: usize,
        tried: &mut StretchOutcome,
    ) -> Result<()> {
        let (target, revisions) = &stretch.targets[at];
        self.in_time(stretch.deadline)?;
        self.connection = None;
        let deployed = self.database.clone();
        let template = self.server.keep_as_template(&deployed).await?;
        self.phase = Phase::Deployed;
        let reached = stretch.head.migrated.reached();
        let statements = reached.statements_of(revisions);
        let newest = stretch.newest(at);
        let start = Start {
            template: &template,
            target,
            revisions,
            statements: statements.map(|one| one.sql.as_str()).collect(),
            own: self.service.rows.for_heads(&newest, at == 0).collect(),
            deadline: stretch.deadline,
        };
        if tried.is_measured_so_far() && stretch.head.parts.contains(&Part::Locks) {
            let measured = Box::pin(self.measure(&start)).await?;
            tried.measured.extend(measured);
            self.in_time(stretch.deadline)?;
        }
        match Box::pin(self.roll_out(&start)).await? {
            RolloutOutcome::Out(mut rollout, catalog) => {
                let below = (&template, deployed);
                let gone = self.go_up(stretch, at, below, catalog, &mut rollout);
                match Box::pin(gone).await? {
                    Some(stopped) => tried.below = Some(stopped),
                    None => tried.rollouts.push(*rollout),
                }
            }
            RolloutOutcome::RowsRefused(refused) => tried.rows_refused = Some(*refused),
            RolloutOutcome::FailsWithoutRows(upgrade) => tried.below = Some(*upgrade),
        }
        Ok(())
    }

    /// Upgrades what is deployed itself, where something comes above it or the same upgrade led
    /// elsewhere with rows, to the catalog `with_rows`. Returns the upgrade that stops.
    async fn go_up(
        &mut self,
        stretch: &Stretch<'_>,
        at: usize,
        (template, deployed): (&Template, Database),
        with_rows: Option<Catalog>,
        rollout: &mut Rollout,
    ) -> Result<Option<Transcript>> {
        let is_last = at + 1 == stretch.end;
        let without = stretch.leads_to(at).cloned();
        let without = without.map(|catalog| self.without_version_table(catalog));
        if is_last && (with_rows.is_none() || with_rows == without) {
            self.connection = None;
            self.server.discard(template).await?;
            return Ok(None);
        }
        self.take_back(template, deployed).await?;
        let target = &stretch.targets[at].0;
        let upgrade = self.command(Command::Upgrade(target)).await?;
        if !upgrade.finished() {
            return Ok(Some(upgrade));
        }
        if let Some(with_rows) = with_rows {
            rollout.changes = self.snapshot().await?.changes(&with_rows);
        }
        if is_last {
            self.phase = Phase::Rows;
        }
        Ok(None)
    }

    /// Goes on with the deployed database itself, of which no copy is needed any more.
    async fn take_back(&mut self, template: &Template, deployed: Database) -> Result<()> {
        self.revive().await?;
        self.leave_database(Phase::Deployed).await?;
        self.database = self
            .server
            .take_back(template, deployed, &self.touched)
            .await?;
        self.open_database().await
    }
}
