//! Integers that are of another size in the database than in the model: one finding, which
//! one line accepts.
//!
//! It is one decision of a team, such as the type of all keys, and often concerns each table
//! (<https://www.postgresql.org/docs/current/datatype-numeric.html#DATATYPE-INT>).

use super::columns::{listed, named};
use super::message::message;
use super::source;
use crate::criteria::{AcceptedIn, Finding};
use crate::evidence::Models;
use crate::evidence::models::{Drift, Integer};
use crate::manifest::Service;

/// The key that accepts all of them.
pub const KEY: &str = "integer types";

/// The columns whose integers differ in size, as one finding.
pub fn finding(service: &Service, models: &Models, drifts: &[&Drift]) -> Option<Finding> {
    let first = drifts.first()?;
    let (migrated, model) = first.integers()?;
    let finding = Finding::new(match drifts.len() {
        1 => message(first),
        many => format!("{many} columns are integers of another size than in the model"),
    });
    let place = source(models, first);
    let finding = finding.mark(place.as_ref(), format!("the model of {}", first.subject()));
    let sides = |drift: &Drift| match drift.integers() {
        Some((migrated, model)) => format!(
            "the model says `{}`, the migrations build `{}`",
            model.name(),
            migrated.name()
        ),
        None => String::new(),
    };
    let mut finding =
        listed(finding, service, models, drifts, sides).help(remedy(first, migrated, model));
    if migrated < model {
        finding = finding.note(format!(
            "a number beyond {} passes the model and not the database",
            migrated.greatest()
        ));
    }
    Some(
        finding
            .help(format!(
                "all such integers are accepted by one line in {}, or for every service in {}: {}",
                service.file.display(),
                service.manifest().join("defaults.toml").display(),
                AcceptedIn::ModelDrift.line(KEY)
            ))
            .acceptable(AcceptedIn::ModelDrift, KEY),
    )
}

/// Advice that brings both sides of a column together.
fn remedy(drift: &Drift, migrated: Integer, model: Integer) -> String {
    let (table, column) = named(drift);
    let (wanted, there) = (model.in_sqlalchemy(), migrated.in_sqlalchemy());
    let revision =
        format!("in a revision: op.alter_column(\"{table}\", \"{column}\", type_=sa.{wanted}())");
    match migrated < model {
        true => format!(
            "{revision}, which rewrites the table while nobody can use it; or write sa.{there}() into the model"
        ),
        false => format!("write sa.{there}() into the model"),
    }
}
