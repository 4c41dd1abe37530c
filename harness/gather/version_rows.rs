//! The rows of Alembic's version table.

use sqlx::{AssertSqlSafe, PgConnection};

use super::answer::failed;
use crate::alembic::transcript::VersionTable;
use crate::error::Result;

/// The rows of the version table; `None` if there is no such table.
pub(super) async fn read(
    connection: &mut PgConnection,
    configured: Option<&VersionTable>,
) -> Result<Option<Vec<String>>> {
    let Some(table) = table(connection, configured).await? else {
        return Ok(None);
    };
    sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT version_num::text FROM {table} ORDER BY 1"
    )))
    .fetch_all(connection)
    .await
    .map(Some)
    .map_err(|cause| failed(&cause))
}

/// The version table, as SQL names it; `None` if it is not there. Where `env.py` names no
/// schema, it is in one of the service's `search_path`, which is not ours.
async fn table(
    connection: &mut PgConnection,
    configured: Option<&VersionTable>,
) -> Result<Option<String>> {
    let name = configured.map_or("alembic_version", |table| table.name.as_str());
    let given = configured.and_then(|table| table.schema.as_deref());
    let first = configured.and_then(|table| table.default_schema.as_deref());
    sqlx::query_scalar(
        "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c
         JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relname = $1 AND c.relkind IN ('r', 'p') AND n.nspname = coalesce($2, n.nspname)
         ORDER BY n.nspname = coalesce($3, 'public') DESC, n.nspname LIMIT 1",
    )
    .bind(name)
    .bind(given)
    .bind(first)
    .fetch_optional(&mut *connection)
    .await
    .map_err(|cause| failed(&cause))
}
