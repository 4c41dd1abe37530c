//! The outbox table as it is, beside what PostgreSQL makes of the convention.
//!
//! Each index of the convention is built for real on the migrated table, inside a
//! transaction that is rolled back; two definitions by the same server can then be
//! compared as text.

use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use crate::error::{HarnessError, Result, Stage};
use crate::manifest::{IndexConvention, OutboxConvention};
use crate::quoting::identifier;

/// The outbox table as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outbox {
    /// The table's name in the convention.
    pub table: String,
    /// The schemas that hold a table of that name (all, or the one that was asked for).
    pub schemas: Vec<String>,
    /// All tables of the database, to name the nearest one.
    pub tables: Vec<String>,
    /// The indexes of the convention.
    pub expected: Vec<ExpectedIndex>,
    /// The indexes on that table, and those elsewhere that bear a conventional name.
    pub actual: Vec<Index>,
}

/// One index of the convention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectedIndex {
    /// Its name.
    pub name: String,
    /// The statement that was tried.
    pub statement: String,
    /// PostgreSQL's definition of it, or why it cannot be built.
    pub definition: Result<String, String>,
}

/// One index as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// The schema of its table.
    pub schema: String,
    /// Its table.
    pub table: String,
    /// Its definition without its name and storage parameters.
    pub definition: String,
    /// Tells whether queries may use it (`pg_index.indisvalid`).
    pub valid: bool,
    /// Tells whether it belongs to a constraint, which is what has to be dropped then.
    pub constraint: bool,
    /// Tells whether it is the index of a partitioned table, valid only once every partition
    /// has its part (<https://www.postgresql.org/docs/current/ddl-partitioning.html>).
    pub partitioned: bool,
}

/// An index's definition without its own name and storage parameters, which the
/// convention does not speak of.
const DEFINITION: &str = r"
    regexp_replace(
        replace(pg_get_indexdef(i.indexrelid), 'INDEX ' || quote_ident(c.relname) || ' ON', 'INDEX ON'),
        '\) WITH \([^()]*\)( WHERE |$)', ')\1')";

impl Outbox {
    /// Looks at the outbox table of a migrated database.
    ///
    /// # Errors
    /// The connection is lost or PostgreSQL refuses a catalog query.
    pub async fn read(
        connection: &mut PgConnection,
        convention: &OutboxConvention,
        schema: Option<&str>,
    ) -> Result<Self> {
        Self::look(connection, convention, schema)
            .await
            .map_err(|cause| {
                HarnessError::new(
                    Stage::Evidence,
                    format!("the outbox table cannot be looked at: {cause}"),
                )
            })
    }

    async fn look(
        connection: &mut PgConnection,
        convention: &OutboxConvention,
        schema: Option<&str>,
    ) -> Result<Self, sqlx::Error> {
        let tables = tables(connection).await?;
        let schemas: Vec<String> = tables
            .iter()
            .filter(|(_, table)| *table == convention.table)
            .filter(|(found, _)| schema.is_none_or(|wanted| wanted == found))
            .map(|(found, _)| found.clone())
            .collect();
        let actual = indexes(connection, convention, &schemas).await?;
        let mut expected = Vec::new();
        if let [only] = schemas.as_slice() {
            for index in &convention.indexes {
                expected.push(build(connection, only, &convention.table, index).await?);
            }
        }
        Ok(Self {
            table: convention.table.clone(),
            schemas,
            tables: tables
                .into_iter()
                .map(|(schema, table)| format!("{schema}.{table}"))
                .collect(),
            expected,
            actual,
        })
    }
}

async fn tables(connection: &mut PgConnection) -> Result<Vec<(String, String)>, sqlx::Error> {
    sqlx::query_as(
        r"SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
          ORDER BY 1, 2",
    )
    .fetch_all(connection)
    .await
}

async fn indexes(
    connection: &mut PgConnection,
    convention: &OutboxConvention,
    schemas: &[String],
) -> Result<Vec<Index>, sqlx::Error> {
    let names: Vec<String> = convention
        .indexes
        .iter()
        .map(|index| index.name.clone())
        .collect();
    let query = format!(
        r"SELECT c.relname::text AS name, n.nspname::text AS schema, t.relname::text AS tab,
                 {DEFINITION} AS definition, i.indisvalid AS valid, c.relkind = 'I' AS partitioned,
                 EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x')) AS constr
          FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
          JOIN pg_namespace n ON n.oid = t.relnamespace
          WHERE n.nspname !~ '^pg_' AND ((n.nspname = ANY($1) AND t.relname = $2) OR c.relname = ANY($3))
          ORDER BY 1, 2, 3"
    );
    let rows = sqlx::query(AssertSqlSafe(query))
        .bind(schemas)
        .bind(&convention.table)
        .bind(names)
        .fetch_all(connection)
        .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Index {
                name: row.try_get("name")?,
                schema: row.try_get("schema")?,
                table: row.try_get("tab")?,
                definition: row.try_get("definition")?,
                valid: row.try_get("valid")?,
                constraint: row.try_get("constr")?,
                partitioned: row.try_get("partitioned")?,
            })
        })
        .collect()
}

/// Builds one index of the convention, reads what PostgreSQL calls it, and rolls back.
async fn build(
    connection: &mut PgConnection,
    schema: &str,
    table: &str,
    index: &IndexConvention,
) -> Result<ExpectedIndex, sqlx::Error> {
    let statement = statement(schema, table, index, &index.name);
    let trial = self::statement(schema, table, index, "migration_harness_expected");
    let mut transaction = connection.begin().await?;
    sqlx::query("SET LOCAL lock_timeout = '10s'")
        .execute(&mut *transaction)
        .await?;
    let definition = match sqlx::query(AssertSqlSafe(trial))
        .execute(&mut *transaction)
        .await
    {
        Ok(_) => Ok(sqlx::query_scalar::<_, String>(AssertSqlSafe(format!(
            r"SELECT {DEFINITION} FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
              JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE c.relname = 'migration_harness_expected' AND n.nspname = $1"
        )))
        .bind(schema)
        .fetch_one(&mut *transaction)
        .await?),
        Err(sqlx::Error::Database(refused)) => Err(match refused.code() {
            Some(code) => format!("{code} {}", refused.message()),
            None => refused.message().to_owned(),
        }),
        Err(other) => return Err(other),
    };
    transaction.rollback().await?;
    Ok(ExpectedIndex {
        name: index.name.clone(),
        statement,
        definition,
    })
}

fn statement(schema: &str, table: &str, index: &IndexConvention, name: &str) -> String {
    let unique = if index.unique { "UNIQUE " } else { "" };
    let mut text = format!(
        "CREATE {unique}INDEX {} ON {}.{} USING {} ({})",
        identifier(name),
        identifier(schema),
        identifier(table),
        index.method,
        index.columns.join(", "),
    );
    if !index.include.is_empty() {
        text.push_str(&format!(" INCLUDE ({})", index.include.join(", ")));
    }
    if let Some(predicate) = &index.predicate {
        text.push_str(&format!(" WHERE {predicate}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_reads_like_the_convention() {
        let index = IndexConvention {
            name: "ix".into(),
            columns: vec!["a".into(), "b DESC".into()],
            predicate: Some("a IS NULL".into()),
            unique: true,
            method: "btree".into(),
            include: vec!["c".into()],
        };
        assert_eq!(
            statement("public", "Outbox", &index, "ix"),
            "CREATE UNIQUE INDEX ix ON public.\"Outbox\" USING btree (a, b DESC) INCLUDE (c) WHERE a IS NULL"
        );
    }
}
