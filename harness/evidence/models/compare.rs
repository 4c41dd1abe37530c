//! The differences between the migrated database and the one that the models built:
//! [`compare`].

use std::collections::{BTreeMap, BTreeSet};

use super::expressions::PlannedExpressions;
use super::side::{Item, Key, Name, Side, beyond_models};
use super::unstated::{stated, unstated};
use super::{Drift, ModelsDescription, UnstatedProperty};
use crate::evidence::catalog::{Catalog, Object, ObjectKind};
use crate::quoting::identifier;

/// The result of comparing two databases.
#[derive(Debug, Default)]
pub struct Comparison {
    /// The differences.
    pub drifts: Vec<Drift>,
    /// The properties that the migrations build and models cannot state.
    pub unstated: Vec<UnstatedProperty>,
}

/// The migrated database beside the one that the models built.
#[must_use]
pub fn compare(
    migrated: &Catalog,
    models: &Catalog,
    described: &ModelsDescription,
    planned: &PlannedExpressions,
) -> Comparison {
    let models = described.with_refused(models);
    let hidden = beyond_models([migrated, &models]);
    let mut left = Side::read(migrated, &hidden, planned);
    let mut right = Side::read(&models, &hidden, planned);
    right.objects.retain(|_, item| !is_brought_along(item));
    drop_merged(&mut left, &mut right, described);
    let mut paired = pair(left.objects, right.objects, described);
    let comments = rename(right.comments, &paired);
    let comments = pair(left.comments, comments, described);
    paired.differing.extend(comments.differing);
    let mut drifts: Vec<Drift> = paired
        .differing
        .into_iter()
        .filter(|pair| !is_left_to_the_migrations(pair))
        .map(|pair| drift(pair, &models, described))
        .collect();
    drop_implied(&mut drifts);
    drifts.retain(|drift| !described.is_consequence(drift));
    drifts.sort_by_key(order);
    Comparison {
        drifts,
        unstated: unstated(&paired.same, &hidden, described),
    }
}

/// Tells whether it is the sequence of a `serial` or identity, which goes with its column.
fn is_brought_along(item: &Item) -> bool {
    item.object.kind == ObjectKind::Sequence && item.object.definition.contains(" OWNED BY ")
}

/// Keys that the models state twice and `CREATE TABLE` merges: one on the primary key's
/// columns, or on another one's. A later revision may have added it all the same, and
/// which of the names is kept depends on what is named
/// (`transformIndexConstraints` in PostgreSQL's `parse_utilcmd.c`).
fn drop_merged(left: &mut Side, right: &mut Side, described: &ModelsDescription) {
    for merged in &described.merged {
        let columns: Vec<String> = merged.columns.iter().map(|name| identifier(name)).collect();
        let columns = format!("({})", columns.join(", "));
        let schema = merged
            .schema
            .as_deref()
            .unwrap_or(described.default_schema());
        let table: Name = (Some(schema.to_owned()), merged.table.clone());
        let keys = |side: &Side, kind: &str| -> Vec<Key> {
            let of_table = side.objects.iter().filter(|(_, item)| {
                item.object.kind == ObjectKind::Constraint
                    && item.table.as_ref() == Some(&table)
                    && item.meaning == format!("{kind} {columns}")
            });
            of_table.map(|(key, _)| key.clone()).collect()
        };
        let unique = [keys(left, "UNIQUE"), keys(right, "UNIQUE")];
        let primary = [keys(left, "PRIMARY KEY"), keys(right, "PRIMARY KEY")];
        let is_there = [&unique, &primary].map(|[left, _]| !left.is_empty());
        if is_there.contains(&true) {
            for (side, keys) in [left as &mut Side, right as &mut Side]
                .into_iter()
                .zip(unique)
            {
                keys.iter().for_each(|key| drop(side.objects.remove(key)));
            }
        }
        if let [[one], [other]] = [&primary[0][..], &primary[1][..]] {
            left.objects.remove(one);
            right.objects.remove(other);
        }
    }
}

/// The objects that are the same on both sides, and those that are not.
#[derive(Debug, Default)]
struct Pairs {
    same: Vec<(Item, Item)>,
    differing: Vec<(Option<Item>, Option<Item>)>,
}

/// Puts the objects of both sides beside each other: those that agree by name; what the
/// model does not name beside what means the same; what is left by name; and what the model
/// names otherwise beside what means the same.
fn pair(
    mut left: BTreeMap<Key, Item>,
    right: BTreeMap<Key, Item>,
    described: &ModelsDescription,
) -> Pairs {
    let mut paired = Pairs::default();
    let mut open = Vec::new();
    for (key, model) in right {
        match left
            .get(&key)
            .is_some_and(|migrated| agree(migrated, &model))
        {
            true => paired
                .same
                .extend(left.remove(&key).map(|migrated| (migrated, model))),
            false => open.push((key, model)),
        }
    }
    let (named, nameless): (Vec<_>, Vec<_>) = open
        .into_iter()
        .partition(|(_, model)| described.is_named(model));
    let mut open = named;
    for (key, model) in nameless {
        match twin(&left, &model).and_then(|twin| left.remove(&twin)) {
            Some(migrated) => paired.same.push((migrated, model)),
            None => open.push((key, model)),
        }
    }
    let mut missing = Vec::new();
    for (key, model) in open {
        match left.remove(&key) {
            Some(migrated) => paired.differing.push((Some(migrated), Some(model))),
            None => missing.push(model),
        }
    }
    for find in [twin, sibling] {
        for model in std::mem::take(&mut missing) {
            match find(&left, &model).and_then(|found| left.remove(&found)) {
                Some(migrated) => paired.differing.push((Some(migrated), Some(model))),
                None => missing.push(model),
            }
        }
    }
    let missing = missing.into_iter().map(|model| (None, Some(model)));
    paired.differing.extend(missing);
    let rest = left.into_values().map(|migrated| (Some(migrated), None));
    paired.differing.extend(rest);
    paired
}

/// Tells whether what the migrations build is what the model says, for two of one name.
fn agree(migrated: &Item, model: &Item) -> bool {
    match model.object.kind {
        ObjectKind::Table => stated(&migrated.object, &model.object) == model.meaning,
        // `ENUM(name="st", create_type=False)` leaves its labels to the migrations.
        ObjectKind::EnumType if model.meaning.is_empty() => true,
        // The model names the sequence that a `serial` has.
        ObjectKind::Sequence if is_brought_along(migrated) => true,
        _ => migrated.meaning == model.meaning && migrated.options == model.options,
    }
}

/// The key of a constraint or index of the same table that means the same.
fn twin(among: &BTreeMap<Key, Item>, model: &Item) -> Option<Key> {
    let kind = model.object.kind;
    let may_be = [ObjectKind::Constraint, ObjectKind::Index].contains(&kind);
    let is_twin = |(_, item): &(&Key, &Item)| {
        item.object.kind == kind && item.table == model.table && item.meaning == model.meaning
    };
    let found = among.iter().filter(|_| may_be).find(is_twin);
    found.map(|(key, _)| key.clone())
}

/// The key of an index or of a UNIQUE of the same columns, which is unique or partial where the
/// model's is not.
fn sibling(among: &BTreeMap<Key, Item>, model: &Item) -> Option<Key> {
    let columns = indexed(model)?;
    let is_sibling = |(_, item): &(&Key, &Item)| {
        item.table == model.table && indexed(item).is_some_and(|other| other == columns)
    };
    let found = among.iter().find(is_sibling);
    found.map(|(key, _)| key.clone())
}

/// The columns of an index, or of a UNIQUE, as PostgreSQL writes them.
fn indexed(item: &Item) -> Option<&str> {
    let text = match item.object.kind {
        ObjectKind::Index => item.meaning.split_once(" USING ")?.1,
        ObjectKind::Constraint => item.meaning.strip_prefix("UNIQUE ")?,
        _ => return None,
    };
    let inner = &text[text.find('(')?..];
    let mut depth = 0_usize;
    let end = inner.char_indices().find_map(|(at, letter)| {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(at)
    })?;
    Some(&inner[..=end])
}

/// The comments of the models, those on constraints by the names of the migrations.
fn rename(comments: BTreeMap<Key, Item>, paired: &Pairs) -> BTreeMap<Key, Item> {
    let names: BTreeMap<(&Option<String>, &str), &str> = paired
        .same
        .iter()
        .filter(|(migrated, _)| migrated.object.kind == ObjectKind::Constraint)
        .map(|(migrated, model)| {
            (
                (&model.object.schema, model.object.name.as_str()),
                migrated.object.name.as_str(),
            )
        })
        .collect();
    let renamed = comments
        .into_iter()
        .map(|((schema, kind, name), mut item)| {
            if kind == ObjectKind::CommentOnConstraint
                && let Some(migrated) = names.get(&(&schema, name.as_str()))
            {
                item.object.name = (*migrated).to_owned();
            }
            ((schema, kind, item.object.name.clone()), item)
        });
    renamed.collect()
}

/// A type or sequence that only the database has is no drift: models describe types by
/// their columns alone, and a column of another type says it.
fn is_left_to_the_migrations((migrated, model): &(Option<Item>, Option<Item>)) -> bool {
    model.is_none() && migrated.as_ref().is_some_and(|item| item.table.is_none())
}

/// Two objects that are not the same, as a difference.
fn drift(
    (migrated, model): (Option<Item>, Option<Item>),
    models: &Catalog,
    described: &ModelsDescription,
) -> Drift {
    let used_by = model
        .as_ref()
        .map_or(Vec::new(), |item| columns_of(&item.object, models));
    let user = used_by.first().map(|(table, _)| table.1.clone());
    let any = model.as_ref().or(migrated.as_ref());
    let table = any.and_then(|item| Some(item.table.as_ref()?.1.clone()));
    let schema = any.and_then(|item| item.object.schema.clone());
    let renamed = match (&migrated, &model) {
        (Some(migrated), Some(model)) => {
            let same =
                migrated.object.kind == model.object.kind && migrated.meaning == model.meaning;
            same && migrated.object.name != model.object.name
        }
        _ => false,
    };
    let [migrated, model] = match (migrated, model) {
        (Some(migrated), Some(model)) => {
            let options = [migrated.options.clone(), model.options.clone()];
            let [left, right] = differing_options(options);
            [
                Some(with_options(migrated.object, left)),
                Some(with_options(model.object, right)),
            ]
        }
        (migrated, model) => [migrated, model].map(|item| item.map(|item| item.object)),
    };
    Drift {
        table: table.or(user),
        schema: schema.filter(|schema| *schema != described.default_schema()),
        used_by: used_by.into_iter().map(|(_, column)| column).collect(),
        migrated,
        model,
        renamed,
    }
}

/// The options of both identities, where they differ: `START 1` and `START 100`.
fn differing_options(options: [Option<String>; 2]) -> [String; 2] {
    let words = options.map(|text| {
        let text = text.unwrap_or_default();
        let words: Vec<&str> = text.split(' ').collect();
        words
            .chunks(2)
            .map(|pair| pair.join(" "))
            .collect::<Vec<String>>()
    });
    let [left, right] = &words;
    let only = |one: &Vec<String>, other: &Vec<String>| {
        let own: Vec<&str> = one
            .iter()
            .filter(|word| !other.contains(word))
            .map(String::as_str)
            .collect();
        own.join(" ")
    };
    [only(left, right), only(right, left)]
}

fn with_options(object: Object, options: String) -> Object {
    match options.is_empty() {
        true => object,
        false => Object {
            definition: format!("{} ({options})", object.definition),
            ..object
        },
    }
}

/// The columns of an enum type or domain, also as arrays of it: their table, and
/// `table.column`.
pub fn columns_of(kind: &Object, catalog: &Catalog) -> Vec<(Name, String)> {
    if ![ObjectKind::EnumType, ObjectKind::Domain].contains(&kind.kind) {
        return Vec::new();
    }
    let schema = identifier(kind.schema.as_deref().unwrap_or_default());
    let name = format!("{schema}.{}", identifier(&kind.name));
    let is_of = |column: &&Object| {
        let rest = column.definition.strip_prefix(&name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '[']))
    };
    let columns = catalog
        .objects
        .iter()
        .filter(|object| object.kind == ObjectKind::Column);
    columns
        .filter(is_of)
        .map(|column| {
            let table = column.name.split('.').next().unwrap_or_default();
            (
                (column.schema.clone(), table.to_owned()),
                column.name.clone(),
            )
        })
        .collect()
}

/// A table that is missing on one side, or a part of it that is.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Gone {
    Table,
    Part(ObjectKind, String),
}

/// Leaves out what belongs to a missing table, and comments on what is missing.
fn drop_implied(drifts: &mut Vec<Drift>) {
    let missing: BTreeSet<(Option<String>, Option<String>, Gone)> = drifts
        .iter()
        .filter(|drift| drift.migrated.is_none() || drift.model.is_none())
        .filter_map(|drift| {
            let object = drift.object()?;
            let gone = match object.kind {
                ObjectKind::Table => Gone::Table,
                ObjectKind::Column | ObjectKind::Constraint => {
                    Gone::Part(object.kind, object.name.clone())
                }
                _ => return None,
            };
            Some((drift.schema.clone(), drift.table.clone(), gone))
        })
        .collect();
    drifts.retain(|drift| {
        let Some(object) = drift.object() else {
            return false;
        };
        let gone =
            |gone: Gone| missing.contains(&(drift.schema.clone(), drift.table.clone(), gone));
        let whole = object.kind != ObjectKind::Table && gone(Gone::Table);
        let part = object.kind.commented();
        !whole && !part.is_some_and(|kind| gone(Gone::Part(kind, object.name.clone())))
    });
}

fn order(drift: &Drift) -> Option<Key> {
    drift.object().map(super::side::key)
}
