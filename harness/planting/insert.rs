//! INSERT statements, for people and for the oracle.

use super::catalog::{Table, Tables};
use super::draft::{Draft, DraftRow};
use super::spelling::Value;

/// A row's INSERT as it can be typed.
#[must_use]
pub fn insert(tables: &Tables, draft: &Draft, filled: &DraftRow) -> String {
    let named = draft
        .slots
        .iter()
        .zip(&filled.values)
        .filter(|(_, value)| **value != Value::Default);
    let (columns, values): (Vec<String>, Vec<String>) = named
        .map(|(slot, value)| {
            let base = tables.bare(slot.column.type_oid, -1).map(|(base, _)| base);
            (slot.column.text.clone(), value.literal(base))
        })
        .unzip();
    if columns.is_empty() {
        return format!("INSERT INTO {} DEFAULT VALUES", draft.table.text);
    }
    format!(
        "INSERT INTO {} ({}) VALUES ({})",
        draft.table.text,
        columns.join(", "),
        values.join(", ")
    )
}

/// Rows in one statement; `None` where an INSERT names no column.
#[must_use]
pub fn insert_many(tables: &Tables, draft: &Draft, rows: &[&DraftRow]) -> Option<String> {
    if draft.slots.is_empty() || rows.is_empty() {
        return None;
    }
    let columns: Vec<&str> = draft
        .slots
        .iter()
        .map(|slot| slot.column.text.as_str())
        .collect();
    let rows = rows.iter().map(|row| {
        let values = draft.slots.iter().zip(&row.values);
        let values = values.map(|(slot, value)| {
            value.literal(tables.bare(slot.column.type_oid, -1).map(|(base, _)| base))
        });
        format!("({})", values.collect::<Vec<_>>().join(", "))
    });
    let rows: Vec<String> = rows.collect();
    Some(format!(
        "INSERT INTO {} ({}) VALUES\n{}",
        draft.table.text,
        columns.join(", "),
        rows.join(",\n")
    ))
}

/// The expression that gives a row's values in the order of its columns, and the table
/// that holds it.
#[must_use]
pub fn returned(table: &Table) -> String {
    let columns = table
        .columns
        .iter()
        .map(|column| format!("{}::pg_catalog.text", column.text));
    let columns: Vec<String> = columns.collect();
    format!(
        "pg_catalog.json_build_array(pg_catalog.to_json(ARRAY[{}]::pg_catalog.text[]), tableoid::pg_catalog.text)",
        columns.join(", ")
    )
}

/// The statement that plants rows and returns them, as a list.
#[must_use]
pub fn planting(insert: &str, table: &Table) -> String {
    format!(
        "WITH planted AS ({insert} RETURNING {} AS planted_row) SELECT pg_catalog.json_agg(planted_row) FROM planted",
        returned(table)
    )
}

/// The statement that plants a row in each of several tables, and returns the rows.
#[must_use]
pub fn planting_circle(inserts: &[(String, &Table)]) -> String {
    let each = inserts.iter().enumerate();
    let parts: Vec<String> = each
        .clone()
        .map(|(nth, (insert, table))| {
            format!(
                "planted_{nth} AS ({insert} RETURNING {} AS planted_row)",
                returned(table)
            )
        })
        .collect();
    let answers: Vec<String> = each
        .map(|(nth, _)| format!("(SELECT planted_row FROM planted_{nth})"))
        .collect();
    format!(
        "WITH {} SELECT pg_catalog.json_build_array({})",
        parts.join(", "),
        answers.join(", ")
    )
}

/// The same as it can be typed.
#[must_use]
pub fn circle(inserts: &[(String, &Table)]) -> String {
    let Some(((last, _), first)) = inserts.split_last() else {
        return String::new();
    };
    let parts = first
        .iter()
        .enumerate()
        .map(|(nth, (insert, _))| format!("planted_{nth} AS ({insert})"));
    let parts: Vec<String> = parts.collect();
    format!("WITH {} {last}", parts.join(", "))
}
