//! Statements that a driver prepared before a deployment: [`Warm`].

use sqlx::{AssertSqlSafe, Executor, PgConnection};

use crate::error::Result;
use crate::evidence::running::{Failure, StatementKind, TriedStatement};
use crate::gather::answer::refusal;

/// The drivers that prepare what they execute.
const PREPARE: &[&str] = &["asyncpg", "psycopg", "psycopg_async"];

/// A statement that was prepared.
pub(super) struct Warm {
    name: String,
    pub tried: TriedStatement,
}

/// Prepares what is selected, as a driver does that has done so often.
pub(super) async fn prepare(
    connection: &mut PgConnection,
    driver: &str,
    tried: &[TriedStatement],
) -> Result<Vec<Warm>> {
    if !PREPARE.contains(&driver) {
        return Ok(Vec::new());
    }
    let selects = tried
        .iter()
        .filter(|one| one.kind == StatementKind::Select && one.works());
    let mut prepared = Vec::new();
    for (number, one) in selects.enumerate() {
        let name = format!("migration_harness_{number}");
        // The number of rows is a parameter, whose name depends on the driver.
        let Some((text, _)) = one.sql.rsplit_once(" LIMIT ") else {
            continue;
        };
        let sql = format!("PREPARE {name} AS {text}; EXECUTE {name}");
        if refusal(connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await)?.is_none() {
            prepared.push(Warm {
                name,
                tried: one.clone(),
            });
        }
    }
    Ok(prepared)
}

impl Warm {
    /// Executes it; returns it with its error where it fails now.
    pub(super) async fn execute(
        &self,
        connection: &mut PgConnection,
    ) -> Result<Option<TriedStatement>> {
        let sql = format!("EXECUTE {}", self.name);
        let ran = connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await;
        Ok(refusal(ran)?.map(|refusal| TriedStatement {
            is_warm: true,
            error: Some(Failure {
                state: Some(refusal.state),
                class: String::new(),
                message: refusal.message,
            }),
            ..self.tried.clone()
        }))
    }
}
