//! Rows as they stand in the tables: read before, after, and set where keys had to wait.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::catalog::{Table, Tables};
use super::draft::{Draft, Link};
use super::insert::returned;
use super::pool::{Pools, Values};
use super::server::Server;
use super::spelling::Value;
use super::{Planted, PlantedRow, PlantedTable, RowId};

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
        let one = &mut planted.tables[nth];
        if let (Ok(rows), false) = (answer, one.key.is_empty()) {
            one.take_again(table, &rows, &mut moved);
        }
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

impl PlantedTable {
    /// Takes the rows as they are now, found by their keys, and says where each row went.
    fn take_again(
        &mut self,
        table: &Table,
        rows: &Json,
        moved: &mut BTreeMap<RowId, Option<RowId>>,
    ) {
        let columns = self.key.clone();
        let key = |values: &Values| -> Vec<Option<String>> {
            let columns = columns.iter();
            columns
                .map(|one| values.get(one).cloned().flatten())
                .collect()
        };
        let rows = rows.as_array().into_iter().flatten();
        let rows = rows.filter_map(|row| Some(parse(table, row)?.0));
        let now: BTreeMap<_, Values> = rows.map(|values| (key(&values), values)).collect();
        let mut kept = Vec::new();
        for (at, mut row) in std::mem::take(&mut self.rows).into_iter().enumerate() {
            let id = |at| RowId {
                table: self.oid,
                at,
            };
            let Some(values) = now.get(&key(&row.values)) else {
                moved.insert(id(at), None);
                continue;
            };
            row.values.clone_from(values);
            row.tokens.retain(|number, token| {
                let value = values.get(number).and_then(Option::as_ref);
                value.is_some_and(|value| value.contains(token.as_str()))
            });
            moved.insert(id(at), Some(id(kept.len())));
            kept.push(row);
        }
        self.rows = kept;
    }
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
    let mut updates = Vec::new();
    for (at, row) in rows.rows.iter().enumerate().skip(1).step_by(2) {
        let mut set: BTreeMap<i16, String> = BTreeMap::new();
        for link in &waiting {
            let parents = pools.rows(link.parent);
            let before = if link.parent == table.oid { at - 1 } else { at };
            set.extend(taken_from(link, parents, before, row, &set));
        }
        set.retain(|number, value| {
            row.values
                .get(number)
                .is_none_or(|now| now.as_ref() != Some(value))
        });
        if let Some(update) = update(tables, table, row, &set) {
            let id = RowId {
                table: table.oid,
                at,
            };
            updates.push((id, update, set.into_iter().collect()));
        }
    }
    updates
}

/// The values that a key takes from the row at a place among those that it may refer to, beside
/// those that are `set` already; none where it refers to a row.
fn taken_from(
    link: &Link,
    parents: &[(Values, Option<RowId>)],
    place: usize,
    row: &PlantedRow,
    set: &BTreeMap<i16, String>,
) -> Vec<(i16, String)> {
    let own = &link.key.columns;
    let is_set = |number: &i16| row.values.get(number).is_some_and(Option::is_some);
    if own.iter().all(is_set) {
        return Vec::new();
    }
    let pairs = || own.iter().copied().zip(link.key.referred.iter().copied());
    let fits = |values: &&Values| {
        pairs().all(|(own, theirs)| {
            let there = values.get(&theirs).and_then(Option::as_ref);
            let wanted = set.get(&own);
            let wanted = wanted.or_else(|| row.values.get(&own).and_then(Option::as_ref));
            there.is_some() && (wanted.is_none() || wanted == there)
        })
    };
    let able: Vec<&Values> = parents
        .iter()
        .map(|(values, _)| values)
        .filter(fits)
        .collect();
    let Some(parent) = able.get(place % able.len().max(1)) else {
        return Vec::new();
    };
    let taken = pairs().filter_map(|(own, theirs)| Some((own, parent.get(&theirs)?.clone()?)));
    taken.collect()
}

/// The statement that sets values of a row; `None` where there are none, or it has no key.
fn update(
    tables: &Tables,
    table: &Table,
    row: &PlantedRow,
    set: &BTreeMap<i16, String>,
) -> Option<String> {
    let equals = |number: i16, text: &str| {
        let column = table.column(number)?;
        let base = tables.bare(column.type_oid, -1).map(|(base, _)| base);
        let literal = Value::Text(text.to_owned()).literal(base);
        Some(format!("{} = {literal}", column.text))
    };
    let assigned = set.iter();
    let assigned: Vec<String> = assigned
        .filter_map(|(number, value)| equals(*number, value))
        .collect();
    let key = table.key();
    let found = key.iter();
    let found: Vec<String> = found
        .filter_map(|column| equals(column.number, row.values.get(&column.number)?.as_ref()?))
        .collect();
    (!assigned.is_empty() && !found.is_empty()).then(|| {
        let (assigned, found) = (assigned.join(", "), found.join(" AND "));
        format!("UPDATE {} SET {assigned} WHERE {found}", table.text)
    })
}
