//! From evidence to what a report shows of it.

mod deployment;
#[cfg(feature = "program")]
mod fixes;
mod locks;
mod running;

#[cfg(feature = "program")]
pub use fixes::fixes;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

use super::data;
use super::diagnostics::local;
use crate::alembic::graph::Graph;
use crate::alembic::revision::RevisionFile;
use crate::alembic::transcript::Transcript;
use crate::criteria::{Blocker, Finding, Verdict};
use crate::error::HarnessError;
use crate::evidence::outbox::{ExpectedIndex, Outbox};
use crate::evidence::{Evidence, Migrated, Models, Stairway, Stepped};
use crate::gather::progress::Progress;
use crate::manifest::Service;

/// A part of what there is to say of a service; cases that share evidence write each
/// once. In the order in which a report shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// The revisions.
    History,
    /// `upgrade head`, and the outbox table.
    Migrated,
    /// The history stepped.
    Stepped,
    /// The history down and up again.
    Stairway,
    /// The models.
    Models,
    /// The deployment on tables with rows.
    Deployment,
    /// The locks that it takes.
    Locks,
    /// The running release beside it.
    Running,
}

impl Fact {
    /// Part of a file's name; sorts like the facts.
    #[must_use]
    pub fn name(self) -> String {
        format!("{}-{self:?}", self as u8).to_lowercase()
    }
}

/// The facts that some evidence holds.
#[must_use]
pub fn facts(evidence: &Evidence) -> Vec<Fact> {
    [
        (Fact::History, true),
        (Fact::Migrated, evidence.migrated.is_some()),
        (Fact::Stepped, evidence.stepped.is_some()),
        (Fact::Stairway, evidence.stairway.is_some()),
        (Fact::Models, evidence.models.is_some()),
        (Fact::Deployment, evidence.deployment.is_some()),
        (Fact::Locks, evidence.locks.is_some()),
        (Fact::Running, evidence.running.is_some()),
    ]
    .into_iter()
    .filter_map(|(fact, held)| held.then_some(fact))
    .collect()
}

/// The page data of a service, as far as one fact goes.
#[must_use]
pub fn fact(fact: Fact, service: &Service, evidence: &Evidence) -> data::Service {
    let mut shown = data::Service {
        name: service.name.clone(),
        ..data::Service::default()
    };
    match fact {
        Fact::History => shown.history = Some(history(service, &evidence.history.graph)),
        Fact::Migrated => {
            let migrated = evidence.migrated.as_ref();
            shown.commands = migrated.map(upgraded).unwrap_or_default();
            shown.outbox = migrated
                .and_then(|migrated| migrated.outbox.as_ref())
                .map(outbox);
        }
        Fact::Stepped => {
            let stepped = evidence.stepped.as_ref();
            let one =
                |stepped: &Stepped| command("upgrade, one revision at a time", [&stepped.upgrade]);
            shown.commands = stepped.map(one).into_iter().collect();
        }
        Fact::Stairway => {
            shown.commands = evidence.stairway.as_ref().map(walked).unwrap_or_default()
        }
        Fact::Models => {
            let models = evidence.models.as_ref();
            let one = |models: &Models| command("create_all of the models", [&models.built]);
            shown.commands = models.map(one).into_iter().collect();
        }
        Fact::Locks => {
            shown.locks = evidence
                .locks
                .as_ref()
                .map(locks::locks)
                .unwrap_or_default();
        }
        Fact::Running => shown.running = evidence.running.as_ref().and_then(running::running),
        Fact::Deployment => {
            shown.deployment = evidence.deployment.as_ref().map(deployment::deployment);
        }
    }
    shown
}

fn upgraded(migrated: &Migrated) -> Vec<data::Command> {
    let ways = [Some(&migrated.upgrade), migrated.heads.as_ref()];
    let mut commands: Vec<data::Command> = ways
        .into_iter()
        .flatten()
        .map(|way| command(&way.command, [way]))
        .collect();
    let second = migrated.second.as_ref();
    commands.extend(second.map(|way| command(&format!("{}, a second time", way.command), [way])));
    commands
}

/// The remarks of a session about its server and interpreter.
#[must_use]
pub fn started(name: &str, progress: &[Progress]) -> data::Service {
    let mut shown = data::Service {
        name: name.to_owned(),
        ..data::Service::default()
    };
    for one in progress {
        match one {
            Progress::Server {
                version,
                provider,
                took,
                ..
            } => {
                shown.server = Some(data::Spent {
                    what: format!("PostgreSQL {version} ({provider})"),
                    seconds: took.as_secs_f64(),
                });
            }
            Progress::Interpreter {
                versions,
                guard,
                seconds,
            } => {
                shown.interpreter = Some(data::Spent {
                    what: format!("{versions}; kept to its server by {guard}"),
                    seconds: *seconds,
                });
            }
            _ => {}
        }
    }
    shown
}

fn history(service: &Service, graph: &Graph) -> data::History {
    let labels: BTreeMap<&str, &str> = graph
        .revisions
        .iter()
        .flat_map(|one| {
            one.branch_labels
                .iter()
                .map(|label| (label.as_str(), one.id.as_str()))
        })
        .collect();
    let is_id = |name: &String| graph.revisions.iter().any(|one| one.id == *name);
    let resolved = |name: &String| match labels.get(name.as_str()) {
        Some(id) if !is_id(name) => (*id).to_owned(),
        _ => name.clone(),
    };
    let mut directories = BTreeMap::new();
    let revisions = graph.upgrade_order().into_iter();
    let revisions = revisions.map(|revision| {
        // One copy of all, in the package that is optimised.
        let one = revision.clone();
        data::Revision {
            depends_on: one.depends_on.iter().map(resolved).collect(),
            file: below(&revision.file, &mut directories),
            line: one.line,
            one_way: service.one_way.get(&one.id).cloned(),
            id: one.id,
            down_revisions: one.down_revisions,
            branch_labels: one.branch_labels,
            message: one.message,
        }
    });
    data::History {
        revisions: revisions.collect(),
        unread: graph.unread.iter().map(unread).collect(),
    }
}

/// A file as people call it; many of them are in one directory.
fn below<'a>(file: &'a Path, directories: &mut BTreeMap<&'a OsStr, String>) -> String {
    let (Some(parent), Some(name)) = (file.parent(), file.file_name()) else {
        return super::shown(file);
    };
    let parent = directories
        .entry(parent.as_os_str())
        .or_insert_with(|| super::shown(parent));
    match &**parent {
        "." => name.to_string_lossy().into_owned(),
        parent => format!("{parent}/{}", name.display()),
    }
}

fn unread(file: &RevisionFile) -> String {
    super::shown(file.file())
}

/// Several transcripts under one name.
fn command<'a>(name: &str, ways: impl IntoIterator<Item = &'a Transcript>) -> data::Command {
    let mut command = data::Command {
        name: name.to_owned(),
        seconds: 0.0,
        ok: true,
        steps: Vec::new(),
    };
    for way in ways {
        command.seconds += way.seconds;
        command.ok &= way.finished();
        command
            .steps
            .extend(way.steps.iter().map(|step| data::Step {
                revision: step.revision.clone(),
                seconds: step.seconds,
            }));
    }
    command
}

/// The round trips as three commands, and the whole way down and up.
fn walked(stairway: &Stairway) -> Vec<data::Command> {
    let trips = &stairway.trips;
    let mut commands = vec![
        command("each revision up", trips.iter().map(|trip| &trip.up)),
        command(
            "each revision down",
            trips.iter().filter_map(|trip| trip.down.as_ref()),
        ),
        command(
            "each revision up again",
            trips.iter().filter_map(|trip| trip.again.as_ref()),
        ),
    ];
    if let Some(full_downgrade) = &stairway.full_downgrade {
        commands.push(command(
            &full_downgrade.down.command,
            [&full_downgrade.down],
        ));
        let again = full_downgrade.again.as_ref();
        commands.extend(again.map(|way| command(&format!("{}, from there", way.command), [way])));
    }
    commands
}

fn outbox(outbox: &Outbox) -> data::Outbox {
    let conventional = |name: &str| outbox.expected.iter().any(|expected| expected.name == name);
    let of_table = outbox
        .actual
        .iter()
        .filter(|index| index.table == outbox.table);
    data::Outbox {
        table: outbox.table.clone(),
        schemas: outbox.schemas.clone(),
        indexes: outbox
            .expected
            .iter()
            .map(|expected| index(outbox, expected))
            .collect(),
        more: of_table
            .filter(|index| !conventional(&index.name))
            .map(|index| (index.name.clone(), index.definition.clone()))
            .collect(),
    }
}

fn index(outbox: &Outbox, expected: &ExpectedIndex) -> data::Index {
    let found = outbox
        .actual
        .iter()
        .find(|index| index.name == expected.name && index.table == outbox.table);
    let shape = match (found, &expected.definition) {
        (None, _) => data::Shape::Missing,
        (Some(index), Ok(definition)) if index.definition != *definition => data::Shape::Differs,
        (Some(_), Err(_)) => data::Shape::Differs,
        (Some(index), Ok(_)) if !index.valid => data::Shape::Invalid,
        (Some(_), Ok(_)) => data::Shape::Same,
    };
    data::Index {
        name: expected.name.clone(),
        expected: expected
            .definition
            .clone()
            .unwrap_or_else(|refused| format!("cannot be built: {refused}")),
        found: found.map(|index| index.definition.clone()),
        shape,
    }
}

/// A verdict as page data: outcome, one line, notes, findings; `accept` is the command
/// that accepts a schema as it is.
#[must_use]
pub fn verdict(verdict: &Verdict, accept: &str, case: data::Case) -> data::Case {
    match verdict {
        Verdict::Pass { notes } => data::Case {
            outcome: data::Outcome::Passed,
            notes: notes.clone(),
            ..case
        },
        Verdict::NotApplicable { reason, .. } => data::Case {
            outcome: data::Outcome::NotApplicable,
            summary: reason.clone(),
            ..case
        },
        Verdict::Blocked { by, because } => data::Case {
            outcome: data::Outcome::Blocked,
            summary: local(&format!("by {by}: {because}")),
            blocked_by: match by {
                Blocker::Criterion(id) => Some((*id).to_owned()),
                Blocker::Evidence => None,
            },
            ..case
        },
        Verdict::Fail(findings) => data::Case {
            outcome: data::Outcome::Failed,
            summary: findings
                .first()
                .map(|finding| local(&finding.title))
                .unwrap_or_default(),
            findings: self::findings(findings, accept),
            ..case
        },
    }
}

/// The same for an error.
#[must_use]
pub fn error(error: &HarnessError, case: data::Case) -> data::Case {
    let title = local(&error.to_string());
    data::Case {
        outcome: data::Outcome::Error,
        summary: title.clone(),
        findings: vec![data::Finding {
            title,
            places: Vec::new(),
            expected: None,
            found: None,
            changed: Vec::new(),
            notes: error.details.iter().map(|line| local(line)).collect(),
            help: error.help.iter().map(|help| local(help)).collect(),
            accepted_by: Vec::new(),
        }],
        ..case
    }
}

/// Findings as a report shows them.
pub fn findings(findings: &[Finding], accept: &str) -> Vec<data::Finding> {
    let shown = findings.iter().map(|found| finding(found, accept));
    shown.collect()
}

fn finding(finding: &Finding, accept: &str) -> data::Finding {
    let comparison = finding.comparison.as_ref();
    data::Finding {
        title: local(&finding.title),
        places: finding
            .marks
            .iter()
            .map(|mark| place(&mark.place.file, mark))
            .collect(),
        expected: comparison.map(|comparison| comparison.expected.clone()),
        found: comparison.map(|comparison| comparison.found.clone()),
        changed: super::changes::lines(&finding.changed),
        notes: finding.notes.iter().map(|note| local(note)).collect(),
        help: finding
            .help
            .iter()
            .map(|help| local(&help.line(accept)))
            .collect(),
        accepted_by: finding
            .acceptances
            .iter()
            .map(|one| one.key.clone())
            .collect(),
    }
}

fn place(file: &Path, mark: &crate::criteria::Mark) -> data::Place {
    let place = &mark.place;
    data::Place {
        file: super::shown(file),
        repository_file: super::annotations::in_repository(file),
        line: place.line,
        end_line: place.end_line.filter(|end| *end != u32::MAX),
        revision: place.revision.clone(),
        label: mark.label.clone(),
    }
}
