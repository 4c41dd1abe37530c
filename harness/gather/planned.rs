//! Asks the planner for the one form of expressions that PostgreSQL writes in several ways.
//!
//! `EXPLAIN (VERBOSE)` shows an expression as the planner has simplified it
//! (<https://www.postgresql.org/docs/current/sql-explain.html>).

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use super::Driver;
use super::answer::failed;
use crate::error::Result;
use crate::evidence::models::{Drift, Expression, PlannedExpressions, expression};
use crate::quoting::identifier;

impl Driver<'_> {
    /// The expressions in the differences, each with its planned form in the tables of the
    /// models. What is not valid there stays as it is.
    pub(super) async fn planned(&mut self, drifts: &[Drift]) -> Result<PlannedExpressions> {
        let objects = drifts.iter().flat_map(|drift| {
            let sides = [&drift.migrated, &drift.model].into_iter().flatten();
            sides.filter_map(|object| {
                let table = drift.table.clone()?;
                Some((object.schema.clone(), table, expression(object)?.to_owned()))
            })
        });
        let expressions: Vec<Expression> = objects.collect();
        let mut planned = PlannedExpressions::default();
        if expressions.is_empty() {
            return Ok(planned);
        }
        let connection = self.connection().await?;
        for one in expressions {
            if let Some(form) = plan(connection, &one)
                .await
                .map_err(|cause| failed(&cause))?
            {
                planned.0.insert(one, form);
            }
        }
        Ok(planned)
    }
}

/// The planned form of an expression; `None` where the table does not have what it names.
async fn plan(
    connection: &mut PgConnection,
    (schema, table, expression): &Expression,
) -> Result<Option<String>, sqlx::Error> {
    let schema = schema.as_deref().unwrap_or("public");
    let question = format!(
        "EXPLAIN (VERBOSE, COSTS OFF) SELECT ({expression}) FROM ONLY {}.{}",
        identifier(schema),
        identifier(table)
    );
    let mut transaction = connection.begin().await?;
    let answer = sqlx::query(AssertSqlSafe(question))
        .fetch_all(&mut *transaction)
        .await;
    transaction.rollback().await?;
    let rows = match answer {
        Ok(rows) => rows,
        Err(sqlx::Error::Database(_)) => return Ok(None),
        Err(cause) => return Err(cause),
    };
    let lines = rows.iter().map(|row| row.try_get::<String, _>(0));
    let lines: Vec<String> = lines.collect::<Result<_, _>>()?;
    let output = lines
        .iter()
        .find_map(|line| line.trim().strip_prefix("Output: "));
    Ok(output.map(str::to_owned))
}
