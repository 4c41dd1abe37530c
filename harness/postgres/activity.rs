//! The sessions of a database, and what they do and wait for: [`Activity`].

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::Row;

use super::{Database, Server};

/// The time that looking at other sessions may take.
const ACTIVITY: Duration = Duration::from_secs(2);

/// A look at the sessions of a database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Activity {
    /// A text per session, or why there is none.
    pub sessions: Vec<String>,
    /// The sessions that wait for others.
    pub waits: Vec<Wait>,
}

/// A session that waits for another one, by the ids of the server's processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// The session that waits.
    pub waiter: i32,
    /// The one that holds what it waits for, or waits before it.
    pub holder: i32,
}

impl Server {
    /// The sessions in a database, and who waits for whom.
    ///
    /// From `pg_stat_activity` and `pg_locks`
    /// (<https://www.postgresql.org/docs/current/monitoring-stats.html>,
    /// <https://www.postgresql.org/docs/current/view-pg-locks.html>).
    pub async fn activity(&self, database: &Database) -> Activity {
        let nothing = |why: String| Activity {
            sessions: vec![why],
            waits: Vec::new(),
        };
        match tokio::time::timeout(ACTIVITY, self.look(database)).await {
            Ok(Ok(activity)) if activity.sessions.is_empty() => {
                nothing(format!("no session in {}", database.name))
            }
            Ok(Ok(activity)) => activity,
            Ok(Err(e)) => nothing(format!("pg_stat_activity cannot be read: {e}")),
            Err(_) => nothing(format!(
                "the server did not answer within {} s",
                ACTIVITY.as_secs()
            )),
        }
    }

    async fn look(&self, database: &Database) -> Result<Activity, sqlx::Error> {
        // Inside the database a relation's number has a name.
        let inside = tokio::time::timeout(
            Duration::from_secs(1),
            self.access.try_connect(&database.name),
        );
        let mut connection = match inside.await {
            Ok(Ok(connection)) => connection,
            _ => self.access.try_connect(&self.access.maintenance).await?,
        };
        let rows = sqlx::query(ACTIVITY_SQL)
            .bind(&database.name)
            .fetch_all(&mut connection)
            .await?;
        let mut activity = Activity::default();
        for row in rows {
            activity.sessions.push(row.try_get(0)?);
            let waiter = row.try_get(1)?;
            let holders: Vec<i32> = row.try_get(2)?;
            let holders = holders.into_iter().map(|holder| Wait { waiter, holder });
            activity.waits.extend(holders);
        }
        Ok(activity)
    }
}

/// One text per session, with a line per lock that it waits for, and who holds it up.
const ACTIVITY_SQL: &str = "
SELECT format('pid %s: %s for %s s%s%s: %s', a.pid, coalesce(a.state, a.backend_type),
         round(extract(epoch FROM clock_timestamp() - coalesce(a.state_change, a.backend_start))::numeric, 1),
         CASE WHEN a.wait_event IS NOT NULL AND a.state <> 'idle'
              THEN format(', waiting for %s/%s', a.wait_event_type, a.wait_event) ELSE '' END,
         CASE WHEN cardinality(pg_blocking_pids(a.pid)) > 0
              THEN format(', blocked by pid %s', array_to_string(pg_blocking_pids(a.pid), ', ')) ELSE '' END,
         left(regexp_replace(a.query, '\\s+', ' ', 'g'), 300))
       || coalesce((SELECT string_agg(format(E'\\n  waits for %s on %s', l.mode,
              CASE WHEN l.relation IS NOT NULL THEN l.relation::regclass::text ELSE l.locktype END), '')
            FROM pg_locks l WHERE l.pid = a.pid AND NOT l.granted), ''),
       a.pid, pg_blocking_pids(a.pid)
FROM pg_stat_activity a
WHERE a.datname = $1 AND a.pid <> pg_backend_pid()
ORDER BY a.backend_start";
