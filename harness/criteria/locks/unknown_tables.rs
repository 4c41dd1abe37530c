//! Tables that `[locks] small` and `large` name, and that no database has: [`unknown`].

use std::collections::BTreeSet;

use super::KeyedFinding;
use crate::criteria::Finding;
use crate::evidence::Evidence;
use crate::manifest::{LockRules, Service, nearest};

/// A finding for each name that means no table, neither a deployed one nor one at head.
pub(super) fn unknown(service: &Service, evidence: &Evidence) -> Vec<KeyedFinding> {
    let tables = tables(evidence);
    let rules = &service.locks;
    let named = [("small", &rules.small), ("large", &rules.large)];
    let each = named
        .into_iter()
        .flat_map(|(key, names)| names.iter().map(move |name| (key, name)));
    let is_unknown = |name: &String| {
        let names = std::slice::from_ref(name);
        let mut known = tables.iter();
        !known.any(|(schema, table)| LockRules::names(names, schema, table))
    };
    each.filter(|(_, name)| is_unknown(name))
        .map(|(key, name)| {
            KeyedFinding::red(
                format!("{key} {name}"),
                finding(service, key, name, &tables),
            )
        })
        .collect()
}

/// All tables, each with its schema.
fn tables(evidence: &Evidence) -> BTreeSet<(&str, &str)> {
    let measured = evidence.locks.iter().flat_map(|locks| &locks.measured);
    let deployed = measured.flat_map(|one| &one.relations);
    let deployed = deployed.map(|one| (one.schema.as_str(), one.name.as_str()));
    let catalog = evidence
        .migrated
        .iter()
        .filter_map(|one| one.catalog.as_ref());
    let objects = catalog.flat_map(|catalog| &catalog.objects);
    let at_head = objects
        .filter(|one| one.kind.is_relation())
        .filter_map(|one| Some((one.schema.as_deref()?, one.name.as_str())));
    deployed.chain(at_head).collect()
}

fn finding(service: &Service, key: &str, name: &str, tables: &BTreeSet<(&str, &str)>) -> Finding {
    let finding = Finding::new(format!(
        "`[locks] {key}` names {name}, and neither the deployed database nor that at head has such a table"
    ));
    let file = service.file.display();
    let bare = name.rsplit('.').next().unwrap_or(name);
    match nearest(bare, tables.iter().map(|(_, table)| *table)) {
        Some(meant) => finding.help(format!("did you mean \"{meant}\"? in {file}")),
        None => finding.help(format!("remove it from [locks] {key} in {file}")),
    }
}
