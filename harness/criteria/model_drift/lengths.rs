//! Lengths that only the migrations have: one finding, which one line accepts.
//!
//! A `String` without a length is `character varying`, for which autogenerate takes one with
//! any length, so that `alembic check` does not see these
//! (<https://alembic.sqlalchemy.org/en/latest/autogenerate.html#comparing-types>).

use super::columns::{listed, named};
use super::source;
use crate::criteria::{AcceptedIn, Finding};
use crate::evidence::Models;
use crate::evidence::models::Drift;
use crate::manifest::Service;

/// The key that accepts all of them.
pub const KEY: &str = "lengths";

/// The columns with a length that no model has, as one finding.
pub fn finding(service: &Service, models: &Models, drifts: &[&Drift]) -> Option<Finding> {
    let first = drifts.first()?;
    let built = first.length_left()?;
    let finding = Finding::new(match drifts.len() {
        1 => format!(
            "{}: the migrations build `{built}`, the model has no length",
            first.subject()
        ),
        many => format!("{many} columns have a length that only the migrations give them"),
    });
    let place = source(models, first);
    let finding = finding.mark(place.as_ref(), format!("the model of {}", first.subject()));
    let length = |drift: &Drift| drift.length_left().unwrap_or_default().to_owned();
    let digits: String = built.chars().filter(char::is_ascii_digit).collect();
    let (table, column) = named(first);
    Some(
        listed(finding, service, models, drifts, length)
            .note("a longer value passes the model, and PostgreSQL refuses it")
            .help(format!(
                "write it into the model, String({digits}), or lift it in a revision: op.alter_column(\"{table}\", \"{column}\", type_=sa.String())"
            ))
            .help(format!(
                "all such lengths are accepted by one line in {}, or for every service in {}: [model_drift.accepted] \"{KEY}\" = \"<reason>\"",
                service.file.display(),
                service.manifest().join("defaults.toml").display()
            ))
            .acceptable(AcceptedIn::ModelDrift, KEY),
    )
}
