//! The CHECKs that rows of a table have to fulfil, and the texts that speak of them.

use std::collections::BTreeSet;

use super::catalog::{Leaf, Table, Tables};
use super::dictionary::{names, with_value};

/// A CHECK of the table, or one of the domain of a column.
#[derive(Debug, Clone)]
pub struct Check {
    /// Its constraint's name.
    pub name: String,
    /// The numbers of the columns that it names.
    pub columns: Vec<i16>,
    /// The expression over the columns.
    pub expression: String,
}

/// The CHECKs of a table and of the domains of its columns.
#[must_use]
pub fn checks(tables: &Tables, table: &Table) -> Vec<Check> {
    let mut checks: Vec<Check> = table
        .checks()
        .filter_map(|check| {
            Some(Check {
                name: check.name.clone(),
                columns: check.columns.clone(),
                expression: check.expression.clone()?,
            })
        })
        .collect();
    for column in &table.columns {
        let mut at = tables.types.get(&column.type_oid);
        while let Some(found) = at {
            let expressions = found
                .checks
                .iter()
                .filter_map(|check| with_value(check, &column.text));
            checks.extend(expressions.map(|expression| Check {
                name: format!("domain {} {}", found.name, column.name),
                columns: vec![column.number],
                expression,
            }));
            at = found.base.and_then(|base| tables.types.get(&base));
        }
    }
    let leaves: Option<Vec<Check>> = table
        .leaves
        .iter()
        .map(|leaf| leaf_check(table, leaf))
        .collect();
    if let Some(leaves) = leaves.filter(|leaves| !leaves.is_empty()) {
        let expressions: Vec<String> = leaves
            .iter()
            .map(|leaf| format!("({})", leaf.expression))
            .collect();
        let columns: BTreeSet<i16> = leaves
            .iter()
            .flat_map(|leaf| leaf.columns.clone())
            .collect();
        checks.push(Check {
            name: String::new(),
            columns: columns.into_iter().collect(),
            expression: expressions.join(" OR "),
        });
    }
    checks
}

/// The condition of a partition; `None` where it takes every row, or the rows of a hash: any
/// row has a partition then.
#[must_use]
pub fn leaf_check(table: &Table, leaf: &Leaf) -> Option<Check> {
    let expression = leaf
        .constraint
        .clone()
        .filter(|text| !text.starts_with(HASH))?;
    let named = table
        .columns
        .iter()
        .filter(|column| names(&expression, &column.name));
    Some(Check {
        name: leaf.name.clone(),
        columns: named.map(|column| column.number).collect(),
        expression,
    })
}

const HASH: &str = "satisfies_hash_partition(";

/// A partition's expression without the oid that a hash is computed with, which another
/// database has otherwise.
fn without_hash(constraint: &str) -> String {
    match constraint.split_once(HASH) {
        Some((before, after)) => {
            let rest = after.split_once(')').map_or("", |(_, rest)| rest);
            format!("{before}true{rest}")
        }
        None => constraint.to_owned(),
    }
}

/// The texts in which literals for a table stand.
#[must_use]
pub fn texts(table: &Table, checks: &[Check]) -> Vec<String> {
    let mut texts: Vec<String> = checks
        .iter()
        .map(|check| check.expression.clone())
        .collect();
    for unique in &table.uniques {
        texts.extend(unique.predicate.clone());
        texts.extend(unique.expressions.clone());
    }
    texts.extend(table.columns.iter().filter_map(|column| {
        let default = column.default.as_ref().filter(|_| !column.has_sequence())?;
        Some(format!("{} = {default}", column.text))
    }));
    texts.extend(table.triggers.iter().map(|trigger| trigger.source.clone()));
    let bounds = table
        .leaves
        .iter()
        .filter_map(|leaf| leaf.constraint.as_deref());
    texts.extend(bounds.map(without_hash));
    texts
}
