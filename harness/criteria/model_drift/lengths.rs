//! Lengths that only the migrations have, or only the models: one finding, which one line
//! accepts.
//!
//! A `String` without a length is `character varying`, for which autogenerate takes one with
//! any length, so that `alembic check` does not see these
//! (<https://alembic.sqlalchemy.org/en/latest/autogenerate.html#comparing-types>). An `Enum`
//! that is no type of PostgreSQL's is as long as its longest label.

use super::columns::{listed, named};
use super::message::message;
use super::source;
use crate::criteria::{AcceptedIn, Finding};
use crate::evidence::Models;
use crate::evidence::models::Drift;
use crate::manifest::Service;

/// The key that accepts all of them.
pub const KEY: &str = "lengths";

/// The columns with a length on one side, as one finding.
pub fn finding(service: &Service, models: &Models, drifts: &[&Drift]) -> Option<Finding> {
    let first = drifts.first()?;
    let (migrated, model) = first.length_on_one_side()?;
    let finding = Finding::new(match drifts.len() {
        1 => message(first),
        many => {
            format!("{many} columns have a length in the model or in the database, not in both")
        }
    });
    let place = source(models, first);
    let finding = finding.mark(place.as_ref(), format!("the model of {}", first.subject()));
    let sides = |drift: &Drift| {
        let (migrated, model) = drift.length_on_one_side().unwrap_or_default();
        format!("the model says `{model}`, the migrations build `{migrated}`")
    };
    Some(
        listed(finding, service, models, drifts, sides)
            .help(remedy(first, migrated, model))
            .help(format!(
                "all such lengths are accepted by one line in {}, or for every service in {}: {}",
                service.file.display(),
                service.manifest().join("defaults.toml").display(),
                AcceptedIn::ModelDrift.line(KEY)
            ))
            .acceptable(AcceptedIn::ModelDrift, KEY),
    )
}

/// Advice that brings both sides of a column together.
fn remedy(drift: &Drift, migrated: &str, model: &str) -> String {
    let (table, column) = named(drift);
    let length = |of: &str| -> String { of.chars().filter(char::is_ascii_digit).collect() };
    match (length(migrated), length(model)) {
        (digits, none) if none.is_empty() => format!(
            "a longer value passes the model and not the database: write the length into the model, String({digits}), or lift it in a revision: op.alter_column(\"{table}\", \"{column}\", type_=sa.String())"
        ),
        (_, digits) => format!(
            "give the length in a revision: op.alter_column(\"{table}\", \"{column}\", type_=sa.String({digits})); or take it out of the model, where it is not an Enum's, which is as long as its longest label"
        ),
    }
}
