//! One difference in the user's terms: [`message`].

use crate::evidence::catalog::{Object, ObjectKind};
use crate::evidence::models::Drift;

/// One difference in the user's terms.
pub fn message(drift: &Drift) -> String {
    let subject = drift.subject();
    match (&drift.migrated, &drift.model) {
        (Some(migrated), Some(model)) if model.kind == ObjectKind::EnumType => {
            match drift.used_by.as_slice() {
                [] => format!("{subject}: {}", labels(migrated, model)),
                [column, others @ ..] => {
                    let more = if others.is_empty() {
                        String::new()
                    } else {
                        format!(", and {}", others.join(", "))
                    };
                    format!("{column}{more}: {subject}: {}", labels(migrated, model))
                }
            }
        }
        (Some(_), Some(_)) if drift.renamed => format!(
            "{subject}: the migrations build the same by another name, {}",
            built(drift)
        ),
        (Some(migrated), Some(model)) if migrated.name != model.name => format!(
            "{subject}: the model says `{}`, the migrations build {}: `{}`",
            model.definition.trim(),
            built(drift),
            migrated.definition.trim()
        ),
        (Some(migrated), Some(model)) if migrated.definition.is_empty() => {
            format!(
                "{subject}: the model says `{}`, the migrations do not",
                model.definition.trim()
            )
        }
        (Some(migrated), Some(model)) => {
            format!(
                "{subject}: the model says `{}`, the migrations build `{}`",
                model.definition.trim(),
                migrated.definition.trim()
            )
        }
        (None, Some(model)) => format!(
            "{subject}: the model has it, the migrations do not build it{}",
            detail(model)
        ),
        (Some(migrated), None) => format!(
            "{subject}: the migrations build it, the model does not have it{}",
            detail(migrated)
        ),
        (None, None) => subject,
    }
}

/// The object that the migrations build, by its name.
fn built(drift: &Drift) -> String {
    let other = Drift {
        model: None,
        ..drift.clone()
    };
    other.subject()
}

fn detail(object: &Object) -> String {
    if object.kind == ObjectKind::Table || object.definition.is_empty() {
        String::new()
    } else {
        format!(": `{}`", object.definition.trim())
    }
}

/// The difference between two lists of labels.
fn labels(migrated: &Object, model: &Object) -> String {
    let list = |object: &Object| {
        object
            .definition
            .split(", ")
            .map(str::to_owned)
            .collect::<Vec<String>>()
    };
    let (has, wants) = (list(migrated), list(model));
    let lacks: Vec<&String> = wants.iter().filter(|label| !has.contains(label)).collect();
    let extra: Vec<&String> = has.iter().filter(|label| !wants.contains(label)).collect();
    let joined = |labels: &[&String]| {
        labels
            .iter()
            .map(|label| label.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    match (lacks.is_empty(), extra.is_empty()) {
        (true, true) => format!(
            "the labels are in another order: the model says {}, the database {}",
            model.definition, migrated.definition
        ),
        (false, true) => format!("the database lacks {} that the model has", joined(&lacks)),
        (true, false) => format!("the database has {} that the model lacks", joined(&extra)),
        (false, false) => format!(
            "the database lacks {} that the model has, and has {} that the model lacks",
            joined(&lacks),
            joined(&extra)
        ),
    }
}
