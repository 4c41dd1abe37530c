//! Rows as they stand in the tables: read before, after, and set where keys had to wait.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::catalog::{Table, Tables};
use super::draft::Draft;
use super::insert::returned;
use super::pool::{Pools, Values};
use super::server::Server;
use super::spelling::Value;
use super::{Planted, RowId};

/// A row, the update that sets its keys, and the values that it sets.
pub type Closing = (RowId, String, Vec<(i16, String)>);

/// So many rows of a table are offered to those that refer to it.
const OFFERED: usize = 50;

/// A row and the partition that holds it, of what [`returned`] gives.
#[must_use]
pub fn parse(table: &Table, json: &Json) -> Option<(Values, String)> {
    let values: Vec<Option<String>> = serde_json::from_value(json.get(0)?.clone()).ok()?;
    let oid: i64 = json.get(1)?.as_str()?.parse().ok()?;
    let leaf = table.leaves.iter().find(|leaf| leaf.oid == oid);
    let place = leaf.map_or_else(|| table.text.clone(), |leaf| leaf.name.clone());
    let numbers = table.columns.iter().map(|column| column.number);
    Some((numbers.zip(values).collect(), place))
}

/// The rows that are in tables to which others refer.
pub async fn existing(
    server: &mut Server<'_>,
    tables: &Tables,
) -> Result<BTreeMap<i64, Vec<Values>>, sqlx::Error> {
    let keys = tables.tables.iter().flat_map(Table::foreign_keys);
    let referred: BTreeSet<i64> = keys.filter_map(|key| key.refers_to).collect();
    let referred: Vec<&Table> = referred
        .iter()
        .filter_map(|oid| tables.with_oid(*oid))
        .collect();
    let queries = referred.iter().map(|table| selection(table, Some(OFFERED)));
    let queries: Vec<String> = queries.collect();
    let answers = server.try_all(&queries).await?;
    let mut found = BTreeMap::new();
    for (table, answer) in referred.into_iter().zip(answers) {
        let rows = answer.unwrap_or_default();
        let rows: Vec<Values> = rows
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|row| Some(parse(table, row)?.0))
            .collect();
        if !rows.is_empty() {
            found.insert(table.oid, rows);
        }
    }
    Ok(found)
}

fn selection(table: &Table, limit: Option<usize>) -> String {
    let limit = limit
        .map(|limit| format!(" LIMIT {limit}"))
        .unwrap_or_default();
    format!(
        "SELECT pg_catalog.json_agg(planted_row) FROM (SELECT {} AS planted_row FROM {}{limit}) AS rows",
        returned(table),
        table.text
    )
}

/// Reads the rows again that triggers or keys that had to wait may have changed.
pub async fn reread(
    server: &mut Server<'_>,
    tables: &Tables,
    planted: &mut Planted,
) -> Result<(), sqlx::Error> {
    let known: Vec<&Table> = planted
        .tables
        .iter()
        .filter_map(|one| tables.with_oid(one.oid))
        .collect();
    let queries: Vec<String> = known.iter().map(|table| selection(table, None)).collect();
    let answers = server.try_all(&queries).await?;
    let mut moved: BTreeMap<RowId, Option<RowId>> = BTreeMap::new();
    for ((nth, table), answer) in known.into_iter().enumerate().zip(answers) {
        let Ok(rows) = answer else { continue };
        let one = &mut planted.tables[nth];
        if one.key.is_empty() {
            continue;
        }
        let key = |values: &Values| -> Vec<Option<String>> {
            one.key
                .iter()
                .map(|number| values.get(number).cloned().flatten())
                .collect()
        };
        let rows = rows
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|row| Some(parse(table, row)?.0));
        let now: BTreeMap<Vec<Option<String>>, Values> =
            rows.map(|values| (key(&values), values)).collect();
        let mut kept = Vec::new();
        for (at, mut row) in std::mem::take(&mut one.rows).into_iter().enumerate() {
            let id = RowId { table: one.oid, at };
            let Some(values) = now.get(
                &one.key
                    .iter()
                    .map(|number| row.values.get(number).cloned().flatten())
                    .collect::<Vec<_>>(),
            ) else {
                moved.insert(id, None);
                continue;
            };
            row.values.clone_from(values);
            row.tokens.retain(|number, token| {
                values
                    .get(number)
                    .and_then(Option::as_ref)
                    .is_some_and(|value| value.contains(token.as_str()))
            });
            moved.insert(
                id,
                Some(RowId {
                    at: kept.len(),
                    ..id
                }),
            );
            kept.push(row);
        }
        one.rows = kept;
    }
    for row in planted.tables.iter_mut().flat_map(|table| &mut table.rows) {
        let parents = row
            .parents
            .iter()
            .filter_map(|id| moved.get(id).copied().unwrap_or(Some(*id)));
        row.parents = parents.collect();
    }
    Ok(())
}

/// The updates that set the keys of every other row, where they had to wait or refer to
/// their own table; with the values that they set.
#[must_use]
pub fn closing(tables: &Tables, draft: &Draft, pools: &Pools, planted: &Planted) -> Vec<Closing> {
    let table = draft.table;
    let key = table.key();
    let Some(rows) = planted.table(table.oid).filter(|_| !key.is_empty()) else {
        return Vec::new();
    };
    let waiting: Vec<_> = draft
        .links
        .iter()
        .filter(|link| link.is_open || link.parent == table.oid)
        .collect();
    let literal = |number: i16, text: &str| {
        let column = table.column(number)?;
        let base = tables.bare(column.type_oid, -1).map(|(base, _)| base);
        Some((
            column.text.clone(),
            Value::Text(text.to_owned()).literal(base),
        ))
    };
    let mut updates = Vec::new();
    for (at, row) in rows.rows.iter().enumerate().skip(1).step_by(2) {
        let mut set: BTreeMap<i16, String> = BTreeMap::new();
        for link in &waiting {
            let parents = pools.rows(link.parent);
            let own: Vec<i16> = link.key.columns.clone();
            let is_set = own
                .iter()
                .all(|number| row.values.get(number).is_some_and(Option::is_some));
            let before = if link.parent == table.oid { at - 1 } else { at };
            let pairs = || own.iter().copied().zip(link.key.referred.iter().copied());
            let fits = |values: &Values| {
                pairs().all(|(own, theirs)| {
                    let wanted = set
                        .get(&own)
                        .or_else(|| row.values.get(&own).and_then(Option::as_ref));
                    let there = values.get(&theirs).and_then(Option::as_ref);
                    there.is_some() && (wanted.is_none() || wanted == there)
                })
            };
            let able: Vec<&Values> = parents
                .iter()
                .map(|(values, _)| values)
                .filter(|values| fits(values))
                .collect();
            let Some(parent) = able.get(before % able.len().max(1)).filter(|_| !is_set) else {
                continue;
            };
            let taken: Vec<(i16, String)> = pairs()
                .filter_map(|(own, theirs)| Some((own, parent.get(&theirs)?.clone()?)))
                .collect();
            set.extend(taken);
        }
        set.retain(|number, value| {
            row.values
                .get(number)
                .is_none_or(|now| now.as_ref() != Some(value))
        });
        let assigned: Vec<String> = set
            .iter()
            .filter_map(|(number, value)| literal(*number, value))
            .map(|(name, value)| format!("{name} = {value}"))
            .collect();
        let found = key
            .iter()
            .filter_map(|column| literal(column.number, row.values.get(&column.number)?.as_ref()?));
        let found: Vec<String> = found
            .map(|(name, value)| format!("{name} = {value}"))
            .collect();
        if assigned.is_empty() || found.is_empty() {
            continue;
        }
        let update = format!(
            "UPDATE {} SET {} WHERE {}",
            table.text,
            assigned.join(", "),
            found.join(" AND ")
        );
        updates.push((
            RowId {
                table: table.oid,
                at,
            },
            update,
            set.into_iter().collect(),
        ));
    }
    updates
}
