//! Server defaults that only the migrations have: one finding, which one line accepts.
//!
//! `op.add_column(..., nullable=False, server_default=...)` has to fill the rows that exist,
//! and leaves its default behind. Autogenerate compares defaults only where env.py sets
//! `compare_server_default`
//! (<https://alembic.sqlalchemy.org/en/latest/autogenerate.html>), so these are many.

use super::{NAMED, SHOWN, source};
use crate::criteria::{AcceptedIn, Finding};
use crate::evidence::Models;
use crate::evidence::models::Drift;
use crate::manifest::Service;

/// The key that accepts all of them.
pub const KEY: &str = "server defaults";

/// The columns with a default that no model has, as one finding.
pub fn finding(service: &Service, models: &Models, drifts: &[&Drift]) -> Option<Finding> {
    let first = drifts.first()?;
    let default = first.default_left()?;
    let mut finding = Finding::new(match drifts.len() {
        1 => format!(
            "{}: the migrations leave the default `{default}`, the model has none",
            first.subject()
        ),
        many => format!("{many} columns have a server default that only the migrations give them"),
    });
    let place = source(models, first);
    finding = finding.mark(place.as_ref(), format!("the model of {}", first.subject()));
    if drifts.len() > 1 {
        let lines = lines(service, models, drifts);
        let hidden = lines.len().saturating_sub(SHOWN);
        for line in lines.into_iter().take(SHOWN) {
            finding = finding.note(line);
        }
        if hidden > 0 {
            finding = finding.note(format!("and {hidden} more defaults"));
        }
    }
    let (table, column) = column(first);
    Some(
        finding
            .help(format!(
                "write it into the model, server_default=..., or drop it in a revision: op.alter_column(\"{table}\", \"{column}\", server_default=None)"
            ))
            .help(format!(
                "all such defaults are accepted by one line in {}, or for every service in {}: [model_drift.accepted] \"{KEY}\" = \"<reason>\"",
                service.file.display(),
                service.manifest().join("defaults.toml").display()
            ))
            .acceptable(AcceptedIn::ModelDrift, KEY),
    )
}

/// A line per column, or per default where there are more columns than can be shown.
fn lines(service: &Service, models: &Models, drifts: &[&Drift]) -> Vec<String> {
    let default = |drift: &Drift| drift.default_left().unwrap_or_default().to_owned();
    if drifts.len() <= SHOWN {
        let line = |drift: &&Drift| {
            let place = source(models, drift).map_or(String::new(), |place| {
                format!(" ({}:{})", service.shown(&place.file), place.line)
            });
            format!("{}: `{}`{place}", drift.subject(), default(drift))
        };
        return drifts.iter().map(line).collect();
    }
    let mut by_default: Vec<(String, Vec<String>)> = Vec::new();
    for drift in drifts {
        let of = default(drift);
        match by_default.iter_mut().find(|(known, _)| *known == of) {
            Some((_, columns)) => columns.push(drift.subject()),
            None => by_default.push((of, vec![drift.subject()])),
        }
    }
    by_default.sort_by_key(|(_, columns)| std::cmp::Reverse(columns.len()));
    let line = |(default, columns): (String, Vec<String>)| match columns.len() {
        many if many <= NAMED => format!("`{default}`: {}", columns.join(", ")),
        many => format!(
            "`{default}`: {} and {} more",
            columns[..NAMED].join(", "),
            many - NAMED
        ),
    };
    by_default.into_iter().map(line).collect()
}

/// The table and the name of a column.
fn column(drift: &Drift) -> (&str, &str) {
    let table = drift.table.as_deref().unwrap_or_default();
    let name = drift.object().map_or("", |object| object.name.as_str());
    let column = name
        .strip_prefix(table)
        .and_then(|rest| rest.strip_prefix('.'));
    (table, column.unwrap_or(name))
}
