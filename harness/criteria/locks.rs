//! A deployment does no work on many rows while it keeps others from its tables.

mod advice;
pub mod fix;
mod message;
mod slow_work;
pub(crate) mod timeline;
mod trace;
mod unknown_tables;

use std::collections::BTreeSet;

use super::attribution::attribution;
use super::keyed::{Accepted, KeyedFinding, short};
use super::{AcceptedIn, Criterion, Finding, Verdict};
use crate::alembic::sql;
use crate::alembic::transcript::{Measure, Statement};
use crate::evidence::locks::{Measured, Relation};
use crate::evidence::plan::Plan;
use crate::evidence::{Evidence, Locks, Part};
use crate::manifest::Service;
use crate::quoting::escaped;
use trace::{Blocking, Moment, Subject, moments};

/// The criterion.
pub const CRITERION: Criterion = Criterion {
    id: "locks",
    asserts: "while the next deployment runs as it is deployed, no transaction reads, rewrites or changes rows \
              in proportion to a table's size while it keeps others from reading or writing a deployed table, \
              and no index is left invalid",
    why: "whoever needs the table waits until the transaction ends, which with many rows takes minutes, \
          and all that comes later waits behind them",
    remedy: "do the work where nothing is locked: concurrently, NOT VALID and then VALIDATE in the next deployment, \
             in batches by key; or name the table as small in the manifest",
    needs: &[Part::Migrated, Part::Locks, Part::Deployment],
    judge,
};

/// PostgreSQL's answers to what runs in no transaction of another: active_sql_transaction and
/// invalid_transaction_termination, as of a CALL that commits
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
const OF_NO_TRANSACTION: &[&str] = &["25001", "2D000"];

/// So many tables are named in a note.
const NAMED: usize = 8;

/// A statement of which nobody could tell what it locks.
struct Unmeasured<'a> {
    statement: &'a Statement,
    /// Tells whether it is known why, and that it locks no table for long.
    is_known: bool,
    /// Tells whether it is known to block nobody.
    is_harmless: bool,
}

/// An upgrade, and how its findings are told.
struct Context<'a> {
    service: &'a Service,
    measured: &'a Measured,
}

fn judge(service: &Service, evidence: &Evidence) -> Verdict {
    if let Some(verdict) = unjudgeable(service, evidence) {
        return verdict;
    }
    let (Some(deployment), Some(locks)) = (&evidence.deployment, &evidence.locks) else {
        return Verdict::without("the measured deployment");
    };
    let contexts = locks
        .measured
        .iter()
        .map(|measured| Context { service, measured });
    let contexts: Vec<Context<'_>> = contexts.collect();
    let mut keyed: Vec<KeyedFinding> = contexts.iter().flat_map(Context::findings).collect();
    keyed.extend(unknown_tables::unknown(service, evidence));
    let plan = &deployment.plan;
    let mut notes = Vec::new();
    if plan.pending.is_empty() {
        notes.push(plan.to_string());
    }
    notes.extend(contexts.iter().flat_map(Context::notes));
    let accepted = Accepted {
        table: "locks.accepted",
        lines: &service.locks.accepted,
        service,
        evidence,
        plan,
    };
    accepted.verdict(keyed, notes)
}

/// The verdict where the deployment was not measured to its end.
fn unjudgeable(service: &Service, evidence: &Evidence) -> Option<Verdict> {
    if evidence.migrated.is_none() {
        return Some(Verdict::without("the transcript of `upgrade head`"));
    }
    if let Some(blocked) = attribution(service, evidence).blocks(&CRITERION) {
        return Some(blocked);
    }
    let (deployment, locks) = (evidence.deployment.as_ref()?, evidence.locks.as_ref()?);
    let unfinished = locks.measured.iter().find(|one| !one.upgrade.finished());
    if deployment.rollouts.is_empty() && !deployment.plan.pending.is_empty() {
        return Some(Verdict::without("the deployment on tables with rows"));
    }
    match unfinished {
        Some(_) => None,
        None => unjudged(&deployment.plan, locks).map(|missing| Verdict::without(&missing)),
    }
}

/// A revision of the plan that was not measured.
fn unjudged(plan: &Plan, locks: &Locks) -> Option<String> {
    let steps = locks.measured.iter().flat_map(|one| &one.upgrade.steps);
    let ran: BTreeSet<&String> = steps.map(|step| &step.revision).collect();
    let missing = plan.pending.iter().find(|id| !ran.contains(id))?;
    Some(format!("the measured deployment of revision {missing}"))
}

impl Context<'_> {
    fn findings(&self) -> Vec<KeyedFinding> {
        let mut keyed: Vec<KeyedFinding> = Vec::new();
        let moments = moments(self.measured);
        let working = moments.iter().filter_map(|moment| self.working(moment));
        let untimed = moments.iter().flat_map(|moment| self.untimed(moment));
        let at_once = moments.iter().flat_map(|moment| self.at_once(moment));
        let growing = self.measured.growing();
        let growing = growing.iter().filter_map(|one| self.growing(one));
        let stopped = (!self.measured.upgrade.finished()).then(|| self.stopped());
        let unmeasured = self.unmeasured().filter(|one| !one.is_known);
        let unmeasured = unmeasured.map(|one| self.not_measured(one.statement));
        let invalid = self.measured.invalid.iter();
        let invalid = invalid.filter(|index| !index.is_partitioned);
        let invalid = invalid.map(|index| self.invalid(index));
        for one in working
            .chain(untimed)
            .chain(at_once)
            .chain(growing)
            .chain(invalid)
            .chain(unmeasured)
            .chain(stopped)
        {
            match keyed.iter_mut().find(|known| known.key == one.key) {
                None => keyed.push(one),
                Some(known) => {
                    known.is_red |= one.is_red;
                    let place = one.finding.marks.first().map(|mark| mark.place.line);
                    let is_new = |line: &u32| {
                        known
                            .finding
                            .marks
                            .iter()
                            .all(|mark| mark.place.line != *line)
                    };
                    let line = place
                        .filter(is_new)
                        .map(|line| format!("line {line} does the same"));
                    let notes = &mut known.finding.notes;
                    notes.extend(line.filter(|line| !notes.contains(line)));
                }
            }
        }
        keyed
    }

    /// Work of a statement while its transaction blocks others.
    fn working(&self, moment: &Moment<'_>) -> Option<KeyedFinding> {
        let blocking = moment
            .blocking
            .iter()
            .filter(|one| !self.is_small(one.relation));
        let blocking: Vec<&Blocking<'_>> = blocking.collect();
        let (subject, work) = moment.works.iter().find(|(subject, _)| {
            let rules = &self.service.locks;
            !rules.is_small(&subject.schema, &subject.name)
        })?;
        let is_same = |one: &&&Blocking<'_>| {
            (&one.relation.schema, &one.relation.name) == (&subject.schema, &subject.name)
        };
        let first = blocking.iter().find(is_same).or(blocking.first())?;
        let mut keyed = self.works(moment, first, subject, work);
        keyed.is_red = self.is_large(subject, first.relation);
        Some(keyed)
    }

    fn is_small(&self, relation: &Relation) -> bool {
        let rules = &self.service.locks;
        rules.is_small(&relation.schema, &relation.name)
    }

    /// Tells whether work on a relation while another one is locked is red.
    fn is_large(&self, subject: &Subject, blocked: &Relation) -> bool {
        let rules = &self.service.locks;
        let worked = rules.may_be_large(&subject.schema, &subject.name);
        let locked = || rules.may_be_large(&blocked.schema, &blocked.name);
        worked || (subject.rows.is_none() && locked())
    }

    /// The locks that a statement takes without a timeout.
    fn untimed<'m>(&'m self, moment: &'m Moment<'m>) -> impl Iterator<Item = KeyedFinding> + 'm {
        let taken = moment.blocking.iter().filter(move |one| {
            !moment.has_timeout
                && one.since.number == moment.statement.number
                && !self.is_small(one.relation)
        });
        taken
            .filter(|_| self.service.locks.is_timeout_required)
            .map(move |one| KeyedFinding {
                is_red: true,
                ..self.no_timeout(moment, one)
            })
    }

    /// Facts that are not red.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let moments = moments(self.measured);
        let mut untimed = BTreeSet::new();
        for moment in &moments {
            let taken = moment.blocking.iter().filter(|one| {
                one.since.number == moment.statement.number && !self.is_small(one.relation)
            });
            untimed.extend(
                taken
                    .filter(|_| !moment.has_timeout)
                    .map(|one| short(&one.relation.text)),
            );
        }
        let all = untimed.len();
        let mut untimed: Vec<&str> = untimed.into_iter().take(NAMED).collect();
        let more = (all > NAMED).then(|| format!("and {} more", all - NAMED));
        untimed.extend(more.as_deref());
        if !untimed.is_empty() && !self.service.locks.is_timeout_required {
            notes.push(format!(
                "locked without a lock_timeout: {}: where the lock has to wait, all that comes later waits behind it",
                untimed.join(", ")
            ));
        }
        let invalid = self.measured.invalid.iter();
        let waiting = invalid.filter(|index| index.is_partitioned).map(|index| {
            format!(
                "index {} of {} becomes valid once each partition has one of its own that is attached",
                index.name,
                short(&index.table)
            )
        });
        notes.extend(waiting);
        let known = self
            .unmeasured()
            .filter(|one| one.is_known && !one.is_harmless);
        notes.extend(known.map(|one| message::not_measured(one.statement)));
        notes
    }

    /// Statements of which nobody could tell what they lock.
    fn unmeasured(&self) -> impl Iterator<Item = Unmeasured<'_>> {
        let upgrade = &self.measured.upgrade;
        let unprobed = upgrade.measures.iter().filter_map(|measure| match measure {
            Measure::Unprobed(unprobed) => Some(unprobed),
            Measure::Probe(_) | Measure::Settled(_) => None,
        });
        unprobed.filter_map(|unprobed| {
            let mut statements = upgrade.statements.iter();
            let statement = statements.find(|one| one.number == unprobed.number)?;
            let has = |word: &str| sql::mentions(&statement.sql, word);
            let state = unprobed.sqlstate.as_deref();
            // Those that PostgreSQL runs outside of transactions block nobody.
            let is_harmless = has("concurrently") || has("vacuum");
            let is_of_no_transaction =
                state.is_some_and(|state| OF_NO_TRANSACTION.contains(&state));
            Some(Unmeasured {
                statement,
                is_known: is_harmless
                    || is_of_no_transaction
                    || (sql::is_about_rows(&statement.sql) && !unprobed.calls),
                is_harmless,
            })
        })
    }

    /// Advice on how a finding is accepted.
    fn accept(&self, finding: Finding, key: String, small: Option<&str>) -> KeyedFinding {
        let file = self.service.file.display();
        let finding = finding.acceptable_by_key(AcceptedIn::Locks, &key);
        let accepted = AcceptedIn::Locks.line(&key);
        let finding = finding.help(match small {
            Some(table) => format!(
                "where {table} is small: in {file}, [locks] small = [{}], or {accepted}",
                escaped(table)
            ),
            None => format!("where that may be: in {file}, {accepted}"),
        });
        KeyedFinding::red(key, finding)
    }
}

#[cfg(test)]
mod tests;
