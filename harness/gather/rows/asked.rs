//! Questions about rows and values that only PostgreSQL can answer.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::compare::Conversion;
use crate::error::Result;
use crate::gather::answer::{failed, refusal};
use crate::planting::Refusal;

/// PostgreSQL's answer to a row that is not kept, where it refuses it.
pub(super) async fn taken_for_a_moment(
    connection: &mut PgConnection,
    insert: &str,
) -> Result<Option<Refusal>> {
    let mut transaction = connection.begin().await.map_err(|cause| failed(&cause))?;
    let tried = transaction
        .execute(sqlx::raw_sql(AssertSqlSafe(insert.to_owned())))
        .await;
    let refusal = refusal(tried)?;
    transaction
        .rollback()
        .await
        .map_err(|cause| failed(&cause))?;
    Ok(refusal)
}

/// Tells whether values that were converted to another type are what they were once converted back.
pub(super) async fn come_back(
    connection: &mut PgConnection,
    conversions: &[Conversion],
) -> Result<bool> {
    let Some(Conversion { from, to, .. }) = conversions.first() else {
        return Ok(true);
    };
    let before: Vec<&str> = conversions.iter().map(|one| one.before.as_str()).collect();
    let after: Vec<&str> = conversions.iter().map(|one| one.after.as_str()).collect();
    // By a cast between the types where there is one, by their text otherwise.
    for back in [format!("after::{to}::{from}"), format!("after::{from}")] {
        let asked = format!(
            "SELECT coalesce(bool_and(({back})::text IS NOT DISTINCT FROM before::{from}::text), true)
             FROM unnest($1::text[], $2::text[]) AS one (before, after)"
        );
        let query = sqlx::query_scalar(AssertSqlSafe(asked));
        match query
            .bind(&before)
            .bind(&after)
            .fetch_one(&mut *connection)
            .await
        {
            Ok(comes_back) => return Ok(comes_back),
            Err(sqlx::Error::Database(_)) => {}
            Err(cause) => return Err(failed(&cause)),
        }
    }
    Ok(false)
}
