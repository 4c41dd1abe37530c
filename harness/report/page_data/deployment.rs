//! From a deployment to what a report shows of it.

use super::data;
use crate::evidence::Deployment;
use crate::evidence::deployment::{AlteredValues, How, Rollout};

/// The page data of a deployment.
pub fn deployment(deployment: &Deployment) -> data::Deployment {
    let is_one_of_many = deployment.plan.one_by_one;
    let rollouts = deployment.rollouts.iter();
    data::Deployment {
        plan: deployment.plan.to_string(),
        pending: deployment.plan.pending.clone(),
        rollouts: rollouts.map(|one| rollout(one, is_one_of_many)).collect(),
    }
}

fn rollout(rollout: &Rollout, is_one_of_many: bool) -> data::Rollout {
    let planted = rollout.planted.iter().map(|(name, rows)| data::Table {
        name: name.clone(),
        rows: *rows,
        without: None,
        changes: changes(rollout, name),
    });
    let empty = rollout.empty.iter().map(|empty| data::Table {
        name: empty.table.clone(),
        rows: 0,
        without: Some(empty.reason.to_string()),
        changes: Vec::new(),
    });
    let is_shown = |table: &data::Table| {
        let is_named = |name: &str| {
            let named = rollout.empty.iter().find(|one| one.table == name);
            named.is_some_and(|one| one.is_named)
        };
        !is_one_of_many || !table.changes.is_empty() || is_named(&table.name)
    };
    let mut tables: Vec<data::Table> = planted.chain(empty).filter(is_shown).collect();
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    data::Rollout {
        revisions: rollout.revisions.clone(),
        ok: rollout.upgrade.finished(),
        with_rows: rollout.planted.iter().filter(|(_, rows)| *rows > 0).count(),
        special: rollout.special,
        tables,
    }
}

fn changes(rollout: &Rollout, table: &str) -> Vec<data::Change> {
    let altered = rollout
        .altered
        .iter()
        .map(|one| change(one, became(&one.how)));
    let not_restored = rollout.not_restored.iter();
    let not_restored = not_restored.map(|one| change(one, data::Became::NotRestored));
    let all = altered.chain(not_restored);
    let of_table = all.filter(|(name, _)| *name == table);
    of_table.map(|(_, change)| change).collect()
}

fn change(altered: &AlteredValues, became: data::Became) -> (&str, data::Change) {
    let (before, after) = altered.example.clone();
    let change = data::Change {
        column: altered.column.clone(),
        became,
        rows: altered.rows,
        of: altered.of,
        before,
        after,
        meant: altered.is_meant,
    };
    (&altered.table, change)
}

fn became(how: &How) -> data::Became {
    match how {
        How::TableGone | How::ColumnGone => data::Became::Gone,
        How::RowsGone | How::Emptied => data::Became::Fewer,
        How::Changed => data::Became::Changed,
        How::Converted { .. } => data::Became::Converted,
    }
}
