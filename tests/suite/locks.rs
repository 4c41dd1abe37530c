//! Measurements of the probe of `locks`: the facts that its verdicts rest on, on each major of
//! PostgreSQL that is there, and that a service does not notice it.

mod facts;
mod many;
mod unseen;

use std::path::PathBuf;

use migration_harness::evidence::Evidence;
use migration_harness::evidence::locks::Measured;

use crate::judge::Judged;
use crate::monorepo::Monorepo;

/// Judges `locks` and reads what was gathered, which a run leaves where each case has a process
/// of its own.
fn gathered(
    monorepo: &Monorepo,
    run: &str,
    service: &str,
    variables: &[(&str, &str)],
) -> (Evidence, Judged) {
    let mut all = vec![("NEXTEST_RUN_ID", run)];
    all.extend(variables);
    let judged = monorepo.judge(&["locks::"], &all);
    (left(run, service, &judged), judged)
}

/// The evidence of a service that a run left.
fn left(run: &str, service: &str, judged: &Judged) -> Evidence {
    let runs = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let runs = runs.parent().unwrap().join("migration-harness/runs");
    let file = runs.join(run).join(service).join("evidence.json");
    let text = std::fs::read_to_string(&file)
        .unwrap_or_else(|cause| panic!("{}: {cause}\n{}", file.display(), judged.all()));
    let whole: serde_json::Value = serde_json::from_str(&text).unwrap();
    let evidence = whole["evidence"]["Ok"].clone();
    serde_json::from_value(evidence)
        .unwrap_or_else(|cause| panic!("{cause}\n{text}\n{}", judged.all()))
}

/// A number that no other run has.
fn run(name: &str) -> String {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    format!("{name}-{}-{}", std::process::id(), since.as_nanos())
}

fn measured(evidence: &Evidence) -> &[Measured] {
    let locks = evidence.locks.as_ref();
    locks.map_or(&[], |locks| &locks.measured)
}
