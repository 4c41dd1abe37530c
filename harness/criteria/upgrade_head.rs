//! Both ways of upgrading succeed and end at the head with the same catalog.

pub(super) mod fix;
mod remedy;

use super::attribution::{Attribution, Failure, FailureKind, UPGRADE_HEAD, attribution};
use super::failure::{failure, not_awaited, shortened};
use super::{Criterion, Finding, Help, Verdict};
use crate::alembic::transcript::{Place, StatementOutcome, Transcript};
use crate::evidence::catalog::{Difference, ObjectKind};
use crate::evidence::{Evidence, Migrated, Part, Stepped};
use crate::manifest::Service;

pub(super) use remedy::provide;

/// The criterion.
pub const CRITERION: Criterion = Criterion {
    id: UPGRADE_HEAD,
    asserts: "`alembic upgrade head` works on an empty database, in one go and revision by revision, \
              reaches the head with the same catalog both ways, and runs nothing the second time",
    why: "a deployment runs it at once on a new database and revision by revision on an old one; both must end alike",
    remedy: "mend the revision that is named; do not edit one that is deployed, add another",
    needs: &[Part::Migrated, Part::Stepped],
    judge,
};

/// The number of differences of two catalogs that are shown.
const SHOWN: usize = 8;

/// The advice about a revision that fails where some of the others may not have run.
const HISTORY_FIRST: &str =
    "mend the history first, as single_head says: Alembic ran it without some of its files";

fn judge(service: &Service, evidence: &Evidence) -> Verdict {
    let Some(migrated) = &evidence.migrated else {
        return Verdict::without("the transcript of `upgrade head`");
    };
    let attribution = attribution(service, evidence);
    let findings = findings(service, evidence, migrated, &attribution);
    if !findings.is_empty() {
        return Verdict::Fail(findings);
    }
    if let Some(blocked) = attribution.blocks(&CRITERION) {
        return blocked;
    }
    let Some(stepped) = &evidence.stepped else {
        return Verdict::without("the history stepped one revision per context");
    };
    match (&migrated.second, &migrated.catalog, &stepped.catalog) {
        (None, _, _) => Verdict::without("the transcript of the second `upgrade head`"),
        (_, Some(_), Some(_)) => Verdict::pass(),
        _ => Verdict::without("the catalog at head"),
    }
}

fn findings(
    service: &Service,
    evidence: &Evidence,
    migrated: &Migrated,
    attribution: &Attribution<'_>,
) -> Vec<Finding> {
    let reported: Vec<&Failure<'_>> = attribution.reported_by(&CRITERION).collect();
    let mut findings: Vec<Finding> = reported
        .iter()
        .filter_map(|failure| reported_as(service, evidence, failure))
        .collect();
    if let (false, Some(first)) = (attribution.has_history(), findings.first_mut()) {
        first.help.push(Help::Text(HISTORY_FIRST.to_owned()));
    }
    if attribution.has_history() {
        let stepped = evidence.stepped.as_ref();
        let is_rerun = |failure: &&Failure<'_>| matches!(failure.kind, FailureKind::Rerun(..));
        let all_ran = reported.iter().all(is_rerun);
        findings.extend(not_at_head(evidence, migrated).filter(|_| all_ran));
        findings.extend(stepped.and_then(|stepped| catalogs(migrated, stepped)));
    }
    one_each(&mut findings);
    findings
}

/// One failure that is this criterion's to report.
fn reported_as(service: &Service, evidence: &Evidence, found: &Failure<'_>) -> Option<Finding> {
    match &found.kind {
        FailureKind::Stopped(transcript) => {
            let finding = failure(transcript)?;
            Some(remedy::explained(service, evidence, transcript, finding))
        }
        FailureKind::NotAwaited(step) => Some(not_awaited(step)),
        FailureKind::NeverRan(transcript, missing) => Some(never_ran(transcript, missing)),
        FailureKind::Rerun(migrated, second) => again(migrated, second, &found.because),
        FailureKind::NoGraph
        | FailureKind::NotLoaded
        | FailureKind::NoHistory
        | FailureKind::SeveralHeads
        | FailureKind::RoundTrip(_)
        | FailureKind::NotDeployed(_)
        | FailureKind::RowsRefused(_)
        | FailureKind::Elsewhere => None,
    }
}

/// Every revision of the history must have run.
fn never_ran(transcript: &Transcript, missing: &[&str]) -> Finding {
    let finding = Finding::new(format!(
        "`alembic {}` succeeds, but never ran {}",
        transcript.command,
        missing.join(", ")
    ));
    if transcript.exited.is_some() {
        return ended_by_itself(finding, transcript);
    }
    finding.help(match transcript.steps.is_empty() {
        true => "see whether env.py calls context.run_migrations() where context.is_offline_mode() is false",
        false => "see whether env.py stamps the database or creates the tables itself; then the revisions prove nothing",
    })
}

/// The finding about a service that ended the process before the revisions ran, or before
/// they were committed.
fn ended_by_itself(finding: Finding, transcript: &Transcript) -> Finding {
    let Some(exited) = &transcript.exited else {
        return finding;
    };
    let place = exited
        .frames
        .last()
        .map(|frame| Place::line(&frame.file, frame.line));
    finding
        .mark(place.as_ref(), "the process ends here, with exit status 0")
        .note("`alembic` exits with status 0 as well, which a deployment takes for success")
        .help("let env.py end where its work is done, and raise where it cannot be done")
}

/// An upgrade that lost everything: a statement failed and `env.py` goes on, or it does not
/// commit.
fn not_committed(finding: Finding, first: &Transcript) -> Finding {
    let finding =
        finding.note("the first one exited without an error, yet the version table holds nothing");
    if first.exited.is_some() {
        return ended_by_itself(finding, first);
    }
    if let Some(open) = &first.open_transaction {
        return remedy::not_committed(open, finding);
    }
    let failed = first.failed_statement().and_then(|one| match &one.outcome {
        StatementOutcome::Failed { message, .. } => Some((message, &one.sql)),
        _ => None,
    });
    match failed {
        Some((message, sql)) => finding
            .note(format!("a statement failed in it, and env.py goes on: {message}"))
            .note(format!("the statement: {}", shortened(sql)))
            .help("let env.py raise that error: a deployment takes the exit status 0 for success"),
        None => finding.help("env.py does not commit: use `with context.begin_transaction():`, and `async with engine.begin()` where it is async"),
    }
}

/// The same failure seen both ways is one finding.
fn one_each(findings: &mut Vec<Finding>) {
    let mut seen: Vec<(String, Option<Place>)> = Vec::new();
    findings.retain(|finding| {
        let key = (
            finding.title.clone(),
            finding.marks.first().map(|mark| mark.place.clone()),
        );
        let new = !seen.contains(&key);
        seen.push(key);
        new
    });
}

/// A second upgrade must find nothing to do.
fn again(migrated: &Migrated, second: &Transcript, because: &str) -> Option<Finding> {
    if second.steps.is_empty() {
        let finding = failure(second)?;
        return Some(
            finding.note("the first one succeeded; this is the second, on the same database"),
        );
    }
    let finding = Finding::new(because);
    Some(match migrated.versions.as_ref().is_none_or(Vec::is_empty) {
        true => not_committed(finding, migrated.reached()),
        false => finding.note(format!(
            "they ran again: {}",
            ids(second).collect::<Vec<_>>().join(", ")
        )),
    })
}

/// The revisions that ran.
fn ids(transcript: &Transcript) -> impl Iterator<Item = &str> {
    transcript.steps.iter().map(|step| step.revision.as_str())
}

/// Both ways must end at the heads of the graph.
fn not_at_head(evidence: &Evidence, migrated: &Migrated) -> Option<Finding> {
    if !migrated.reached().finished()
        || migrated
            .second
            .as_ref()
            .is_some_and(|second| !second.steps.is_empty())
    {
        return None;
    }
    let rows = evidence.history.graph.version_rows();
    let mut heads: Vec<&str> = rows.into_iter().map(|row| row.id.as_str()).collect();
    heads.sort_unstable();
    let stepped = evidence
        .stepped
        .as_ref()
        .filter(|stepped| stepped.upgrade.finished());
    let ways = [
        ("in one go", Some(&migrated.versions)),
        ("stepped", stepped.map(|stepped| &stepped.versions)),
    ];
    ways.into_iter().find_map(|(way, versions)| {
        let reached = versions?.clone().unwrap_or_default();
        (reached != heads).then(|| {
            Finding::new(format!(
                "upgraded {way}, the version table holds {}, not the head {}",
                listed(&reached),
                heads.join(", ")
            ))
            .help("see whether env.py commits, and whether a revision writes to the version table")
        })
    })
}

fn listed(versions: &[String]) -> String {
    if versions.is_empty() {
        "nothing".to_owned()
    } else {
        versions.join(", ")
    }
}

/// Both ways must build the same database.
fn catalogs(migrated: &Migrated, stepped: &Stepped) -> Option<Finding> {
    let (at_once, by_steps) = (migrated.catalog.as_ref()?, stepped.catalog.as_ref()?);
    let differences = at_once.differences(by_steps);
    if differences.is_empty() {
        return None;
    }
    let mut finding = Finding::new(format!(
        "`upgrade head` in one go and revision by revision build different databases ({})",
        match differences.len() {
            1 => "1 object differs".to_owned(),
            many => format!("{many} objects differ"),
        }
    ));
    finding
        .notes
        .extend(differences.iter().take(SHOWN).map(described));
    let made: Vec<&str> = differences.iter().filter_map(other_constant).collect();
    if made.len() < differences.len() {
        return Some(finding.help("look for state that survives between revisions of one run: metadata, module globals, search_path"));
    }
    let mut statements = migrated.reached().statements.iter();
    let by = statements.find(|one| made.iter().any(|value| one.sql.contains(value)));
    Some(
        finding
            .mark(by.and_then(|one| one.place.as_ref()), "Python makes the default here")
            .help("let PostgreSQL make the value for each row: server_default=sa.func.now(), or sa.text(\"gen_random_uuid()\"); as it is, each database has the one that Python made when the revision was loaded"),
    )
}

/// The columns whose default is another constant each time the revision runs.
pub(super) fn made_by_python(evidence: &Evidence) -> Vec<String> {
    let migrated = evidence
        .migrated
        .as_ref()
        .and_then(|one| one.catalog.as_ref());
    let stepped = evidence
        .stepped
        .as_ref()
        .and_then(|one| one.catalog.as_ref());
    let (Some(migrated), Some(stepped)) = (migrated, stepped) else {
        return Vec::new();
    };
    let differences = migrated.differences(stepped);
    let made = differences
        .iter()
        .filter(|one| other_constant(one).is_some());
    made.map(Difference::object).collect()
}

/// The constant in the definition of a column, where that is all that differs.
fn other_constant<'a>(difference: &Difference<'a>) -> Option<&'a str> {
    let (left, right) = (difference.left?, difference.right?);
    let [left_parts, right_parts] =
        [left, right].map(|object| object.definition.split('\'').collect::<Vec<&str>>());
    let is_column = left.kind == ObjectKind::Column && left_parts.len() == right_parts.len();
    let mut parts = left_parts.into_iter().zip(right_parts).enumerate();
    let mut constants = Vec::new();
    // Between quotes stands every second part.
    let alike = parts.all(|(at, (left, right))| {
        let is_constant = at % 2 == 1;
        constants.extend((left != right && is_constant).then_some(left));
        left == right || is_constant
    });
    constants.first().copied().filter(|_| is_column && alike)
}

fn described(difference: &Difference<'_>) -> String {
    let object = difference.object();
    match (difference.left, difference.right) {
        (Some(left), Some(right)) => format!(
            "{object}: in one go `{}`, stepped `{}`",
            left.definition, right.definition
        ),
        (Some(_), None) => format!("{object}: only in one go"),
        _ => format!("{object}: only stepped"),
    }
}

#[cfg(test)]
mod tests;
