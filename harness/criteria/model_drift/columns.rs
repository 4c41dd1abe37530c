//! Columns that differ from the models in one and the same way: the lines of a finding that
//! is about all of them, [`listed`].

use super::{NAMED, SHOWN, source};
use crate::criteria::Finding;
use crate::evidence::Models;
use crate::evidence::models::Drift;
use crate::manifest::Service;

/// The finding with a line per column, where there are several; or, where there are more
/// columns than can be shown, with a line for each thing that is built (`built`).
pub fn listed(
    finding: Finding,
    service: &Service,
    models: &Models,
    drifts: &[&Drift],
    built: impl Fn(&Drift) -> String,
) -> Finding {
    if drifts.len() < 2 {
        return finding;
    }
    let lines = lines(service, models, drifts, built);
    let hidden = lines.len().saturating_sub(SHOWN);
    let finding = lines.into_iter().take(SHOWN).fold(finding, Finding::note);
    match hidden {
        0 => finding,
        more => finding.note(format!("and {more} more like these")),
    }
}

fn lines(
    service: &Service,
    models: &Models,
    drifts: &[&Drift],
    built: impl Fn(&Drift) -> String,
) -> Vec<String> {
    if drifts.len() <= SHOWN {
        let line = |drift: &&Drift| {
            let place = source(models, drift).map_or(String::new(), |place| {
                format!(" ({}:{})", service.shown(&place.file), place.line)
            });
            format!("{}: {}{place}", drift.subject(), built(drift))
        };
        return drifts.iter().map(line).collect();
    }
    let mut alike: Vec<(String, Vec<String>)> = Vec::new();
    for drift in drifts {
        let of = built(drift);
        match alike.iter_mut().find(|(known, _)| *known == of) {
            Some((_, columns)) => columns.push(drift.subject()),
            None => alike.push((of, vec![drift.subject()])),
        }
    }
    alike.sort_by_key(|(_, columns)| std::cmp::Reverse(columns.len()));
    let line = |(built, columns): (String, Vec<String>)| match columns.len() {
        many if many <= NAMED => format!("{built}: {}", columns.join(", ")),
        many => format!(
            "{built}: {} and {} more",
            columns[..NAMED].join(", "),
            many - NAMED
        ),
    };
    alike.into_iter().map(line).collect()
}

/// The table and the name of a column.
pub fn named(drift: &Drift) -> (&str, &str) {
    let table = drift.table.as_deref().unwrap_or_default();
    let name = drift.object().map_or("", |object| object.name.as_str());
    let column = name
        .strip_prefix(table)
        .and_then(|rest| rest.strip_prefix('.'));
    (table, column.unwrap_or(name))
}
