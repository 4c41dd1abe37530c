//! Every combination of what can go wrong: whoever is named as reporting a failure is red
//! because of it, and every failure is printed.
#![allow(clippy::unwrap_used)]

use crate::alembic::transcript::{Outcome, Transcript};
use crate::criteria::attribution::ROWS;
use crate::criteria::{ALL, Blocker, Criterion, Verdict};
use crate::evidence::stairway::RoundTrip;
use crate::evidence::team_rows::RefusedStatement;
use crate::evidence::{Catalog, Evidence, Migrated, Stairway, Stepped};
use crate::planting::Refusal;
use crate::testing::whole::{stairway, trip};
use crate::testing::{
    self, evidence, finding_text, graph, migrated, place, raised, refused, service, stopped,
    transcript,
};

const STEPPED: &str = "upgrade, one revision at a time";

fn raising(message: &str) -> Outcome {
    Outcome::Raised(raised("ValueError", None, message))
}

fn swallowing(message: &str) -> Outcome {
    Outcome::Swallowed(raised("ValueError", None, message))
}

fn killed() -> Outcome {
    Outcome::Ended {
        how: "was ended by signal 9".to_owned(),
        output: Vec::new(),
    }
}

fn creating_twice(command: &str, revisions: &str) -> Transcript {
    let message = "type \"status\" already exists";
    let outcome = Outcome::Raised(raised("ProgrammingError", Some("42710"), message));
    let mut transcript = stopped(command, revisions, outcome);
    let sql = "CREATE TYPE status AS ENUM ('a')";
    let statement = refused(9, Some(place("r2", 5)), sql, "42710", message);
    transcript.statements.push(statement);
    transcript
}

/// The ways in which a command that upgrades can end; `name` is told apart in the texts.
fn ways(command: &str, name: &str) -> Vec<Transcript> {
    let mut idle = transcript(command, "r1 r2");
    idle.steps[1].awaitable = true;
    vec![
        transcript(command, "r1 r2"),
        transcript(command, "r2"),
        transcript(command, ""),
        idle,
        stopped(command, "", raising(&format!("{name} at once"))),
        stopped(command, "r1 r2", raising(&format!("{name} in r2"))),
        stopped(command, "r1", raising(&format!("{name} in r1"))),
        stopped(command, "r1 r2", swallowing(&format!("{name} in r2"))),
        stopped(command, "r1 r2", killed()),
        creating_twice(command, "r1 r2"),
    ]
}

type Change = Box<dyn Fn(&mut Evidence)>;

fn histories() -> Vec<Change> {
    let graphs = ["r1 r2:r1", "r1 r2", "r1 r2:r1,gone", "r1 r2:r1 r2:r1", ""];
    let mut changes: Vec<Change> = Vec::new();
    for text in graphs {
        changes.push(Box::new(move |evidence| {
            evidence.history.graph = graph(text);
            let several = text == "r1 r2";
            let migrated = migrated(evidence);
            if several && migrated.upgrade.steps.is_empty() {
                migrated.heads = Some(transcript("upgrade heads", "r1 r2"));
            }
        }));
    }
    changes.push(Box::new(|evidence| {
        evidence.history.raised = Some(raised("KeyError", None, "'r0'"));
    }));
    changes.push(Box::new(|evidence| {
        evidence.history.raised = Some(raised("KeyError", None, "'r0'"));
        evidence.history.found = graph("r1 r1").problems();
    }));
    changes.push(Box::new(|evidence| {
        evidence.history.graph = graph("r1 r2");
        let env = raising("heads at once");
        migrated(evidence).heads = Some(stopped("upgrade heads", "", env));
    }));
    changes
}

fn upgrades() -> Vec<Change> {
    let ways = ways("upgrade head", "upgrade").into_iter();
    let changes = ways.map(|way| -> Change {
        Box::new(move |evidence| migrated(evidence).upgrade = way.clone())
    });
    changes.collect()
}

fn reruns() -> Vec<Change> {
    let failing = stopped("upgrade head", "", raising("second at once"));
    let seconds = [
        Some(transcript("upgrade head", "")),
        Some(transcript("upgrade head", "r2")),
        Some(failing),
        None,
    ];
    let changes = seconds.into_iter().map(|second| -> Change {
        Box::new(move |evidence| migrated(evidence).second = second.clone())
    });
    changes.collect()
}

fn steps() -> Vec<Change> {
    let mut changes: Vec<Change> = vec![Box::new(|evidence| evidence.stepped = None)];
    changes.extend(ways(STEPPED, "stepped").into_iter().map(|way| -> Change {
        Box::new(move |evidence| {
            evidence.stepped = Some(Stepped {
                catalog: way.finished().then(Catalog::default),
                versions: Some(vec!["r2".into()]),
                upgrade: way.clone(),
            });
        })
    }));
    changes
}

fn stopped_trip(up: Transcript, revision: &str) -> RoundTrip {
    RoundTrip {
        up,
        down: None,
        again: None,
        ..trip(revision)
    }
}

fn stairways() -> Vec<Change> {
    let broken = |trips| Stairway {
        trips,
        unreached: Vec::new(),
        full_downgrade: None,
    };
    let up = |revisions, outcome| stopped("upgrade", revisions, outcome);
    let second = |up| broken(vec![trip("r1"), stopped_trip(up, "r2")]);
    let all = [
        None,
        Some(stairway()),
        Some(broken(vec![stopped_trip(up("r1", killed()), "r1")])),
        Some(broken(vec![stopped_trip(
            up("", raising("trip at once")),
            "r1",
        )])),
        Some(second(up("r2", raising("trip in r2")))),
        Some(second(creating_twice("upgrade", "r2"))),
    ];
    let changes = all.into_iter().map(|stairway| -> Change {
        Box::new(move |evidence| evidence.stairway = stairway.clone())
    });
    changes.collect()
}

/// A deployment that is taken up by every part of the evidence as `rows` meets it.
fn deploying(change: impl Fn(&mut Evidence, Transcript) + 'static, upgrade: Transcript) -> Change {
    Box::new(move |evidence| {
        if let (Some(deployment), Some(locks)) = (&mut evidence.deployment, &mut evidence.locks) {
            deployment.rollouts.clear();
            locks.measured.clear();
        }
        let running = evidence.running.as_mut().unwrap();
        (running.upgrade, running.states) = (None, Vec::new());
        change(evidence, upgrade.clone());
    })
}

fn not_deployed(evidence: &mut Evidence, upgrade: Transcript) {
    evidence.deployment.as_mut().unwrap().below = Some(upgrade.clone());
    evidence.running.as_mut().unwrap().below = Some(upgrade);
}

fn rows_refused(evidence: &mut Evidence, _: Transcript) {
    let refused = RefusedStatement {
        file: "rows/a.sql".into(),
        line: 1,
        refusal: Refusal {
            message: "the team's rows".to_owned(),
            ..Refusal::default()
        },
    };
    evidence.deployment.as_mut().unwrap().rows_refused = Some(refused.clone());
    evidence.running.as_mut().unwrap().rows_refused = Some(refused);
}

fn stopped_by_rows(evidence: &mut Evidence, upgrade: Transcript) {
    let whole = testing::evidence();
    let (mut deployment, mut locks) = (whole.deployment.unwrap(), whole.locks.unwrap());
    deployment.rollouts[0].upgrade = upgrade.clone();
    locks.measured[0].upgrade = upgrade.clone();
    (evidence.deployment, evidence.locks) = (Some(deployment), Some(locks));
    evidence.running.as_mut().unwrap().upgrade = Some(upgrade);
}

fn deployments() -> Vec<Change> {
    let below = stopped("upgrade r1", "r1", raising("below in r1"));
    let with_rows = stopped("upgrade head", "r2", raising("rows in r2"));
    vec![
        deploying(not_deployed, below),
        deploying(rows_refused, transcript("upgrade head", "")),
        deploying(stopped_by_rows, with_rows),
    ]
}

type Verdicts = Vec<(&'static Criterion, Verdict)>;

/// Everything that red criteria print.
fn printed(verdicts: &Verdicts) -> String {
    let texts = verdicts.iter().map(|(_, verdict)| match verdict {
        Verdict::Fail(findings) => findings
            .iter()
            .map(finding_text)
            .collect::<Vec<_>>()
            .join("\n"),
        _ => String::new(),
    });
    texts.collect::<Vec<_>>().join("\n")
}

fn is_red_where_it_is_named(verdicts: &Verdicts, evidence: &Evidence) {
    for (criterion, verdict) in verdicts {
        let Verdict::Blocked { by, because } = verdict else {
            continue;
        };
        let Blocker::Criterion(id) = by else {
            continue;
        };
        let reporter = verdicts.iter().find(|(reporter, _)| reporter.id == *id);
        assert!(
            matches!(reporter, Some((_, Verdict::Fail(_)))),
            "{} is blocked by {id} ({because}), which says {reporter:?} of {evidence:#?}",
            criterion.id
        );
    }
}

/// Nothing else explains a failure where the files form a graph that Alembic can load.
fn is_printed(verdicts: &Verdicts, evidence: &Evidence) {
    let history = &evidence.history;
    let explained = !history.problems().is_empty() || history.raised.is_some();
    let text = printed(verdicts);
    let reached = evidence.migrated.iter().map(Migrated::reached);
    let stepped = evidence.stepped.iter().map(|stepped| &stepped.upgrade);
    for way in reached.chain(stepped) {
        let Some(error) = way.outcome.error() else {
            continue;
        };
        let hidden = explained && way.steps.is_empty();
        assert!(
            hidden || text.contains(&error.message) || text.contains("is created twice"),
            "nothing says {} of {evidence:#?}",
            error.message
        );
    }
}

/// `rows` says what fails on rows, or who says it.
fn is_deployment_told(verdicts: &Verdicts, evidence: &Evidence) {
    let Some(deployment) = &evidence.deployment else {
        return;
    };
    let mut stepped = evidence.stepped.iter().map(|stepped| &stepped.upgrade);
    if let (Some(below), Some(_)) = (
        &deployment.below,
        stepped.find_map(|way| way.outcome.error()),
    ) {
        let message = below.outcome.error().map(|error| &error.message);
        assert!(message.is_none_or(|message| !printed(verdicts).contains(message)));
    }
    let rows = verdicts.iter().find(|(criterion, _)| criterion.id == ROWS);
    if let Some((
        _,
        Verdict::Blocked {
            by: Blocker::Criterion(_),
            ..
        },
    )) = rows
    {
        return;
    }
    let upgrades = deployment.rollouts.iter().map(|rollout| &rollout.upgrade);
    let errors = deployment.below.iter().chain(upgrades);
    let errors = errors.filter_map(|upgrade| upgrade.outcome.error());
    let refused = deployment.rows_refused.iter();
    let refused = refused.map(|refused| &refused.refusal.message);
    let text = printed(verdicts);
    for message in errors.map(|error| &error.message).chain(refused) {
        assert!(
            text.contains(message),
            "nothing says {message} of {evidence:#?}"
        );
    }
}

/// Round trips are walked only where the upgrade in one go works.
fn is_walked_for_nothing(evidence: &Evidence) -> bool {
    let migrated = evidence.migrated.as_ref();
    evidence.stairway.is_some() && !migrated.is_some_and(|one| one.reached().finished())
}

/// Neither a walk nor a deployment is attributed by what the other one met.
#[test]
fn whoever_is_named_is_red_and_every_failure_is_printed() {
    let service = service();
    let mut seen = 0;
    let lists = [
        upgrades(),
        histories(),
        reruns(),
        steps(),
        stairways().into_iter().chain(deployments()).collect(),
    ];
    let count: usize = lists.iter().map(Vec::len).product();
    for mut number in 0..count {
        let mut evidence = evidence();
        for list in &lists {
            list[number % list.len()](&mut evidence);
            number /= list.len();
        }
        if !is_walked_for_nothing(&evidence) {
            let judge =
                |criterion: &'static Criterion| (criterion, criterion.verdict(&service, &evidence));
            let verdicts: Verdicts = ALL.iter().map(judge).collect();
            is_red_where_it_is_named(&verdicts, &evidence);
            is_printed(&verdicts, &evidence);
            is_deployment_told(&verdicts, &evidence);
            seen += 1;
        }
    }
    assert!(seen > 10_000, "{seen} of {count}");
}
