//! The running release can do with its tables what it does.

mod message;

use super::attribution::attribution;
use super::keyed::{Accepted, KeyedFinding};
use super::{AcceptedIn, Criterion, Finding, Verdict};
use crate::alembic::sql;
use crate::alembic::transcript::{Place, Statement, Transcript};
use crate::evidence::running::{MOST_STATES, Running, TriedStatement};
use crate::evidence::{Evidence, Part};
use crate::manifest::Service;
use message::FailureGroup;

/// The criterion.
pub const CRITERION: Criterion = Criterion {
    id: "running_release",
    asserts: "what the release that is running does with its tables (SELECT, INSERT, UPDATE, DELETE of its \
              models), it can still do whenever the next deployment has committed something, and after it",
    why: "while a deployment migrates, and until the last old process has ended, the old code works on the new \
          schema, and each statement that fails then is a request that fails",
    remedy: "keep what the running release needs in this deployment, and take it away in the next one",
    needs: &[Part::Migrated, Part::Running],
    judge,
};

fn judge(service: &Service, evidence: &Evidence) -> Verdict {
    let Some(migrated) = &evidence.migrated else {
        return Verdict::without("the transcript of `upgrade head`");
    };
    if let Some(blocked) = attribution(service, evidence).blocks(&CRITERION) {
        return blocked;
    }
    let Some(running) = &evidence.running else {
        return Verdict::without("the running release beside the deployment");
    };
    if running.plan.pending.is_empty() {
        return Verdict::Pass {
            notes: vec![running.plan.to_string()],
        };
    }
    if !running.metadata {
        return Verdict::NotApplicable {
            reason: format!(
                "env.py names no models at {} (target_metadata)",
                running.release
            ),
            of_run: false,
        };
    }
    if running.upgrade.is_none() {
        return Verdict::without("the upgrade beside the running release");
    }
    if running.statements() == 0 && running.left_out.is_empty() {
        return Verdict::without("every statement of the running release");
    }
    if let Some(untried) = running.states.iter().find_map(|one| one.untried.as_ref()) {
        let what =
            "the statements of the running release between two transactions of the deployment";
        return Verdict::without(&format!("{what} ({untried})"));
    }
    let context = Context {
        service,
        running,
        upgrade: migrated.reached(),
    };
    let accepted = Accepted {
        table: "running_release.accepted",
        lines: &service.running.accepted,
        service,
        evidence,
        plan: &running.plan,
    };
    accepted.verdict(context.findings(), context.notes())
}

/// The running release, and the statements of the deployment with their places.
struct Context<'a> {
    service: &'a Service,
    running: &'a Running,
    /// The upgrade of an empty database.
    upgrade: &'a Transcript,
}

impl Context<'_> {
    fn findings(&self) -> Vec<KeyedFinding> {
        let mut all: Vec<FailureGroup<'_>> = Vec::new();
        for (at, state) in self.running.states.iter().enumerate() {
            for one in &state.failed {
                let new = FailureGroup::new(one, self.running, at);
                if all.iter().any(|known| known.has(&new)) {
                    continue;
                }
                match all.iter_mut().find(|known| known.is_same(&new)) {
                    Some(known) => known.statements.push(one),
                    None => all.push(new),
                }
            }
        }
        let broken = all.iter().map(|broken| self.keyed(broken));
        let mixed = self.running.mixed.iter().map(|one| self.mixed(one));
        broken.chain(mixed).collect()
    }

    fn keyed(&self, broken: &FailureGroup<'_>) -> KeyedFinding {
        let names = broken.names();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let place = self.place(broken, &names);
        let mut finding = message::finding(broken, self.running, place.as_ref());
        if let Some(until) = broken.until {
            let place = self.place_until(until, &names);
            finding = message::for_a_while(finding, place.as_ref());
        }
        self.accept(finding, place.as_ref(), &broken.key())
    }

    /// Rows of the next release that cannot be read.
    fn mixed(&self, one: &TriedStatement) -> KeyedFinding {
        let label = one.detail.strip_prefix("label ").unwrap_or_default();
        let column = one.columns.first().map_or("", String::as_str);
        let place = self
            .statement(&[label], &[])
            .and_then(|one| one.place.clone());
        let place = place.or_else(|| self.last());
        let finding = message::mixed(one, self.running, place.as_ref());
        let key = format!("{}.{column} {}", one.table, one.detail);
        KeyedFinding {
            is_red: self.service.running.is_mixed,
            ..self.accept(finding, place.as_ref(), &key)
        }
    }

    fn accept(&self, finding: Finding, place: Option<&Place>, rest: &str) -> KeyedFinding {
        let named = place.and_then(|place| place.revision.clone());
        let last = || self.running.plan.pending.last().cloned();
        let revision = named.or_else(last).unwrap_or_default();
        let key = format!("{revision} {rest}");
        let file = self.service.file.display();
        let finding = finding
            .help(format!(
                "where no old process runs meanwhile: in {file}, {}",
                AcceptedIn::Running.line(&key)
            ))
            .acceptable_by_key(AcceptedIn::Running, &key);
        KeyedFinding::red(key, finding)
    }

    /// The place of the statement after which it fails.
    fn place(&self, broken: &FailureGroup<'_>, names: &[&str]) -> Option<Place> {
        let committed = self.committed(broken.since);
        let first = &names[..names.len().min(1)];
        let chosen = last_naming(&committed, names, broken.causes())
            .or_else(|| last_naming(&committed, names, &[]))
            .or_else(|| last_naming(&committed, first, &[]))
            .or_else(|| self.statement(names, broken.causes()))
            .or_else(|| self.statement(names, &[]))
            .or_else(|| self.statement(first, &[]));
        let place = chosen.and_then(|one| one.place.clone());
        let meanwhile = broken.since + 1 < self.running.states.len();
        let committed = || committed.last().and_then(|one| one.place.clone());
        place
            .or_else(|| meanwhile.then(committed).flatten())
            .or_else(|| self.last())
    }

    /// The place of the statement after which it works again.
    fn place_until(&self, state: usize, names: &[&str]) -> Option<Place> {
        let committed = self.committed(state);
        let first = &names[..names.len().min(1)];
        last_naming(&committed, names, &[])
            .or_else(|| last_naming(&committed, first, &[]))
            .or_else(|| committed.last().copied())
            .and_then(|one| one.place.clone())
    }

    /// The statements that were committed between a state and the one before.
    fn committed(&self, state: usize) -> Vec<&Statement> {
        let states = &self.running.states;
        let after = states[..state].iter().rev().find_map(|one| one.after);
        let up_to = states.get(state).and_then(|one| one.after);
        let within = |one: &&Statement| {
            after.is_none_or(|after| one.number > after) && up_to.is_none_or(|to| one.number <= to)
        };
        let upgrade = self.running.upgrade.iter();
        let own = upgrade.flat_map(|one| one.statements_of(&self.running.plan.pending));
        own.filter(within).collect()
    }

    /// The last statement of the deployment that names all of these, with one of some words,
    /// where there are any.
    fn statement(&self, names: &[&str], causes: &[&str]) -> Option<&Statement> {
        let own = self.upgrade.statements_of(&self.running.plan.pending);
        last_naming(&own.collect::<Vec<_>>(), names, causes)
    }

    /// The last revision's place.
    fn last(&self) -> Option<Place> {
        let last = self.running.plan.pending.last()?;
        let mut steps = self.upgrade.steps.iter();
        let step = steps.find(|step| step.revision == *last)?;
        Some(Place {
            revision: Some(last.clone()),
            ..Place::line(&step.file, step.line.unwrap_or(1))
        })
    }

    fn notes(&self) -> Vec<String> {
        let running = self.running;
        let meanwhile = match running.states.len() {
            0 | 1 => String::new(),
            2 => ", also between two transactions of the deployment".to_owned(),
            more => format!(", also at {} times between its transactions", more - 1),
        };
        let mut notes = vec![format!(
            "the running release ({}) executes {} as before{meanwhile}",
            running.release,
            match running.statements() {
                1 => "1 statement of its models".to_owned(),
                many => format!("{many} statements of its models"),
            }
        )];
        if running.states.len() > MOST_STATES {
            notes.push(format!(
                "of the times between its transactions the first {MOST_STATES} were tried, and the end: deploy in smaller steps to have all of them tried"
            ));
        }
        if let Some(first) = running.left_out.first() {
            notes.push(format!(
                "left out, since the running release cannot execute them before either: {} ({})",
                running.left_out.len(),
                first_failure(first)
            ));
        }
        notes
    }
}

/// The last of some statements that names all of these, with one of some words, where there
/// are any.
fn last_naming<'a>(
    all: &[&'a Statement],
    names: &[&str],
    causes: &[&str],
) -> Option<&'a Statement> {
    let names_all = |statement: &&&Statement| {
        let has = |word: &&str| sql::mentions(&statement.sql, word);
        let is_cause = causes.is_empty() || causes.iter().any(has);
        is_cause && !names.is_empty() && sql::mentions_all(&statement.sql, names)
    };
    all.iter().rev().find(names_all).copied()
}

fn first_failure(one: &TriedStatement) -> String {
    let message = one.error.as_ref().map(|error| error.message.as_str());
    format!("{}: {}", one.table, message.unwrap_or_default())
}

#[cfg(test)]
mod tests;
