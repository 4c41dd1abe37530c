//! Special rows: those that the deployed schema allows, in columns that a deployment names.

use sqlx::{AssertSqlSafe, Executor, PgConnection};

use crate::alembic::sql;
use crate::error::Result;
use crate::gather::answer::failed;
use crate::planting::{Class, Planted, Special, Tables};

/// The special rows to try: each class for each column that a statement names together
/// with its table.
pub(super) fn wanted(
    tables: &Tables,
    planted: &Planted,
    statements: &[&str],
) -> Vec<(i64, i16, Class)> {
    let words: Vec<Vec<String>> = statements.iter().map(|text| sql::words(text)).collect();
    let names = |table: &str, column: &str| {
        let has = |words: &Vec<String>, name: &str| words.iter().any(|word| word == name);
        words
            .iter()
            .any(|words| has(words, table) && has(words, column))
    };
    let is_converted = |table: &str, column: &str| {
        let named = [table, column, "type"];
        let has = |words: &&Vec<String>| {
            named
                .iter()
                .all(|name| words.iter().any(|word| word == name))
        };
        words.iter().find(has).is_some()
    };
    let mut wanted = Vec::new();
    let with_rows = planted
        .tables
        .iter()
        .filter_map(|table| tables.with_oid(table.oid));
    for table in with_rows {
        let named = table
            .columns
            .iter()
            .filter(|column| names(&table.name, &column.name));
        let mut first = None;
        for column in named {
            first = first.or(Some(column.number));
            // A sequence never gets there, and a loop over ranges of keys would.
            let is_counted = column.has_sequence() && !is_converted(&table.name, &column.name);
            let beyond = [Class::Zero, Class::MinusOne, Class::Lowest, Class::Highest];
            let classes = Class::ALL.into_iter();
            let classes = classes.filter(|class| !(is_counted && beyond.contains(class)));
            wanted.extend(classes.map(|class| (table.oid, column.number, class)));
        }
        // Anything that is to be unique may be several columns together.
        let makes_unique = |words: &Vec<String>| {
            let has = |name: &str| words.iter().any(|word| word == name);
            has(&table.name)
                && ["unique", "primary", "exclude"]
                    .iter()
                    .any(|word| has(word))
        };
        let twin = first.filter(|_| words.iter().any(makes_unique));
        wanted.extend(twin.map(|number| (table.oid, number, Class::Twin)));
    }
    wanted
}

/// Plants those that PostgreSQL takes beside each other.
pub(super) async fn planted(
    connection: &mut PgConnection,
    special: Vec<Special>,
) -> Result<Vec<Special>> {
    let mut kept = Vec::new();
    for row in special {
        let planted = connection
            .execute(sqlx::raw_sql(AssertSqlSafe(row.insert.clone())))
            .await;
        match planted {
            Ok(_) => kept.push(row),
            Err(sqlx::Error::Database(_)) => {}
            Err(cause) => return Err(failed(&cause)),
        }
    }
    Ok(kept)
}
