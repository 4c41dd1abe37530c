//! Asks the server whether two defaults come to the same.
//!
//! `CURRENT_TIMESTAMP` and `now()`, `'0'::numeric` and `0` are one default in two words.
//! Alembic compares what they evaluate to
//! (<https://alembic.sqlalchemy.org/en/latest/api/runtime.html>, `compare_server_default`),
//! and so does this.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::Driver;
use super::answer::failed;
use crate::error::Result;
use crate::evidence::models::Drift;

impl Driver<'_> {
    /// The differences without those whose defaults come to the same.
    pub(super) async fn with_other_defaults(&mut self, drifts: Vec<Drift>) -> Result<Vec<Drift>> {
        if drifts.iter().all(|drift| drift.defaults().is_none()) {
            return Ok(drifts);
        }
        let connection = self.connection().await?;
        let mut others = Vec::new();
        for drift in drifts {
            let same = match drift.defaults() {
                Some((one, other)) => come_to_the_same(connection, one, other)
                    .await
                    .map_err(|cause| failed(&cause))?,
                None => false,
            };
            if !same {
                others.push(drift);
            }
        }
        Ok(others)
    }
}

/// Tells whether two expressions of one type have the same value, in a transaction that has
/// begun before the statement, so that the time of one is not the time of the other. Those
/// that cannot be evaluated have not.
async fn come_to_the_same(
    connection: &mut PgConnection,
    one: &str,
    other: &str,
) -> Result<bool, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    sqlx::query("SELECT").execute(&mut *transaction).await?;
    let question = format!("SELECT ({one})::text IS NOT DISTINCT FROM ({other})::text");
    let answer = sqlx::query_scalar(AssertSqlSafe(question))
        .fetch_one(&mut *transaction)
        .await;
    transaction.rollback().await?;
    match answer {
        Ok(same) => Ok(same),
        Err(sqlx::Error::Database(_)) => Ok(false),
        Err(cause) => Err(cause),
    }
}
