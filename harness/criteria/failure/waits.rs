//! The session that holds up a statement, and its place.

use super::shortened;
use crate::alembic::transcript::{Place, StatementOutcome, Transcript};
use crate::criteria::Finding;
use crate::postgres::activity::Wait;

/// The sessions that hold others up and wait for nobody themselves.
fn roots(waits: &[Wait]) -> Vec<i32> {
    let mut roots: Vec<i32> = Vec::new();
    for Wait { holder, .. } in waits {
        let waits_too = waits.iter().any(|wait| wait.waiter == *holder);
        if !waits_too && !roots.contains(holder) {
            roots.push(*holder);
        }
    }
    roots
}

impl Finding {
    /// Says which session holds what the statement waits for: where it was opened, and
    /// what it ran last.
    pub(super) fn held_by(self, transcript: &Transcript, waits: &[Wait]) -> Self {
        roots(waits)
            .into_iter()
            .fold(self, |finding, holder| holds(finding, transcript, holder))
    }
}

fn holds(finding: Finding, transcript: &Transcript, holder: i32) -> Finding {
    let last = transcript.statements.iter().rev().find(|one| {
        one.session == Some(holder) && matches!(one.outcome, StatementOutcome::Done { .. })
    });
    let opened = transcript
        .connected
        .iter()
        .rev()
        .find(|one| one.session == Some(holder))
        .and_then(|one| one.place.as_ref());
    let Some(place) = last.and_then(|one| one.place.as_ref()).or(opened) else {
        return finding.note(format!(
            "pid {holder}, which holds it up, was opened past SQLAlchemy or by another process"
        ));
    };
    let deed = match last.and_then(|one| one.place.as_ref()) {
        Some(_) => "ran this last",
        None => "was opened here",
    };
    let finding = finding.mark(
        Some(place),
        format!("pid {holder}, which holds it up, {deed}"),
    );
    let finding = match last {
        Some(statement) => finding.note(format!(
            "pid {holder} ran last, and has not ended its transaction: {}",
            shortened(&statement.sql)
        )),
        None => finding,
    };
    finding.help(remedy(place))
}

fn remedy(place: &Place) -> &'static str {
    match place.revision {
        Some(_) => {
            "two connections to one database wait for each other: run both statements on op.get_bind(), or by op.execute"
        }
        None => {
            "end what env.py begins before the migrations run: commit or close that connection, and migrate on one engine"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn a_root_waits_for_nobody() {
        let wait = |waiter, holder| Wait { waiter, holder };
        assert_eq!(roots(&[wait(3, 2), wait(2, 1), wait(4, 1)]), [1]);
        assert_eq!(roots(&[]), Vec::<i32>::new());
    }
}
