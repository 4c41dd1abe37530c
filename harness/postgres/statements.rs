//! Drops and renames databases that somebody may still be connected to, and sets passwords.

use std::time::Duration;

use sqlx::PgConnection;

use super::scram::{self, Rounds};
use super::{error, run_sql, sql_error};
use crate::error::Result;

/// Renames a database and ends the sessions in it.
pub(super) async fn rename_database(
    connection: &mut PgConnection,
    from: &str,
    to: &str,
) -> Result<()> {
    let mut last = None;
    for _ in 0..20 {
        end_sessions(connection, from).await;
        match run_sql(
            connection,
            &format!("ALTER DATABASE \"{from}\" RENAME TO \"{to}\""),
        )
        .await
        {
            Ok(()) => return Ok(()),
            // A session that is just ending still keeps it.
            Err(e) => last = Some(e),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(match last {
        Some(e) => sql_error(&format!("cannot rename the database {from}"), &e),
        None => error(format!("cannot rename the database {from}")),
    })
}

/// Drops a database and ends the sessions in it. One that is not there is fine.
pub(super) async fn drop_database(
    connection: &mut PgConnection,
    name: &str,
    number: i32,
) -> Result<()> {
    // WITH (FORCE) is new in 13: https://www.postgresql.org/docs/current/sql-dropdatabase.html
    let force = if number >= 130_000 {
        " WITH (FORCE)"
    } else {
        ""
    };
    let mut last = None;
    for _ in 0..20 {
        // A session that is just starting may not have been seen, and a replication slot
        // keeps its database: try again.
        end_sessions(connection, name).await;
        let _ = sqlx::query("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = $1 AND NOT active")
            .bind(name)
            .execute(&mut *connection)
            .await;
        match run_sql(
            connection,
            &format!("DROP DATABASE IF EXISTS \"{name}\"{force}"),
        )
        .await
        {
            Ok(()) => return Ok(()),
            Err(e) => last = Some(e),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(match last {
        Some(e) => sql_error(&format!("cannot drop the database {name}"), &e),
        None => error(format!("cannot drop the database {name}")),
    })
}

/// Ends the sessions in a database and waits a moment until they are gone: a statement that
/// finds one of them sleeps for a tenth of a second before it looks again
/// (`CountOtherDBBackends` in storage/ipc/procarray.c).
async fn end_sessions(connection: &mut PgConnection, name: &str) {
    const END: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
        WHERE datname = $1 AND pid <> pg_backend_pid()";
    for _ in 0..20 {
        let left = sqlx::query_scalar(END).bind(name);
        let left: Result<i64, sqlx::Error> = left.fetch_one(&mut *connection).await;
        if !left.is_ok_and(|left| left > 0) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Gives a user of a server of ours a password of 128 random bits.
pub(super) async fn set_password(
    connection: &mut PgConnection,
    user: &str,
    password: &str,
    rounds: Rounds,
) -> Result<()> {
    let secret =
        scram::secret(password, rounds).map_err(|e| error(format!("no random salt: {e}")))?;
    // A statement that fails is logged with its text.
    let change =
        format!("SET log_min_error_statement = panic; ALTER ROLE \"{user}\" PASSWORD '{secret}'");
    run_sql(connection, &change)
        .await
        .map_err(|e| sql_error("cannot set up the server", &e))
}
