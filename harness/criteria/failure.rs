//! The failure of a way of upgrading: what was raised, took too long, or
//! ended the interpreter.

mod before;
mod waits;

use super::Finding;
use crate::alembic::sql;
use crate::alembic::transcript::{
    ABORTED, Direction, Exception, Outcome, Place, Statement, StatementOutcome, Step, Transcript,
};
use crate::postgres::activity::Wait;

/// The number of lines of a failed statement that are shown.
const SQL_LINES: usize = 4;
/// The number of further lines of an error's text that are shown.
const MESSAGE_LINES: usize = 4;
/// The number of frames of a stack that are shown.
const FRAMES: usize = 6;

/// The name of the application of a service that Flask-Migrate migrates.
const FLASK_APP: &str = "env.py needs the Flask application: in the manifest, flask_app = \"<module>:<application or factory()>\", as `flask --app` takes it";

/// The reason that a transcript did not finish.
pub(super) fn failure(transcript: &Transcript) -> Option<Finding> {
    match &transcript.outcome {
        Outcome::Finished => None,
        Outcome::Raised(error) => Some(raised(transcript, error)),
        Outcome::Swallowed(error) => Some(
            raised(transcript, error)
                .note("env.py catches this error, so that `alembic` exits with status 0")
                .help("let env.py raise it again: a deployment takes the status 0 for success"),
        ),
        Outcome::TimedOut {
            limit,
            python,
            database,
            waits,
        } => Some(timed_out(transcript, *limit, python, database, waits)),
        Outcome::Ended { how, output } => Some(ended(transcript, how, output)),
    }
}

fn raised(transcript: &Transcript, error: &Exception) -> Finding {
    let statement = failed(transcript, error);
    let message = error.first_line();
    let mut finding = opening(transcript, error, statement);
    if let Some(state) = &error.sqlstate {
        finding = finding.note(format!("postgresql: {state} {message}"));
    }
    let rest = error
        .message
        .lines()
        .skip(1)
        .map(str::trim)
        .take_while(|line| !repeats(line));
    // A caret says nothing once the line that it stands below is trimmed.
    let rest = rest.filter(|line| !line.is_empty() && *line != "^");
    finding
        .notes
        .extend(rest.take(MESSAGE_LINES).map(str::to_owned));
    finding.notes.extend(error.notes.clone());
    finding
        .notes
        .extend(refused_before(transcript).map(went_on));
    finding = finding.note(format!("seen in `alembic {}`", transcript.command));
    finding.notes.extend(caught(transcript));
    if let Some(statement) = statement {
        finding = finding.note(format!("the statement: {}", shortened(&statement.sql)));
    }
    let known = before::advice(error).or_else(|| {
        let state = error.sqlstate.as_deref()?;
        advice(state, statement).map(str::to_owned)
    });
    finding = match known {
        Some(advice) => finding.help(advice),
        None if error.class == "NotImplementedError" => finding.help("write the upgrade, or remove the revision"),
        None if error.needs_application => finding.help(FLASK_APP),
        None if error.class == "CompileError" && message.contains("requires a name") => finding.help(
            "PostgreSQL keeps an enum type by its name: sa.Enum(..., name=\"<name>\")",
        ),
        None if message.contains("as_sql") => finding.help(
            "env.py prepares for `--sql` only: where context.is_offline_mode() is false, give context.configure a connection",
        ),
        None => finding,
    };
    finding.help(format!(
        "everything Python printed: {}",
        transcript.output.display()
    ))
}

/// The statement that PostgreSQL refused, if that is what was raised.
pub(super) fn failed<'a>(transcript: &'a Transcript, error: &Exception) -> Option<&'a Statement> {
    transcript
        .failed_statement()
        .filter(|_| error.sqlstate.is_some())
}

/// The words with which PostgreSQL had refused a statement before, where an error only says
/// that it had.
pub(super) fn refused_before(transcript: &Transcript) -> Option<&str> {
    let error = transcript.outcome.error()?;
    let is_late = error.sqlstate.as_deref() == Some(ABORTED);
    match &transcript.failed_statement()?.outcome {
        StatementOutcome::Failed { message, .. } if is_late => Some(message),
        _ => None,
    }
}

/// The remark about a refusal that the service went on after.
pub(super) fn went_on(refusal: &str) -> String {
    format!("the transaction was aborted before, and Python went on: {refusal}")
}

/// The number of refused connections that are named.
const CAUGHT: usize = 2;

/// The connections that were refused and that the service went on without: no cause, and
/// yet what somebody who looks for one wants to know.
fn caught(transcript: &Transcript) -> Vec<String> {
    let mut named: Vec<String> = Vec::new();
    for refused in &transcript.refused {
        let text = format!(
            "not the cause: a connection to {} was refused before, and caught",
            refused.address()
        );
        if !named.contains(&text) && named.len() < CAUGHT {
            named.push(text);
        }
    }
    named
}

/// The failure and its place.
fn opening(transcript: &Transcript, error: &Exception, statement: Option<&Statement>) -> Finding {
    let here = format!("{} here", error.name());
    match (transcript.failed_step(), transcript.steps.last()) {
        (Some(step), _) => {
            // What PostgreSQL says is understood without the class of the error.
            let said = error
                .sqlstate
                .as_ref()
                .map_or(error.line(), |_| error.first_line().to_owned());
            Finding::new(format!(
                "revision {} cannot be upgraded: {said}",
                step.revision
            ))
            .mark(failed_at(transcript).as_ref(), here)
        }
        (None, Some(step)) if statement.is_some_and(is_of_version_table) => Finding::new(format!(
            "revision {} ran, but cannot be written to the version table: {}",
            step.revision,
            error.first_line()
        ))
        .mark(Some(&place_of(step)), "this revision"),
        _ => Finding::new(format!("`alembic upgrade` raises {}", error.line()))
            .mark(failed_at(transcript).as_ref(), here),
    }
}

/// Tells whether a statement is Alembic's own on its version table.
pub(super) fn is_of_version_table(statement: &Statement) -> bool {
    statement.place.is_none() && statement.sql.contains("version_num")
}

/// SQLAlchemy ends with the statement, the parameters, and a link to its documentation.
fn repeats(line: &str) -> bool {
    let openings = ["[SQL:", "[parameters:", "(Background on this error"];
    openings.iter().any(|opening| line.starts_with(opening))
}

/// The remedies for errors that have one usual cause
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
fn advice(sqlstate: &str, statement: Option<&Statement>) -> Option<&'static str> {
    let of_version_table = statement.is_some_and(is_of_version_table);
    match sqlstate {
        "55P04" => Some(
            "commit the new label before it is used: put ALTER TYPE ... ADD VALUE into `with op.get_context().autocommit_block():`",
        ),
        "22001" if of_version_table => {
            Some("the version table holds 32 characters: give the revision a shorter id")
        }
        "42P07" => {
            Some("the relation exists already: two revisions create it, or it is created by env.py")
        }
        "42804" if statement.is_some_and(changes_a_type) => Some(
            "PostgreSQL does not convert these by itself: say how, op.alter_column(..., postgresql_using=\"<column>::<type>\"); drop a default before that, and set it again after",
        ),
        "42501" => Some(
            "the role that migrates may not do this: what an administrator does in production goes into `[postgres] prepare` of the manifest",
        ),
        "42710" => Some("the object exists already: look for an earlier revision that creates it"),
        "0A000" if statement.is_some_and(changes_a_type) => Some(
            "what needs the column (DETAIL names it) keeps its type: drop that before, and create it again after",
        ),
        "0A000" => Some("PostgreSQL does not offer this in the version that was used"),
        "25001" => {
            Some("it cannot run in a transaction: use `with op.get_context().autocommit_block():`")
        }
        _ => None,
    }
}

/// Tells whether a statement gives a column another type.
fn changes_a_type(statement: &Statement) -> bool {
    let words = sql::words(&statement.sql);
    let times = |word: &str| words.iter().filter(|one| *one == word).count();
    times("alter") > 1 && times("type") > 0
}

/// The remedy for the error that ended a transcript, if one is known.
pub(super) fn hint(transcript: &Transcript) -> Option<&'static str> {
    let error = transcript.outcome.error()?;
    advice(error.sqlstate.as_deref()?, transcript.failed_statement())
}

/// The place where a transcript failed: the statement, else the revision's innermost frame.
pub(super) fn failed_at(transcript: &Transcript) -> Option<Place> {
    let statement = |transcript: &Transcript| transcript.failed_statement()?.place.clone();
    match transcript.outcome.error() {
        Some(error) if error.sqlstate.is_none() => frame(transcript, error),
        Some(error) => statement(transcript).or_else(|| frame(transcript, error)),
        None => statement(transcript),
    }
}

/// The innermost frame of a revision; else the revision that was running, such as one
/// that lacks the function; else the service's innermost frame.
fn frame(transcript: &Transcript, error: &Exception) -> Option<Place> {
    let of_revision = error
        .frames
        .iter()
        .rev()
        .find(|frame| frame.revision.is_some());
    if let (None, Some(step)) = (of_revision, transcript.failed_step()) {
        return Some(Place {
            end_line: None,
            ..place_of(step)
        });
    }
    let frame = of_revision.or(error.frames.last())?;
    Some(Place {
        revision: frame.revision.clone(),
        ..Place::line(&frame.file, frame.line)
    })
}

fn timed_out(
    transcript: &Transcript,
    limit: f64,
    python: &[String],
    database: &[String],
    waits: &[Wait],
) -> Finding {
    let running = transcript.failed_statement();
    let step = transcript.failed_step();
    let at = step
        .map(|step| format!(", in revision {}", step.revision))
        .unwrap_or_default();
    let mut finding = Finding::new(format!(
        "`alembic {}` took longer than {limit} s{at}",
        transcript.command
    ));
    finding = match running {
        Some(statement) => finding
            .mark(statement.place.as_ref(), "this statement was running")
            .note(format!("the statement: {}", shortened(&statement.sql))),
        None => finding.mark(
            step.and_then(|step| stuck_at(step, python)).as_ref(),
            "Python was here",
        ),
    };
    finding
        .notes
        .extend(database.iter().map(|line| format!("postgresql: {line}")));
    let own = python.iter().filter(|line| is_own_frame(line));
    finding.notes.extend(
        own.take(FRAMES)
            .map(|line| format!("python, innermost first: {}", line.trim())),
    );
    finding
        .held_by(transcript, waits)
        .help("if it is only slow, raise `timeouts.upgrade` in the manifest")
        .help(format!(
            "everything Python printed: {}",
            transcript.output.display()
        ))
}

/// A line of a stack that is not about a library, Python's own code or the worker.
fn is_own_frame(line: &str) -> bool {
    let others = [
        "site-packages",
        "/lib/python",
        "/worker.py\"",
        "/migration_harness_",
        "<string>",
        "<frozen",
    ];
    line.trim_start().starts_with("File ") && !others.iter().any(|other| line.contains(other))
}

/// The revision's line in a stack that `faulthandler` wrote:
/// `File "<path>", line 20 in upgrade`.
fn stuck_at(step: &Step, python: &[String]) -> Option<Place> {
    let file = format!("\"{}\", line ", step.file.display());
    let rest = python
        .iter()
        .find_map(|line| line.split_once(file.as_str()))?
        .1;
    let line = rest.split_whitespace().next()?.parse().ok()?;
    Some(Place {
        revision: Some(step.revision.clone()),
        ..Place::line(&step.file, line)
    })
}

fn ended(transcript: &Transcript, how: &str, output: &[String]) -> Finding {
    let step = transcript.failed_step();
    let at = step
        .map(|step| format!(", in revision {}", step.revision))
        .unwrap_or_default();
    let mut finding = Finding::new(format!(
        "the interpreter {how} during `alembic {}`{at}",
        transcript.command
    ))
    .mark(step.map(place_of).as_ref(), "this revision was running");
    finding.notes.extend(
        output
            .iter()
            .rev()
            .take(6)
            .rev()
            .map(|line| format!("python: {line}")),
    );
    finding
        .help("a migration must raise, never end the process")
        .help(format!(
            "everything Python printed: {}",
            transcript.output.display()
        ))
}

pub(super) fn shortened(sql: &str) -> String {
    let lines: Vec<&str> = sql
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let kept = lines
        .iter()
        .take(SQL_LINES)
        .copied()
        .collect::<Vec<_>>()
        .join(" ");
    if lines.len() > SQL_LINES {
        format!("{kept} ...")
    } else {
        kept
    }
}

/// The problem of a step whose function is async, in one line.
pub(super) fn does_nothing(step: &Step) -> String {
    format!(
        "revision {} does nothing: its {}() is async and nobody awaits it",
        step.revision,
        function(step)
    )
}

fn function(step: &Step) -> &'static str {
    match step.direction {
        Direction::Upgrade => "upgrade",
        Direction::Downgrade => "downgrade",
    }
}

/// A step whose function is async does nothing.
pub(super) fn not_awaited(step: &Step) -> Finding {
    let function = function(step);
    Finding::new(does_nothing(step))
        .mark(Some(&place_of(step)), "this revision")
        .about(format!("async def {function}"))
        .note(format!(
            "Alembic calls {function}() and throws away the coroutine that it returns"
        ))
        .help(format!(
            "write `def {function}() -> None:`; env.py already runs it inside the async connection"
        ))
}

fn place_of(step: &Step) -> Place {
    Place {
        revision: Some(step.revision.clone()),
        end_line: Some(u32::MAX),
        ..Place::line(&step.file, step.line.unwrap_or(1))
    }
}

#[cfg(test)]
mod tests;
