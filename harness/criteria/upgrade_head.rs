//! Both ways of upgrading succeed and end at the head with the same catalog.

use super::{Criterion, Finding, Verdict, cause};
use crate::alembic::transcript::{Direction, Outcome, Place, Raised, Statement, Step, Transcript};
use crate::evidence::catalog::Difference;
use crate::evidence::{Evidence, Migrated, Part, Stepped};
use crate::manifest::Service;

/// The criterion.
pub const CRITERION: Criterion = Criterion {
    id: "upgrade_head",
    asserts: "`alembic upgrade head` works on an empty database, in one go and revision by revision, \
              reaches the head with the same catalog both ways, and runs nothing the second time",
    why: "a deployment runs it at once on a new database and revision by revision on an old one; both must end alike",
    remedy: "mend the revision that is named; do not edit one that is deployed, add another",
    needs: &[Part::Migrated, Part::Stepped],
    judge,
};

/// How many differences of two catalogs are shown.
const SHOWN: usize = 8;
/// How many lines of a failed statement are shown.
const SQL_LINES: usize = 4;

/// How many further lines of an error's text are shown.
const MESSAGE_LINES: usize = 4;
/// How many frames of a stack are shown.
const FRAMES: usize = 6;

fn judge(_: &Service, evidence: &Evidence) -> Verdict {
    let Some(migrated) = &evidence.migrated else { return Verdict::without("the transcript of `upgrade head`") };
    let no_history = || cause::no_history(evidence, migrated.reached());
    if let Some(blocked) = cause::no_graph(evidence).or_else(no_history) {
        return blocked;
    }
    let stepped = evidence.stepped.as_ref();
    let mut transcripts = vec![migrated.reached()];
    transcripts.extend(stepped.map(|stepped| &stepped.upgrade));
    let mut findings = Vec::new();
    for transcript in &transcripts {
        let own = cause::owner(evidence, transcript) == CRITERION.id;
        findings.extend(failure(transcript).filter(|_| own));
        findings.extend(transcript.steps.iter().filter(|step| step.awaitable).map(not_awaited));
    }
    findings.extend(transcripts.iter().find_map(|way| never_ran(evidence, way)));
    let all_ran = findings.is_empty();
    findings.extend(again(migrated));
    findings.extend(not_at_head(evidence, migrated).filter(|_| all_ran));
    findings.extend(stepped.and_then(|stepped| catalogs(migrated, stepped)));
    one_each(&mut findings);
    if !findings.is_empty() {
        return Verdict::Fail(findings);
    }
    let blocked = std::iter::once(&migrated.upgrade).chain(transcripts);
    if let Some(verdict) = blocked.filter_map(|transcript| cause::blocked(evidence, transcript)).next() {
        return verdict;
    }
    let Some(stepped) = stepped else {
        return Verdict::without("the history stepped one revision per context");
    };
    match (&migrated.second, &migrated.catalog, &stepped.catalog) {
        (None, _, _) => Verdict::without("the transcript of the second `upgrade head`"),
        (_, Some(_), Some(_)) => Verdict::pass(),
        _ => Verdict::without("the catalog at head"),
    }
}

/// Every revision of the history must have run.
fn never_ran(evidence: &Evidence, transcript: &Transcript) -> Option<Finding> {
    let missing = cause::never_ran(evidence, transcript);
    (transcript.finished() && !missing.is_empty()).then(|| {
        Finding::new(format!(
            "`alembic {}` succeeds, but never ran {}",
            transcript.command,
            missing.join(", ")
        ))
        .help(match transcript.steps.is_empty() {
            true => "see whether env.py calls context.run_migrations() where context.is_offline_mode() is false",
            false => "see whether env.py stamps the database or creates the tables itself; then the revisions prove nothing",
        })
    })
}

/// The same failure seen both ways is one finding.
fn one_each(findings: &mut Vec<Finding>) {
    let mut seen: Vec<(String, Option<Place>)> = Vec::new();
    findings.retain(|finding| {
        let key = (finding.title.clone(), finding.marks.first().map(|mark| mark.place.clone()));
        let new = !seen.contains(&key);
        seen.push(key);
        new
    });
}

/// Why a transcript did not finish.
fn failure(transcript: &Transcript) -> Option<Finding> {
    match &transcript.outcome {
        Outcome::Finished => None,
        Outcome::Raised(error) => Some(raised(transcript, error)),
        Outcome::TimedOut { limit, python, database } => Some(timed_out(transcript, *limit, python, database)),
        Outcome::Ended { how, output } => Some(ended(transcript, how, output)),
    }
}

fn raised(transcript: &Transcript, error: &Raised) -> Finding {
    let statement = transcript.failed_statement().filter(|_| error.sqlstate.is_some());
    let message = error.first_line();
    let mut finding = opening(transcript, error, statement);
    if let Some(state) = &error.sqlstate {
        finding = finding.note(format!("postgresql: {state} {message}"));
    }
    let rest = error.message.lines().skip(1).map(str::trim).take_while(|line| !repeats(line));
    let rest = rest.filter(|line| !line.is_empty());
    finding.notes.extend(rest.take(MESSAGE_LINES).map(str::to_owned));
    finding = finding.note(format!("seen in `alembic {}`", transcript.command));
    if let Some(statement) = statement {
        finding = finding.note(format!("the statement: {}", shortened(&statement.sql)));
    }
    let known = error.sqlstate.as_deref().and_then(|state| advice(state, statement));
    finding = match known {
        Some(advice) => finding.help(advice),
        None if error.class == "NotImplementedError" => finding.help("write the upgrade, or remove the revision"),
        None if message.contains("as_sql") => finding.help(
            "env.py prepares for `--sql` only: where context.is_offline_mode() is false, give context.configure a connection",
        ),
        None => finding,
    };
    finding.help(format!("everything Python printed: {}", transcript.output.display()))
}

/// What failed, and where.
fn opening(transcript: &Transcript, error: &Raised, statement: Option<&Statement>) -> Finding {
    let here = format!("{} here", error.name());
    match (transcript.failed_step(), transcript.steps.last()) {
        (Some(step), _) => {
            // What PostgreSQL says is understood without the class of the error.
            let said = error.sqlstate.as_ref().map_or(error.line(), |_| error.first_line().to_owned());
            Finding::new(format!("revision {} cannot be upgraded: {said}", step.revision))
                .mark(failed_at(transcript).as_ref(), here)
        }
        (None, Some(step)) if statement.is_some_and(is_of_version_table) => {
            Finding::new(format!("revision {} ran, but cannot be written to the version table: {}", step.revision, error.first_line()))
                .mark(Some(&place_of(step)), "this id")
                .about(format!("\"{}\"", step.revision))
        }
        _ => Finding::new(format!("`alembic upgrade` raises {}", error.line()))
            .mark(failed_at(transcript).as_ref(), here),
    }
}

/// Whether a statement is Alembic's own on its version table.
fn is_of_version_table(statement: &Statement) -> bool {
    statement.place.is_none() && statement.sql.contains("version_num")
}

/// SQLAlchemy ends with the statement, the parameters, and a link to its documentation.
fn repeats(line: &str) -> bool {
    let openings = ["[SQL:", "[parameters:", "(Background on this error"];
    openings.iter().any(|opening| line.starts_with(opening))
}

/// What to do about errors that have one usual cause
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
fn advice(sqlstate: &str, statement: Option<&Statement>) -> Option<&'static str> {
    let of_version_table = statement.is_some_and(is_of_version_table);
    match sqlstate {
        "55P04" => Some("commit the new label before it is used: put ALTER TYPE ... ADD VALUE into `with op.get_context().autocommit_block():`"),
        "22001" if of_version_table => Some("the version table holds 32 characters: give the revision a shorter id"),
        "42P07" => Some("the relation exists already: two revisions create it, or it is created by env.py"),
        "42710" => Some("the object exists already: look for an earlier revision that creates it"),
        "42P01" | "42703" => Some("an earlier revision should have created it: look at the order of down_revision"),
        "0A000" => Some("PostgreSQL does not offer this in the version that was used"),
        "25001" => Some("it cannot run in a transaction: use `with op.get_context().autocommit_block():`"),
        _ => None,
    }
}

/// What to do about the error that ended a transcript, if that is known.
pub(super) fn hint(transcript: &Transcript) -> Option<&'static str> {
    let Outcome::Raised(error) = &transcript.outcome else {
        return None;
    };
    advice(error.sqlstate.as_deref()?, transcript.failed_statement())
}

/// Where a transcript failed: the statement, else the revision's innermost frame.
pub(super) fn failed_at(transcript: &Transcript) -> Option<Place> {
    let statement = |transcript: &Transcript| transcript.failed_statement()?.place.clone();
    match &transcript.outcome {
        Outcome::Raised(error) if error.sqlstate.is_none() => frame(transcript, error),
        Outcome::Raised(error) => statement(transcript).or_else(|| frame(transcript, error)),
        _ => statement(transcript),
    }
}

/// The innermost frame of a revision; else the revision that was running, such as one
/// that lacks the function; else the service's innermost frame.
fn frame(transcript: &Transcript, error: &Raised) -> Option<Place> {
    let of_revision = error.frames.iter().rev().find(|frame| frame.revision.is_some());
    if let (None, Some(step)) = (of_revision, transcript.failed_step()) {
        return Some(Place { end_line: None, ..place_of(step) });
    }
    let frame = of_revision.or(error.frames.last())?;
    Some(Place { revision: frame.revision.clone(), ..Place::line(&frame.file, frame.line) })
}

fn timed_out(transcript: &Transcript, limit: f64, python: &[String], database: &[String]) -> Finding {
    let running = transcript.failed_statement();
    let step = transcript.failed_step();
    let at = step.map(|step| format!(", in revision {}", step.revision)).unwrap_or_default();
    let mut finding = Finding::new(format!("`alembic {}` took longer than {limit} s{at}", transcript.command));
    finding = match running {
        Some(statement) => finding
            .mark(statement.place.as_ref(), "this statement was running")
            .note(format!("the statement: {}", shortened(&statement.sql))),
        None => finding.mark(step.and_then(|step| stuck_at(step, python)).as_ref(), "Python was here"),
    };
    finding.notes.extend(database.iter().map(|line| format!("postgresql: {line}")));
    let own = python.iter().filter(|line| is_own_frame(line));
    finding.notes.extend(own.take(FRAMES).map(|line| format!("python, innermost first: {}", line.trim())));
    if database.iter().any(|line| line.contains("blocked by pid")) {
        finding = finding.help(
            "a second connection waits for the migration's own lock: run the statement on op.get_bind(), or by op.execute",
        );
    }
    finding
        .help("if it is only slow, raise `timeouts.upgrade` in the manifest")
        .help(format!("everything Python printed: {}", transcript.output.display()))
}

/// A line of a stack that is not about a library, Python's own code or the worker.
fn is_own_frame(line: &str) -> bool {
    let others = ["site-packages", "/lib/python", "worker.py\"", "<string>", "<frozen"];
    line.trim_start().starts_with("File ") && !others.iter().any(|other| line.contains(other))
}

/// The revision's line in a stack that `faulthandler` wrote:
/// `File "<path>", line 20 in upgrade`.
fn stuck_at(step: &Step, python: &[String]) -> Option<Place> {
    let file = format!("\"{}\", line ", step.file.display());
    let rest = python.iter().find_map(|line| line.split_once(file.as_str()))?.1;
    let line = rest.split_whitespace().next()?.parse().ok()?;
    Some(Place { revision: Some(step.revision.clone()), ..Place::line(&step.file, line) })
}

fn ended(transcript: &Transcript, how: &str, output: &[String]) -> Finding {
    let step = transcript.failed_step();
    let at = step.map(|step| format!(", in revision {}", step.revision)).unwrap_or_default();
    let mut finding = Finding::new(format!("the interpreter {how} during `alembic {}`{at}", transcript.command))
        .mark(step.map(place_of).as_ref(), "this revision was running");
    finding.notes.extend(output.iter().rev().take(6).rev().map(|line| format!("python: {line}")));
    finding
        .help("a migration must raise, never end the process")
        .help(format!("everything Python printed: {}", transcript.output.display()))
}

/// An upgrade that succeeds and yet lasts not even until the next one, as a verdict
/// for the criteria that build on it.
pub(super) fn does_not_last(migrated: &Migrated) -> Option<Verdict> {
    let because = again(migrated)?.title;
    Some(Verdict::Blocked { by: CRITERION.id.to_owned(), because })
}

/// The same for an upgrade of which a revision did nothing.
pub(super) fn does_nothing(migrated: &Migrated) -> Option<Verdict> {
    let step = migrated.reached().steps.iter().find(|step| step.awaitable)?;
    Some(Verdict::Blocked { by: CRITERION.id.to_owned(), because: not_awaited(step).title })
}

/// A step whose function is async does nothing.
pub(super) fn not_awaited(step: &Step) -> Finding {
    let function = match step.direction {
        Direction::Upgrade => "upgrade",
        Direction::Downgrade => "downgrade",
    };
    Finding::new(format!("revision {} does nothing: its {function}() is async and nobody awaits it", step.revision))
        .mark(Some(&place_of(step)), "this revision")
        .about(format!("async def {function}"))
        .note(format!("Alembic calls {function}() and throws away the coroutine that it returns"))
        .help(format!("write `def {function}() -> None:`; env.py already runs it inside the async connection"))
}

fn place_of(step: &Step) -> Place {
    Place { revision: Some(step.revision.clone()), end_line: Some(u32::MAX), ..Place::line(&step.file, 1) }
}

/// A second upgrade must find nothing to do.
fn again(migrated: &Migrated) -> Option<Finding> {
    let second = migrated.second.as_ref()?;
    let ran: Vec<&str> = second.steps.iter().map(|step| step.revision.as_str()).collect();
    let empty = migrated.versions.as_ref().is_none_or(Vec::is_empty);
    if !ran.is_empty() {
        let finding = Finding::new(format!("a second `alembic {}` runs {} again", second.command, counted(&ran)));
        return Some(match empty {
            true => finding
                .note("the first one exited without an error, yet the version table holds nothing")
                .help("env.py does not commit: use `with context.begin_transaction():`, and `async with engine.begin()` where it is async"),
            false => finding.note(format!("they ran again: {}", ran.join(", "))),
        });
    }
    failure(second).map(|finding| finding.note("the first one succeeded; this is the second, on the same database"))
}

fn counted(revisions: &[&str]) -> String {
    match revisions {
        [one] => format!("revision {one}"),
        many => format!("{} revisions", many.len()),
    }
}

/// Both ways must end at the heads of the graph.
fn not_at_head(evidence: &Evidence, migrated: &Migrated) -> Option<Finding> {
    if !migrated.reached().finished() || migrated.second.as_ref().is_some_and(|second| !second.steps.is_empty()) {
        return None;
    }
    let rows = evidence.history.graph.version_rows();
    let mut heads: Vec<&str> = rows.into_iter().map(|row| row.id.as_str()).collect();
    heads.sort_unstable();
    let stepped = evidence.stepped.as_ref().filter(|stepped| stepped.upgrade.finished());
    let ways = [("in one go", Some(&migrated.versions)), ("stepped", stepped.map(|stepped| &stepped.versions))];
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
    if versions.is_empty() { "nothing".to_owned() } else { versions.join(", ") }
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
    finding.notes.extend(differences.iter().take(SHOWN).map(described));
    Some(finding.help("look for state that survives between revisions of one run: metadata, module globals, search_path"))
}

fn described(difference: &Difference<'_>) -> String {
    let object = difference.object();
    match (difference.left, difference.right) {
        (Some(left), Some(right)) => format!("{object}: in one go `{}`, stepped `{}`", left.definition, right.definition),
        (Some(_), None) => format!("{object}: only in one go"),
        _ => format!("{object}: only stepped"),
    }
}

fn shortened(sql: &str) -> String {
    let lines: Vec<&str> = sql.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let kept = lines.iter().take(SQL_LINES).copied().collect::<Vec<_>>().join(" ");
    if lines.len() > SQL_LINES { format!("{kept} ...") } else { kept }
}

