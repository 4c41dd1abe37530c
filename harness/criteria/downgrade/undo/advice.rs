//! The remedy for a downgrade that raised: [`advice`].

use crate::alembic::transcript::{ABORTED, Exception, StatementOutcome, Transcript};
use crate::criteria::failure;

/// The remedy for a downgrade that raised.
pub(in crate::criteria::downgrade) fn advice(down: &Transcript) -> &'static str {
    let Some(error) = down.outcome.error() else {
        return UNDO;
    };
    state(down, error)
        .and_then(by_state)
        .or_else(|| by_text(error))
        .or_else(|| failure::hint(down))
        .unwrap_or(UNDO)
}

/// Exceptions that Python raises itself, where code cannot be run as it is written
/// (<https://docs.python.org/3/library/exceptions.html>).
const OF_PYTHON: &[&str] = &[
    "AttributeError",
    "ImportError",
    "IndexError",
    "KeyError",
    "ModuleNotFoundError",
    "NameError",
    "TypeError",
    "UnboundLocalError",
];

const UNDO: &str = "let downgrade() undo, in reverse, what upgrade() does";

/// PostgreSQL's code of what it refused first, where the error only says that it had.
fn state<'a>(down: &'a Transcript, error: &'a Exception) -> Option<&'a str> {
    let state = error.sqlstate.as_deref()?;
    match down.failed_statement().map(|one| &one.outcome) {
        Some(StatementOutcome::Failed { sqlstate, .. }) if state == ABORTED => sqlstate.as_deref(),
        _ => Some(state),
    }
}

/// By PostgreSQL's code (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
fn by_state(state: &str) -> Option<&'static str> {
    match state {
        "2BP01" => {
            Some("drop what depends on it first: downgrade() undoes upgrade() in reverse order")
        }
        "42704" | "42P01" | "42703" | "42883" | "3F000" => Some(
            "downgrade() names something that is not there: compare it with the name that upgrade() gives",
        ),
        "42P07" | "42710" | "42701" | "42P06" => {
            Some("it is there already: upgrade() did not take it away")
        }
        state if state.starts_with("23") => {
            Some("rows stand in the way: say in downgrade() what becomes of them")
        }
        _ => None,
    }
}

fn by_text(error: &Exception) -> Option<&'static str> {
    if error.class == "NotImplementedError" {
        return Some("write the downgrade");
    }
    if OF_PYTHON.contains(&error.class.as_str()) {
        return Some("mend that line: Python stops there, whatever the database holds");
    }
    let text = error.message.to_lowercase();
    let nameless = text.contains("constraint")
        && (text.contains("no name") || text.contains("must have a name"));
    nameless.then_some(
        "give the constraint a name, the same in upgrade() and downgrade(), or the metadata a naming_convention",
    )
}
