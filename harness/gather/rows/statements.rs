//! The upgrades of a deployment, and the statements that they execute.

use super::AtHead;
use crate::alembic::sql;
use crate::alembic::transcript::{Outcome, Transcript};
use crate::evidence::deployment::{Empty, Plan};
use crate::planting::{Planted, Reason};

/// The targets of the upgrades, each with the revisions that run then.
pub(in crate::gather) fn targets(plan: &Plan, head: &AtHead<'_>) -> Vec<(String, Vec<String>)> {
    match plan.one_by_one {
        true => {
            let each = plan.pending.iter();
            each.map(|id| (id.clone(), vec![id.clone()])).collect()
        }
        false => {
            let command = &head.migrated.reached().command;
            let target = command.strip_prefix("upgrade ").unwrap_or("head");
            vec![(target.to_owned(), plan.pending.clone())]
        }
    }
}

/// The tables that got no rows, and whether the deployment names them.
pub(super) fn empty(planted: &Planted, statements: &[&str]) -> Vec<Empty> {
    let tables = planted.empty.iter();
    let asked = tables.filter(|table| table.reason != Reason::NotAsked);
    let all = asked.map(|table| Empty {
        table: format!("{}.{}", table.schema, table.name),
        reason: table.reason.clone(),
        is_named: statements
            .iter()
            .any(|text| sql::mentions(text, &table.name)),
    });
    all.collect()
}

/// Tells whether statements could leave a sequence behind the keys that it is for.
pub(super) fn concerns_keys(statements: &[&str]) -> bool {
    let about = [
        "insert",
        "copy",
        "setval",
        "sequence",
        "identity",
        "serial",
        "bigserial",
        "nextval",
        "restart",
        "update",
    ];
    let concerns = |text: &&&str| {
        let words = sql::words(text);
        about
            .iter()
            .any(|word| words.iter().any(|known| known == word))
    };
    statements.iter().find(concerns).is_some()
}

pub(super) fn raised(transcript: &Transcript) -> bool {
    matches!(
        transcript.outcome,
        Outcome::Raised(_) | Outcome::Swallowed(_)
    )
}
