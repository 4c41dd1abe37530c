//! Server defaults that only the migrations have: one finding, which one line accepts.
//!
//! `op.add_column(..., nullable=False, server_default=...)` has to fill the rows that exist,
//! and leaves its default behind. Autogenerate compares defaults only where env.py sets
//! `compare_server_default`
//! (<https://alembic.sqlalchemy.org/en/latest/autogenerate.html>), so these are many.

use super::columns::{listed, named};
use super::source;
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
    let default = |drift: &Drift| format!("`{}`", drift.default_left().unwrap_or_default());
    finding = listed(finding, service, models, drifts, default);
    let (table, column) = named(first);
    Some(
        finding
            .help(format!(
                "write it into the model, server_default=..., or drop it in a revision: op.alter_column(\"{table}\", \"{column}\", server_default=None)"
            ))
            .help(format!(
                "all such defaults are accepted by one line in {}, or for every service in {}: {}",
                service.file.display(),
                service.manifest().join("defaults.toml").display(),
                AcceptedIn::ModelDrift.line(KEY)
            ))
            .acceptable(AcceptedIn::ModelDrift, KEY),
    )
}
