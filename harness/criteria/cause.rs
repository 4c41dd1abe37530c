//! Who explains a failed upgrade: one defect reads as one finding, and the other
//! criteria name its owner in one line.

use std::collections::BTreeSet;

use super::{Verdict, enum_types, single_head, upgrade_head};
use crate::alembic::transcript::{Outcome, Transcript};
use crate::evidence::{Evidence, Migrated};

/// Why nothing that was built by `upgrade head` can be judged; `None` if it can.
#[must_use]
pub fn unusable(evidence: &Evidence, migrated: &Migrated) -> Option<Verdict> {
    blocked(evidence, migrated.reached())
        .or_else(|| no_graph(evidence))
        .or_else(|| no_history(evidence, migrated.reached()))
        .or_else(|| upgrade_head::does_not_last(migrated))
        .or_else(|| incomplete(evidence, migrated.reached()))
}

/// Files that form no graph: Alembic leaves some of them out without an error, such as
/// the second of two that declare one id, and what never ran is not judged.
#[must_use]
pub fn no_graph(evidence: &Evidence) -> Option<Verdict> {
    let because = single_head::problem(&evidence.history)?;
    Some(Verdict::Blocked {
        by: single_head::CRITERION.id.to_owned(),
        because,
    })
}

/// An upgrade that succeeds because there is no history that it could run.
#[must_use]
pub fn no_history(evidence: &Evidence, transcript: &Transcript) -> Option<Verdict> {
    let empty = transcript.finished() && transcript.steps.is_empty();
    (empty && single_head::is_broken(&evidence.history)).then(|| Verdict::Blocked {
        by: single_head::CRITERION.id.to_owned(),
        because: format!("`alembic {}` finds no revision to run", transcript.command),
    })
}

/// The criterion that explains why `transcript` did not finish, as a verdict for
/// all the others; `None` if it finished.
#[must_use]
pub fn blocked(evidence: &Evidence, transcript: &Transcript) -> Option<Verdict> {
    let because = match &transcript.outcome {
        Outcome::Finished => return None,
        Outcome::Raised(raised) => raised.line(),
        Outcome::TimedOut { limit, .. } => {
            format!("`{}` took longer than {limit} s", transcript.command)
        }
        Outcome::Ended { how, .. } => format!("during `{}`, Python {how}", transcript.command),
    };
    Some(Verdict::Blocked {
        by: owner(evidence, transcript).to_owned(),
        because,
    })
}

/// The id of the criterion that explains it.
#[must_use]
pub fn owner(evidence: &Evidence, transcript: &Transcript) -> &'static str {
    let nothing_ran = transcript.steps.is_empty();
    if nothing_ran && single_head::is_broken(&evidence.history) {
        single_head::CRITERION.id
    } else if enum_types::stopped(transcript).is_some() {
        enum_types::CRITERION.id
    } else {
        upgrade_head::CRITERION.id
    }
}

/// The revisions of the graph that a finished transcript did not run: what never
/// ran was never judged.
#[must_use]
pub fn never_ran<'a>(evidence: &'a Evidence, transcript: &Transcript) -> Vec<&'a str> {
    let ran: BTreeSet<&str> = transcript
        .steps
        .iter()
        .map(|step| step.revision.as_str())
        .collect();
    evidence
        .history
        .graph
        .upgrade_order()
        .into_iter()
        .map(|revision| revision.id.as_str())
        .filter(|id| !ran.contains(id))
        .collect()
}

/// Red where revisions ran and not one statement was seen, not even Alembic's own:
/// the service undid SQLAlchemy's events.
#[must_use]
pub fn unseen(transcript: &Transcript) -> Option<Verdict> {
    let unseen = !transcript.steps.is_empty() && transcript.statements.is_empty();
    unseen.then(|| {
        Verdict::without(&format!(
            "every statement of `alembic {}` (does the service undo SQLAlchemy's events?)",
            transcript.command
        ))
    })
}

/// Red where a transcript does not cover the whole history.
#[must_use]
pub fn incomplete(evidence: &Evidence, transcript: &Transcript) -> Option<Verdict> {
    let missing = never_ran(evidence, transcript);
    (!missing.is_empty()).then(|| Verdict::Blocked {
        by: upgrade_head::CRITERION.id.to_owned(),
        because: format!(
            "`alembic {}` never ran {}",
            transcript.command,
            missing.join(", ")
        ),
    })
}

#[cfg(test)]
mod tests;
