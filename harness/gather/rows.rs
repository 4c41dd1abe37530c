//! Runs a deployment on databases that hold rows.
//!
//! A database at what is deployed is made once and is the template of all others. In each
//! of them the same rows are planted, then `alembic upgrade` runs as it is deployed. It runs
//! once with all rows, plain and special; only where that fails, with fewer.

mod asked;
mod back;
mod compare;
mod contents;
mod fewer;
mod known;
mod measure;
mod parts;
mod special;
mod statements;
mod stretch;

use std::collections::BTreeSet;
use std::time::Instant;

use sqlx::{AssertSqlSafe, Executor};

use super::answer::{failed, refusal};
use super::{AtHead, Driver};
use crate::alembic::transcript::Transcript;
use crate::alembic::worker::Command;
use crate::error::{HarnessError, Result, Stage};
use crate::evidence::deployment::{AlteredValues, Rollout, Stuck};
use crate::evidence::team_rows::RefusedStatement;
use crate::evidence::{Catalog, Deployment, Evidence, Locks, Part};
use crate::gather::progress::Progress;
use crate::planting::{Keys, Planted, Planter, Special, Tables, Wishes};
use crate::postgres::{Phase, Script, Template};
use asked::{come_back, taken_for_a_moment};
use compare::{Meant, altered};
use contents::Contents;
use statements::{concerns_keys, empty, raised};
use stretch::StretchOutcome;

/// The start and the target of the upgrades of one rollout.
struct Start<'a> {
    /// The deployed database, without rows.
    template: &'a Template,
    /// The revision that is upgraded to: `head`, or one.
    target: &'a str,
    /// The revisions in between.
    revisions: &'a [String],
    /// The statements that they execute.
    statements: Vec<&'a str>,
    /// The team's own rows at what is deployed.
    own: Vec<&'a Script>,
    /// The time at which the harness gives up.
    deadline: Instant,
}

/// The outcome of one deployment.
enum RolloutOutcome {
    /// It was tried on rows, with the catalog that it led to.
    Out(Box<Rollout>, Option<Catalog>),
    /// PostgreSQL refuses the team's own rows.
    RowsRefused(Box<RefusedStatement>),
    /// It fails on empty tables too, so that rows say nothing.
    FailsWithoutRows(Box<Transcript>),
}

/// The rows of a database, as its upgrades get them.
struct Rows {
    planter: Planter,
    planted: Planted,
    special: Vec<Special>,
    before: Contents,
}

impl Driver<'_> {
    /// Adds the deployment to the evidence, where one is known.
    pub(super) async fn gather_deployment(
        &mut self,
        head: &AtHead<'_>,
        evidence: &mut Evidence,
    ) -> Result<()> {
        let is_at_head = head.migrated.reached().finished();
        let Some(plan) = head.plan(self)? else {
            return Ok(());
        };
        if !plan.pending.is_empty() {
            (self.say)(Progress::Note(plan.to_string()));
        }
        let known = match is_at_head && self.drops(head, &plan) {
            true => self.known_to_the_release(head, evidence).await,
            false => None,
        };
        let tried = match is_at_head && !plan.pending.is_empty() {
            true => Box::pin(self.deploy(head, &plan)).await?,
            false => StretchOutcome::default(),
        };
        let locks = Locks {
            measured: tried.measured,
        };
        evidence.locks = Some(locks).filter(|_| head.parts.contains(&Part::Locks));
        evidence.deployment = Some(Deployment {
            plan,
            below: tried.below,
            rows_refused: tried.rows_refused,
            rollouts: tried.rollouts,
            known,
        });
        Ok(())
    }

    /// Measures the deployment by itself, where it was tried on rows without that.
    pub(super) async fn gather_locks(
        &mut self,
        head: &AtHead<'_>,
        evidence: &mut Evidence,
    ) -> Result<()> {
        match evidence.locks {
            Some(_) => Ok(()),
            None => self.gather_deployment(head, evidence).await,
        }
    }

    /// A fresh database at what is deployed; else the upgrade that does not get there.
    pub(super) async fn reach_deployed(
        &mut self,
        deployed: &[String],
    ) -> Result<Option<Transcript>> {
        self.start_afresh(Phase::Deployed).await?;
        for revision in deployed {
            let upgrade = self.command(Command::Upgrade(revision)).await?;
            if !upgrade.finished() {
                return Ok(Some(upgrade));
            }
        }
        if deployed.is_empty() {
            self.command(Command::Touch).await?;
        }
        Ok(None)
    }

    /// One deployment: planted, upgraded, looked at, and taken back.
    async fn roll_out(&mut self, start: &Start<'_>) -> Result<RolloutOutcome> {
        self.start_on(Some(start.template.clone()), Phase::Rows)
            .await?;
        if let Some(refused) = self.plant_own(&start.own).await? {
            return Ok(RolloutOutcome::RowsRefused(Box::new(refused)));
        }
        let (rows, upgrade) = self.with_rows(start).await?;
        if !upgrade.finished() {
            let alone = self.without_rows(start).await?;
            if !alone.finished() {
                return Ok(RolloutOutcome::FailsWithoutRows(Box::new(alone)));
            }
        }
        let mut rollout = Rollout {
            revisions: start.revisions.to_vec(),
            planted: rows.count(),
            empty: empty(&rows.planted, &start.statements),
            special: rows.special.len(),
            upgrade,
            smallest: Vec::new(),
            is_any_row: false,
            refused: Vec::new(),
            altered: Vec::new(),
            changes: Vec::new(),
            stuck: Vec::new(),
            down: Vec::new(),
            down_without_rows: None,
            not_restored: Vec::new(),
        };
        let mut before = rows.before.clone();
        if raised(&rollout.upgrade) && !rows.special.is_empty() {
            before = self.plant_plainly(start, &rows.planted).await?;
            let failed = std::mem::replace(
                &mut rollout.upgrade,
                self.command(Command::Upgrade(start.target)).await?,
            );
            if rollout.upgrade.finished() {
                rollout.refused = Box::pin(self.refused_rows(start, &rows, failed)).await?;
                before = self.plant_plainly(start, &rows.planted).await?;
                rollout.upgrade = self.command(Command::Upgrade(start.target)).await?;
            }
        }
        if !rollout.upgrade.finished() {
            let smallest = Box::pin(self.smallest(start, &rows, &rollout.upgrade)).await?;
            (rollout.smallest, rollout.is_any_row) = smallest;
            return Ok(RolloutOutcome::Out(Box::new(rollout), None));
        }
        let catalog = self.snapshot().await?;
        rollout.altered = self.look(start, &before, &rollout.upgrade).await?;
        self.connection = None;
        Box::pin(self.way_back(start, &before, &mut rollout)).await?;
        if concerns_keys(&start.statements) {
            rollout.stuck = Box::pin(self.stuck(start)).await?;
        }
        Ok(RolloutOutcome::Out(Box::new(rollout), Some(catalog)))
    }

    /// The team's own rows, which are there before any other.
    pub(super) async fn plant_own(
        &mut self,
        scripts: &[&Script],
    ) -> Result<Option<RefusedStatement>> {
        for script in scripts {
            for statement in &script.statements {
                let sql = self.database.filled_in(&statement.sql);
                let connection = self.connection().await?;
                let tried = connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await;
                if let Some(refusal) = refusal(tried)? {
                    return Ok(Some(RefusedStatement {
                        file: script.origin.clone().into(),
                        line: statement.line,
                        refusal,
                    }));
                }
            }
        }
        Ok(None)
    }

    /// Plain and special rows in a fresh copy, and the upgrade of that.
    async fn with_rows(&mut self, start: &Start<'_>) -> Result<(Rows, Transcript)> {
        let wishes = self.wishes(&start.statements, Keys::FarAway);
        let connection = self.connection().await?;
        let tables = Tables::read(connection).await?;
        let mut planter = Planter::new(tables, wishes);
        let planted = planter.plant(connection).await?;
        let wanted = special::wanted(planter.tables(), &planted, &start.statements);
        let special = planter.special(connection, &planted, &wanted).await?;
        let special = special::planted(connection, special).await?;
        let before = self.contents().await?;
        let rows = Rows {
            planter,
            planted,
            special,
            before,
        };
        let upgrade = self.command(Command::Upgrade(start.target)).await?;
        Ok((rows, upgrade))
    }

    /// The version table, by schema and name.
    fn versions_in(&self) -> (String, String) {
        let table = self.version_table.as_ref();
        let name = table.map_or("alembic_version", |table| table.name.as_str());
        let schemas = table.map(|table| (table.schema.clone(), table.default_schema.clone()));
        let (given, default) = schemas.unwrap_or_default();
        let schema = given.or(default).unwrap_or("public".to_owned());
        (schema, name.to_owned())
    }

    /// All rows of the database but Alembic's own.
    async fn contents(&mut self) -> Result<Contents> {
        let versions = self.versions_in();
        Contents::read(self.connection().await?, &versions).await
    }

    /// The rows to plant: none in the version table, which is Alembic's.
    pub(super) fn wishes(&self, statements: &[&str], keys: Keys) -> Wishes {
        Wishes {
            rows_of: [(self.versions_in(), 0)].into(),
            keys,
            statements: statements.iter().map(|&sql| sql.to_owned()).collect(),
            ..Wishes::default()
        }
    }

    /// The same plain rows in another fresh copy, with what that holds.
    async fn plant_plainly(&mut self, start: &Start<'_>, planted: &Planted) -> Result<Contents> {
        let statements: Vec<&str> = planted.statements().collect();
        self.plant(start, &statements).await?;
        self.contents().await
    }

    /// A fresh copy in which these statements ran.
    async fn plant(&mut self, start: &Start<'_>, statements: &[&str]) -> Result<()> {
        self.revive().await?;
        self.start_on(Some(start.template.clone()), Phase::Rows)
            .await?;
        self.plant_own(&start.own).await?;
        let connection = self.connection().await?;
        // What several rows need has been planted with the first of them.
        let mut known = BTreeSet::new();
        let new = statements.iter().filter(|sql| known.insert(**sql));
        let all: Vec<&str> = new.copied().collect();
        let script = format!("{PLANTING}{};\nCOMMIT", all.join(";\n"));
        let ran = connection
            .execute(sqlx::raw_sql(AssertSqlSafe(script)))
            .await;
        ran.map(drop).map_err(|cause| failed(&cause))
    }

    /// The values that the upgrade lost or changed.
    async fn look(
        &mut self,
        start: &Start<'_>,
        before: &Contents,
        upgrade: &Transcript,
    ) -> Result<Vec<AlteredValues>> {
        let after = self.contents().await?;
        let connection = self.connection().await?;
        // A loop over rows executes more than the same one over none.
        let executed = upgrade.statements_of(start.revisions);
        let executed = executed.map(|statement| statement.sql.as_str());
        let meant = Meant::by(start.statements.iter().copied().chain(executed));
        let compared = altered(before, &after, &meant);
        let mut kept = Vec::new();
        for (at, found) in compared.altered.into_iter().enumerate() {
            let comes_back = match compared.conversions.get(&at) {
                Some(conversions) => come_back(connection, conversions).await?,
                None => false,
            };
            if !comes_back {
                kept.push(found);
            }
        }
        Ok(kept)
    }

    /// Tells whether the way back to below a revision fails on empty tables too, which
    /// `downgrade` judges.
    async fn fails_without_rows(&mut self, start: &Start<'_>, revision: &str) -> Result<bool> {
        if !self.without_rows(start).await?.finished() {
            return Ok(false);
        }
        let above = start
            .revisions
            .iter()
            .rev()
            .take_while(|id| *id != revision);
        for one in above.map(String::as_str).chain([revision]) {
            if !self.command(Command::Downgrade(one)).await?.finished() {
                return Ok(one == revision);
            }
        }
        Ok(false)
    }

    /// The same upgrade without any rows.
    async fn without_rows(&mut self, start: &Start<'_>) -> Result<Transcript> {
        self.revive().await?;
        self.start_on(Some(start.template.clone()), Phase::Deployed)
            .await?;
        self.command(Command::Upgrade(start.target)).await
    }

    /// The tables that take no row with a key from their sequence after the upgrade.
    async fn stuck(&mut self, start: &Start<'_>) -> Result<Vec<Stuck>> {
        self.revive().await?;
        self.start_on(Some(start.template.clone()), Phase::Rows)
            .await?;
        let wishes = self.wishes(&start.statements, Keys::FromSequences);
        let connection = self.connection().await?;
        let tables = Tables::read(connection).await?;
        let mut planter = Planter::new(tables, wishes);
        let planted = planter.plant(connection).await?;
        let others = planter.another(connection, &planted).await?;
        if !self
            .command(Command::Upgrade(start.target))
            .await?
            .finished()
        {
            return Ok(Vec::new());
        }
        let connection = self.connection().await?;
        let mut stuck = Vec::new();
        for (oid, insert) in others {
            let table = planted.table(oid).map(|table| table.text.clone());
            let refused = taken_for_a_moment(connection, &insert).await?;
            if let Some(refusal) = refused.filter(|refusal| refusal.state == UNIQUE) {
                stuck.push(Stuck {
                    table: table.unwrap_or_default(),
                    insert,
                    refusal,
                });
            }
        }
        Ok(stuck)
    }

    fn is_late(&self, deadline: Instant) -> bool {
        Instant::now() > deadline
    }

    /// # Errors
    /// Time is up.
    fn in_time(&self, deadline: Instant) -> Result<()> {
        if !self.is_late(deadline) {
            return Ok(());
        }
        let limit = self.service.timeouts.rows.as_secs_f64();
        let problem = format!(
            "{}: the deployment on tables with rows took longer than {limit} s",
            self.service.name
        );
        Err(HarnessError::new(Stage::Evidence, problem)
            .help("raise `timeouts.rows` in the manifest"))
    }
}

impl Rows {
    fn count(&self) -> Vec<(String, usize)> {
        let tables = self.planted.tables.iter();
        tables
            .map(|table| (table.text.clone(), table.rows.len()))
            .collect()
    }
}

/// unique_violation
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
const UNIQUE: &str = "23505";

/// The settings in which rows were planted; keys that are deferred wait for all of them.
const PLANTING: &str = "BEGIN; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, MDY'; \
    SET LOCAL IntervalStyle = 'postgres'; SET LOCAL xmloption = 'content'; \
    SET LOCAL standard_conforming_strings = on; SET CONSTRAINTS ALL DEFERRED;\n";
