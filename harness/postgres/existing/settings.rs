//! The settings of a server that already runs: [`check`].

use sqlx::PgConnection;

use super::super::{Settings, error, sql_error};
use crate::error::Result;

/// Compares the server's settings, which are not ours to change, with those that are wanted.
///
/// # Errors
/// One is another, or the server cannot be asked.
pub(super) async fn check(
    connection: &mut PgConnection,
    place: &str,
    settings: &Settings,
) -> Result<()> {
    for (name, wanted) in &settings.settings {
        let found: Option<(String, String)> = sqlx::query_as(
            "SELECT setting, current_setting(name) FROM pg_settings WHERE lower(name) = $1",
        )
        .bind(name)
        .fetch_optional(&mut *connection)
        .await
        .map_err(|e| sql_error(&format!("cannot ask the server at {place}"), &e))?;
        let has = match &found {
            Some((plain, _)) if plain == wanted => continue,
            Some((_, shown)) if shown == wanted => continue,
            Some((_, shown)) => format!("has {name} = {shown}"),
            None => format!("has no setting {name}"),
        };
        return Err(error(format!(
            "the server at {place} {has}, and [postgres.settings] wants {wanted}"
        ))
        .help(format!(
            "an administrator sets it there: ALTER SYSTEM SET {name} = '{wanted}', and restarts the server; or use provider = \"local\" or \"container\", which start one with it"
        )));
    }
    Ok(())
}
