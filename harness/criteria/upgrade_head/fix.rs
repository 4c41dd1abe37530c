//! A label that is committed before it is used.

use super::CRITERION;
use crate::alembic::edits::Source;
use crate::alembic::sql;
use crate::alembic::transcript::{Statement, Transcript};
use crate::criteria::proposal::{Act, Class, Fix, Proposal, PublishedIds};
use crate::evidence::Evidence;
use crate::manifest::Service;
use crate::patch::Patch;

/// PostgreSQL's unsafe_new_enum_value_usage
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
const USED_AT_ONCE: &str = "55P04";
/// The block in which Alembic commits what ran so far, and runs each statement by itself
/// (<https://alembic.sqlalchemy.org/en/latest/api/runtime.html>, `autocommit_block`).
const BLOCK: &str = "with op.get_context().autocommit_block():";

/// Proposes a block of its own for each label that the transaction had added.
pub fn propose(_: &Service, evidence: &Evidence, _: &PublishedIds) -> Vec<Proposal> {
    let Some(migrated) = &evidence.migrated else {
        return Vec::new();
    };
    let reached = migrated.reached();
    let error = reached.outcome.error();
    let state = error.and_then(|error| error.sqlstate.as_deref());
    match (error, state) {
        (Some(error), Some(USED_AT_ONCE)) => {
            let label = error.message.split('"').nth(1).unwrap_or_default();
            for_label(reached, label).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn for_label(reached: &Transcript, label: &str) -> Option<Proposal> {
    let quoted = format!("'{}'", label.replace('\'', "''"));
    let adds = |statement: &&Statement| {
        let words = sql::words(&statement.sql);
        let adds = words.windows(2).any(|pair| pair == ["add", "value"]);
        adds && statement.sql.contains(&quoted)
    };
    let place = reached.statements.iter().rev().find(adds)?.place.clone()?;
    let id = place.revision.clone().unwrap_or_default();
    let edits = Source::read(&place.file).and_then(|source| source.within(place.line, BLOCK));
    let Some(edits) = edits else {
        let why = format!("the statement that adds label '{label}' is not one of its own");
        return Some(Proposal::refused(&CRITERION, why));
    };
    let what = format!("revision {id} commits label '{label}' before it is used");
    let act = Act::Edit(Patch::default().edit(&place.file, edits));
    Some(Proposal::Fix(Fix {
        class: Class::Unsafe,
        ..Fix::new(&CRITERION, what, act)
    }))
}
