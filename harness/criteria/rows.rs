//! A deployment works on tables that hold rows, and no value is changed or lost.

pub mod fix;
mod refused;
mod values;

use std::collections::BTreeSet;

use super::attribution::{Failure, FailureKind, ROWS, attribution};
use super::failure::failure;
use super::keyed::{Accepted, KeyedFinding, short};
use super::{AcceptedIn, Criterion, Finding, Verdict};
use crate::alembic::sql;
use crate::alembic::transcript::{Place, Statement, Transcript};
use crate::evidence::deployment::{Empty, Known, Rollout, Stuck};
use crate::evidence::team_rows::RefusedStatement;
use crate::evidence::{Catalog, Deployment, Evidence, Part};
use crate::manifest::Service;

/// The criterion.
pub const CRITERION: Criterion = Criterion {
    id: ROWS,
    asserts: "the next deployment works on tables that hold rows: it runs, no value is changed or lost, \
              the catalog becomes that of an empty database, tables take an INSERT afterwards, and going \
              down works and gives the old values back",
    why: "what fails on data is green on the empty database of a test, and stops the deployment in production",
    remedy: "let the revision set or remove the rows that are in the way before it needs that; \
             or accept the finding in the manifest, once production was asked",
    needs: &[Part::Migrated, Part::Deployment],
    judge,
};

/// So many objects that differ are named.
const SHOWN: usize = 8;

/// A rollout, and how its findings are told.
struct Context<'a> {
    service: &'a Service,
    rollout: &'a Rollout,
    /// The catalog at head, without rows.
    at_head: Option<&'a Catalog>,
    /// The upgrade of an empty database, whose statements have their places.
    upgrade: &'a Transcript,
    /// The models of the running release.
    known: Option<&'a Known>,
}

fn judge(service: &Service, evidence: &Evidence) -> Verdict {
    let Some(migrated) = &evidence.migrated else {
        return Verdict::without("the transcript of `upgrade head`");
    };
    let attribution = attribution(service, evidence);
    if let Some(blocked) = attribution.blocks(&CRITERION) {
        return blocked;
    }
    let Some(deployment) = &evidence.deployment else {
        return Verdict::without("the deployment on tables with rows");
    };
    let mut reported = attribution.reported_by(&CRITERION);
    if let Some(finding) = reported.find_map(not_begun) {
        return Verdict::Fail(vec![finding]);
    }
    if let Some(missing) = unjudged(deployment) {
        return Verdict::without(&missing);
    }
    let mut keyed = Vec::new();
    for rollout in &deployment.rollouts {
        let context = Context {
            service,
            rollout,
            at_head: migrated.catalog.as_ref(),
            upgrade: migrated.reached(),
            known: deployment.known.as_ref(),
        };
        keyed.extend(context.findings());
    }
    let accepted = Accepted {
        table: "rows.accepted",
        lines: &service.accepted_rows,
        service,
        evidence,
        plan: &deployment.plan,
    };
    accepted.verdict(keyed, notes(service, deployment))
}

/// The finding where there is nothing to deploy on.
fn not_begun(failure: &Failure<'_>) -> Option<Finding> {
    match failure.kind {
        FailureKind::NotDeployed(upgrade) => Some(not_reached(upgrade)),
        FailureKind::RowsRefused(refused) => Some(own_rows_refused(refused)),
        _ => None,
    }
}

/// The team's own rows do not run on what is deployed.
fn own_rows_refused(refused: &RefusedStatement) -> Finding {
    let place = Place::line(&refused.file, refused.line);
    Finding::new(refused.title())
        .mark(Some(&place), format!("{} here", refused.refusal.state))
        .help("write rows as the deployed schema takes them; those of a later revision go into rows/<service>/<revision>.sql")
}

/// Revisions of the plan that no rollout ran.
fn unjudged(deployment: &Deployment) -> Option<String> {
    let stopped = deployment
        .rollouts
        .iter()
        .filter(|one| !one.upgrade.finished());
    let stopped = stopped.flat_map(|rollout| &rollout.revisions);
    let steps = deployment
        .rollouts
        .iter()
        .flat_map(|one| &one.upgrade.steps);
    let ran: BTreeSet<&String> = stopped.chain(steps.map(|step| &step.revision)).collect();
    let mut pending = deployment.plan.pending.iter();
    let missing = pending.find(|id| !ran.contains(id))?;
    Some(format!("the deployment of revision {missing}"))
}

/// The finding where the deployed schema cannot be built, although the whole history can.
fn not_reached(upgrade: &Transcript) -> Finding {
    let title = format!(
        "`alembic {}` fails, so nothing above it was tried",
        upgrade.command
    );
    let mut finding = failure(upgrade).unwrap_or_default();
    finding
        .notes
        .insert(0, std::mem::replace(&mut finding.title, title));
    finding
}

fn notes(service: &Service, deployment: &Deployment) -> Vec<String> {
    let plan = &deployment.plan;
    let mut notes = Vec::new();
    if plan.pending.is_empty() {
        notes.push(plan.to_string());
    }
    if plan.is_old() {
        notes.push(format!(
            "{}: `deployed` is {} revisions old: move it to what is deployed",
            service.file.display(),
            plan.pending.len()
        ));
    }
    for rollout in &deployment.rollouts {
        let meant = rollout.altered.iter().filter(|one| one.is_meant);
        notes.extend(meant.map(values::meant));
        let tables = rollout.empty.iter().filter(|table| !table.is_named);
        let tables: Vec<&str> = tables.map(|table| short(&table.table)).collect();
        if !tables.is_empty() && !plan.one_by_one {
            notes.push(format!(
                "without rows, and so not judged: {}",
                tables.join(", ")
            ));
        }
    }
    let stopped = deployment.rollouts.iter();
    let stopped = stopped.filter_map(|rollout| rollout.down_without_rows.as_ref());
    notes.extend(stopped.map(|revision| {
        format!("the way back was not tried on rows below {revision}, whose downgrade fails without rows too")
    }));
    notes
}

impl Context<'_> {
    fn findings(&self) -> Vec<KeyedFinding> {
        let rollout = self.rollout;
        let mut keyed: Vec<KeyedFinding> = Vec::new();
        if !rollout.upgrade.finished() {
            keyed.push(self.plain_rows_refused());
        }
        keyed.extend(self.rows_refused());
        let altered = rollout.altered.iter().filter(|one| !one.is_meant);
        keyed.extend(altered.map(|one| self.altered(one)));
        keyed.extend(self.catalog_differs());
        keyed.extend(rollout.stuck.iter().map(|table| self.stuck(table)));
        keyed.extend(self.not_taken_back());
        keyed.extend(
            rollout
                .not_restored
                .iter()
                .map(|one| self.not_restored(one)),
        );
        let unplanted = rollout.empty.iter().filter(|table| table.is_named);
        keyed.extend(unplanted.map(|table| self.unplanted(table)));
        keyed
    }

    /// The last revision of the deployment whose statement names all of these.
    fn revision(&self, names: &[&str]) -> &str {
        let place = self
            .statement(names)
            .and_then(|statement| statement.place.as_ref());
        let named = place.and_then(|place| place.revision.as_deref());
        let last = self.rollout.revisions.last().map(String::as_str);
        named.or(last).unwrap_or_default()
    }

    /// The last statement of the deployment that names all of these.
    fn statement(&self, names: &[&str]) -> Option<&Statement> {
        let is_meant = |statement: &&&Statement| sql::mentions_all(&statement.sql, names);
        let own: Vec<&Statement> = self.own().collect();
        own.iter().rev().find(is_meant).copied()
    }

    /// The statements of the deployment's revisions, on an empty database and with rows: a
    /// loop over rows executes more.
    fn own(&self) -> impl Iterator<Item = &Statement> {
        let revisions = &self.rollout.revisions;
        let with_rows = self.rollout.upgrade.statements_of(revisions);
        self.upgrade.statements_of(revisions).chain(with_rows)
    }

    /// The place of that statement, or of the revision.
    fn place(&self, names: &[&str]) -> Option<Place> {
        self.statement(names)
            .and_then(|statement| statement.place.clone())
            .or_else(|| self.step())
    }

    fn step(&self) -> Option<Place> {
        let last = self.rollout.revisions.last()?;
        let step = self
            .upgrade
            .steps
            .iter()
            .find(|step| step.revision == *last)?;
        Some(Place::line(&step.file, step.line.unwrap_or(1)))
    }

    /// Advice on how a finding is accepted by which the deployment loses something or is
    /// blocked.
    fn accept(&self, finding: Finding, key: String, condition: &str) -> KeyedFinding {
        let finding = finding.acceptable_by_key(AcceptedIn::Rows, &key);
        self.keyed(finding, key, condition)
    }

    /// The same where the deployment works.
    fn tolerate(&self, finding: Finding, key: String, condition: &str) -> KeyedFinding {
        let finding = finding.acceptable(AcceptedIn::Rows, &key);
        self.keyed(finding, key, condition)
    }

    fn keyed(&self, finding: Finding, key: String, condition: &str) -> KeyedFinding {
        let file = self.service.file.display();
        let finding = finding.help(format!(
            "{condition}: in {file}, {}",
            AcceptedIn::Rows.line(&key)
        ));
        KeyedFinding::red(key, finding)
    }

    fn catalog_differs(&self) -> Option<KeyedFinding> {
        let first = self.rollout.changes.first()?;
        let revision = self.revision(&[]);
        let object = |change: &crate::evidence::catalog::Change| change.object();
        let mut finding = Finding::new(format!(
            "the catalog after revision {revision} depends on rows: {}",
            first.object()
        ))
        .mark(self.place(&[]).as_ref(), "this revision");
        for change in self.rollout.changes.iter().take(SHOWN) {
            let (with, without) = (change.after.is_some(), change.before.is_some());
            let said = match (without, with) {
                (true, false) => "only without rows",
                (false, true) => "only with rows",
                _ => "differs with rows",
            };
            finding = finding.note(format!("{}: {said}", object(change)));
        }
        let finding =
            finding.help("let what the revision creates not depend on what a SELECT found");
        Some(self.tolerate(
            finding,
            format!("{revision} catalog"),
            "where that is meant",
        ))
    }

    fn stuck(&self, stuck: &Stuck) -> KeyedFinding {
        let table = short(&stuck.table);
        let revision = self.revision(&[table]).to_owned();
        let column = column_of_key(&stuck.refusal.message).unwrap_or("id");
        let finding = Finding::new(format!(
            "after revision {revision}, {table} takes no INSERT with a key from its sequence"
        ))
        .mark(self.place(&[table]).as_ref(), "after this")
        .note(format!("{}: {}", stuck.refusal.state, stuck.refusal.message))
        .note(format!("with: {}", stuck.insert))
        .help(format!(
            "set the sequence where the keys were given: SELECT setval(pg_get_serial_sequence('{table}', '{column}'), (SELECT max({column}) FROM {table}))"
        ));
        self.accept(
            finding,
            format!("{revision} {table} insert"),
            "where that is meant",
        )
    }

    fn not_taken_back(&self) -> Option<KeyedFinding> {
        let (revision, down) = self
            .rollout
            .down
            .last()
            .filter(|(_, down)| !down.finished())?;
        let title = format!("the downgrade of {revision} fails where tables hold rows");
        let finding = refused::failure_titled(down, title)
            .help("let downgrade() make room for the rows that the new schema allowed");
        Some(self.tolerate(
            finding,
            format!("{revision} downgrade"),
            "where nobody will go back",
        ))
    }

    fn unplanted(&self, empty: &Empty) -> KeyedFinding {
        let table = short(&empty.table);
        let name = table.rsplit('.').next().unwrap_or(table);
        let revision = self.revision(&[name]).to_owned();
        let finding = Finding::new(format!(
            "{table} got no row, so revision {revision} was not judged on it"
        ))
        .mark(self.place(&[name]).as_ref(), "here")
        .note(empty.reason.to_string());
        self.accept(
            finding,
            format!("{revision} {table} empty"),
            "where it needs none",
        )
    }
}

/// The column in `Key (id)=(1) already exists.`, or in the name of a primary key.
fn column_of_key(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("Key (")?;
    rest.split_once(')').map(|(column, _)| column)
}

#[cfg(test)]
mod tests;
