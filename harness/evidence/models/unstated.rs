//! The properties that migrations build and models have no word for: [`UnstatedProperty`].
//!
//! A table's storage parameters, row level security and replica identity are set with
//! `ALTER TABLE`, for which SQLAlchemy has no construct; whether a constraint was validated
//! is the past of a table. Where an event of the models sets one of them all the same, it
//! is compared.

use std::collections::BTreeMap;

use super::side::{Beyond, Item, Name};
use super::{ModelsDescription, UnstatedProperty};
use crate::evidence::catalog::{Object, ObjectKind};

/// The lines of a table's definition that no model can state, and what they are.
const PROPERTIES: &[(&str, &str)] = &[
    ("ROW LEVEL SECURITY", "row level security"),
    (
        "FORCE ROW LEVEL SECURITY",
        "row level security for its owner",
    ),
    ("REPLICA IDENTITY ", "a replica identity"),
    ("WITH (", "storage parameters"),
];

/// The property that a line of a table's definition is about.
fn property(line: &str) -> Option<&'static (&'static str, &'static str)> {
    PROPERTIES.iter().find(|(start, _)| line.starts_with(start))
}

/// The properties that only the migrations give a table.
fn lacking<'a>(migrated: &'a Object, model: &'a Object) -> impl Iterator<Item = &'a str> {
    let has = |start: &str| model.definition.lines().any(|line| line.starts_with(start));
    let lines = migrated.definition.lines();
    lines.filter(move |line| property(line).is_some_and(|(start, _)| !has(start)))
}

/// A migrated table's definition without what no model can state, unless this one does.
pub fn stated(migrated: &Object, model: &Object) -> String {
    let lacking: Vec<&str> = lacking(migrated, model).collect();
    let lines = migrated.definition.lines();
    lines
        .filter(|line| !lacking.contains(line))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The properties that the migrations build beyond the models, of objects that agree, and
/// of relations that models describe as tables.
pub fn unstated(
    same: &[(Item, Item)],
    hidden: &BTreeMap<Name, Beyond>,
    described: &ModelsDescription,
) -> Vec<UnstatedProperty> {
    let mut all = Vec::new();
    for (migrated, model) in same {
        let name =
            |object: &Object| described.qualified(&(object.schema.clone(), object.name.clone()));
        match migrated.object.kind {
            ObjectKind::Table => {
                let properties = lacking(&migrated.object, &model.object).filter_map(property);
                all.extend(properties.map(|(_, property)| UnstatedProperty {
                    object: name(&migrated.object),
                    property: (*property).to_owned(),
                }));
            }
            ObjectKind::Constraint if migrated.object.definition.ends_with(" NOT VALID") => {
                all.push(UnstatedProperty {
                    object: name(&migrated.object),
                    property: "a constraint that is not validated".to_owned(),
                });
            }
            _ => {}
        }
    }
    for (name, beyond) in hidden {
        let object = described.qualified(name);
        match beyond {
            Beyond::Relation(kind) if described.tables.contains(&object) => {
                all.push(UnstatedProperty {
                    object,
                    property: format!("a {kind}"),
                })
            }
            Beyond::Relation(_) | Beyond::Partition => {}
        }
    }
    all
}
