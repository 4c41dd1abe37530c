//! One sample service and its evidence, for the tests beside the code: [`service`] and
//! [`evidence`], the parts that are put into them, and [`finding_text`], a finding as text.
//! [`whole`] adds what not every service has.

#![allow(clippy::unwrap_used)]

pub mod whole;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::alembic::graph::Graph;
use crate::alembic::revision::{Revision, RevisionFile};
use crate::alembic::transcript::{
    Direction, Exception, Frame, Outcome, Place, Statement, StatementOutcome, Step, Transcript,
};
use crate::criteria::{Criterion, Finding, Verdict};
use crate::evidence::catalog::{Catalog, Change, Object};
use crate::evidence::deployment::Rollout;
use crate::evidence::locks::Measured;
use crate::evidence::plan::{Origin, Plan};
use crate::evidence::running::{Release, State, StatementCounts, StatementKind};
use crate::evidence::{Deployment, Evidence, History, Locks, Migrated, Models, Running, Stepped};
use crate::manifest::{Deployed, LockRules, RunningRules, Service, Timeouts};
use crate::postgres;

pub fn service() -> Service {
    Service {
        name: "a".into(),
        file: "services/a.toml".into(),
        root: "/root".into(),
        directory: "/root/a".into(),
        alembic_ini: "alembic.ini".into(),
        alembic_section: "alembic".into(),
        x: BTreeMap::new(),
        flask_app: None,
        python: vec!["python3".into()],
        python_problem: None,
        driver: "asyncpg".into(),
        database_url_env: vec!["A_DATABASE_URL".into()],
        database_env: BTreeMap::new(),
        database_url_ini: false,
        env: BTreeMap::new(),
        schema: None,
        timeouts: Timeouts {
            upgrade: Duration::from_secs(1),
            rows: Duration::from_secs(1),
            verify: Duration::from_secs(1),
        },
        postgres: postgres::Settings::default(),
        prepare: Vec::new(),
        baseline: None,
        not_applicable: BTreeMap::new(),
        one_way: BTreeMap::new(),
        accepted_drift: BTreeMap::new(),
        accepted_rows: BTreeMap::new(),
        accepted_published: BTreeMap::new(),
        accepted: BTreeMap::new(),
        locks: LockRules::default(),
        running: RunningRules::default(),
        rows: crate::manifest::TeamRows::default(),
        deployed: Deployed::At(vec!["r1".into()]),
        owned_elsewhere: Vec::new(),
        outbox: None,
        notes: None,
        laid_over: None,
    }
}

/// A release that can do all that it could.
pub fn running() -> Running {
    Running {
        plan: Plan {
            origin: Origin::BaseRef {
                name: "origin/main".into(),
                commit: "4be1c07".repeat(5),
            },
            deployed: vec!["r1".into()],
            pending: vec!["r2".into()],
            one_by_one: false,
        },
        release: Release {
            name: "origin/main".into(),
            commit: "4be1c07".repeat(5),
        },
        below: None,
        rows_refused: None,
        metadata: true,
        upgrade: Some(transcript("upgrade head", "r2")),
        deeds: vec![StatementCounts {
            table: "essays".into(),
            kind: StatementKind::Select,
            works: 5,
            fails: 0,
        }],
        left_out: Vec::new(),
        states: vec![State::default()],
        mixed: Vec::new(),
        tables: BTreeMap::new(),
        classes: BTreeMap::new(),
    }
}

/// Two revisions that ran, in one go and stepped.
pub fn evidence() -> Evidence {
    Evidence {
        service: "services/a.toml".into(),
        history: History {
            graph: graph("r1 r2:r1"),
            beside: Vec::new(),
            python_for: Vec::new(),
            found: Vec::new(),
            raised: None,
        },
        notes: None,
        merge: None,
        published: None,
        schema: None,
        migrated: Some(Migrated {
            server: "PostgreSQL 15 (local)".into(),
            upgrade: transcript("upgrade head", "r1 r2"),
            heads: None,
            second: Some(transcript("upgrade head", "")),
            versions: Some(vec!["r2".into()]),
            catalog: Some(Catalog::default()),
            outbox: None,
            declared: Vec::new(),
        }),
        stepped: Some(Stepped {
            upgrade: transcript("upgrade, one revision at a time", "r1 r2"),
            versions: Some(vec!["r2".into()]),
            catalog: Some(Catalog::default()),
        }),
        stairway: None,
        models: Some(Models {
            built: transcript("create_all of the models", ""),
            metadata: true,
            tables: vec!["essays".into()],
            sources: BTreeMap::new(),
            drifts: Vec::new(),
            unstated: Vec::new(),
            flaws: Vec::new(),
        }),
        deployment: Some(Deployment {
            plan: Plan {
                origin: Origin::Manifest,
                deployed: vec!["r1".into()],
                pending: vec!["r2".into()],
                one_by_one: false,
            },
            below: None,
            rows_refused: None,
            rollouts: vec![Rollout {
                revisions: vec!["r2".into()],
                planted: vec![("public.essays".into(), 20)],
                empty: Vec::new(),
                special: 0,
                upgrade: transcript("upgrade head", "r2"),
                smallest: Vec::new(),
                is_any_row: false,
                refused: Vec::new(),
                altered: Vec::new(),
                changes: Vec::new(),
                stuck: Vec::new(),
                down: Vec::new(),
                down_without_rows: None,
                not_restored: Vec::new(),
            }],
            known: None,
        }),
        locks: Some(Locks {
            measured: vec![Measured {
                revisions: vec!["r2".into()],
                upgrade: transcript("upgrade head", "r2"),
                flushes: true,
                relations: Vec::new(),
                invalid: Vec::new(),
                fewer: None,
                nested: None,
            }],
        }),
        running: Some(running()),
    }
}

pub fn migrated(evidence: &mut Evidence) -> &mut Migrated {
    evidence.migrated.as_mut().unwrap()
}

pub fn stepped(evidence: &mut Evidence) -> &mut Stepped {
    evidence.stepped.as_mut().unwrap()
}

pub fn file(revision: &str) -> PathBuf {
    format!("/root/a/versions/{revision}.py").into()
}

/// One revision per word: `c:a,b` is `c`, whose parents are `a` and `b`.
pub fn graph(history: &str) -> Graph {
    let revisions = history.split_whitespace().map(|word| {
        let (id, down) = word.split_once(':').unwrap_or((word, ""));
        let down = down.split(',').filter(|id| !id.is_empty());
        RevisionFile::Revision(Revision {
            id: id.to_owned(),
            down_revisions: down.map(str::to_owned).collect(),
            depends_on: Vec::new(),
            branch_labels: Vec::new(),
            message: Some(format!("about {id}.")),
            file: file(id),
            line: 3,
            down_line: 4,
            depends_line: Some(5),
            labels_line: None,
        })
    });
    Graph::new(revisions.collect(), vec!["/root/a/versions".into()])
}

/// A command that ran these revisions.
pub fn transcript(command: &str, revisions: &str) -> Transcript {
    let mut transcript = Transcript::new(command, "output.txt".into());
    for id in revisions.split_whitespace() {
        transcript.steps.push(Step {
            revision: id.to_owned(),
            direction: Direction::Upgrade,
            file: file(id),
            line: None,
            is_unwritten: false,
            message: None,
            seconds: Some(0.1),
            awaitable: false,
        });
        let written = format!("UPDATE alembic_version SET version_num='{id}'");
        transcript.statements.push(done(0, None, &written));
    }
    transcript
}

/// The same, but the last revision did not return.
pub fn stopped(command: &str, revisions: &str, outcome: Outcome) -> Transcript {
    let mut transcript = transcript(command, revisions);
    transcript.outcome = outcome;
    if let Some(step) = transcript.steps.last_mut() {
        step.seconds = None;
        transcript.statements.pop();
    }
    transcript
}

pub fn place(revision: &str, line: u32) -> Place {
    Place {
        revision: Some(revision.to_owned()),
        ..Place::line(&file(revision), line)
    }
}

/// A statement that ran.
pub fn done(number: u64, place: Option<Place>, sql: &str) -> Statement {
    Statement {
        number,
        sql: sql.to_owned(),
        place,
        beside: false,
        session: None,
        outcome: StatementOutcome::Done { seconds: 0.1 },
    }
}

/// A statement that PostgreSQL refused.
pub fn refused(
    number: u64,
    place: Option<Place>,
    sql: &str,
    sqlstate: &str,
    message: &str,
) -> Statement {
    Statement {
        outcome: StatementOutcome::Failed {
            sqlstate: Some(sqlstate.to_owned()),
            message: message.to_owned(),
        },
        ..done(number, place, sql)
    }
}

pub fn raised(class: &str, sqlstate: Option<&str>, message: &str) -> Exception {
    Exception {
        class: class.to_owned(),
        message: message.to_owned(),
        sqlstate: sqlstate.map(str::to_owned),
        needs_application: false,
        exit_status: None,
        frames: Vec::new(),
        code: None,
        needs: None,
        notes: Vec::new(),
        refused: None,
    }
}

pub fn frame(file: &str, line: u32, revision: Option<&str>) -> Frame {
    Frame {
        file: file.into(),
        line,
        function: "upgrade".to_owned(),
        revision: revision.map(str::to_owned),
    }
}

/// An object of `public`.
pub fn object(kind: &str, name: &str, definition: &str) -> Object {
    Object {
        schema: Some("public".to_owned()),
        kind: kind.parse().unwrap(),
        name: name.to_owned(),
        definition: definition.to_owned(),
    }
}

pub fn change(before: Option<Object>, after: Option<Object>) -> Change {
    Change { before, after }
}

/// The findings of a criterion in a service like [`service`], as text.
pub fn found(criterion: &Criterion, evidence: &Evidence) -> String {
    text(&criterion.verdict(&service(), evidence))
}

/// A verdict as text.
pub fn text(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Pass { notes } => format!("pass\n{}", notes.join("\n")).trim_end().to_owned(),
        Verdict::Fail(findings) => findings
            .iter()
            .map(finding_text)
            .collect::<Vec<_>>()
            .join("\n\n"),
        Verdict::Blocked { by, because } => format!("blocked by {by}: {because}"),
        Verdict::NotApplicable { reason, .. } => format!("not applicable: {reason}"),
    }
}

/// Everything that a finding says: the title, `->` a place with its label, what was
/// expected (`-`) and found (`+`), `=` facts, `?` advice.
pub fn finding_text(finding: &Finding) -> String {
    let mut lines = vec![finding.title.clone()];
    for mark in &finding.marks {
        let place = &mark.place;
        let name = place.file.file_name().unwrap_or_default().to_string_lossy();
        let until = match place.end_line {
            Some(u32::MAX) => "-end".to_owned(),
            Some(line) => format!("-{line}"),
            None => String::new(),
        };
        let of = place
            .revision
            .as_ref()
            .map_or(String::new(), |id| format!(" of {id}"));
        let about = mark
            .about
            .as_ref()
            .map_or(String::new(), |text| format!(" [{text}]"));
        lines.push(format!(
            "-> {name}:{}{until}{of}{about}: {}",
            place.line, mark.label
        ));
    }
    if let Some(texts) = &finding.comparison {
        lines.extend(texts.expected.lines().map(|line| format!("- {line}")));
        lines.extend(texts.found.lines().map(|line| format!("+ {line}")));
    }
    for changed in &finding.changed {
        lines.push(format!("~ {}", changed.title));
        for line in &changed.lines {
            let remark = line
                .remark
                .as_ref()
                .map_or(String::new(), |it| format!(" <- {it}"));
            lines.extend(
                line.before
                    .as_ref()
                    .map(|text| format!("  - {text}{remark}")),
            );
            lines.extend(
                line.after
                    .as_ref()
                    .map(|text| format!("  + {text}{remark}")),
            );
        }
    }
    lines.extend(finding.notes.iter().map(|note| format!("= {note}")));
    lines.extend(
        finding
            .help
            .iter()
            .map(|help| format!("? {}", help.line("{accept}"))),
    );
    lines.join("\n")
}
