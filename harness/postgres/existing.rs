//! The provider `existing`: fresh databases on a server that already runs.
//!
//! `HARNESS_DATABASE_URL` names it. Nothing of it is touched but databases that
//! are ours, and a service reaches one of those alone: a [`relay`](super::relay)
//! stands before the server. Each server handed out holds an advisory lock for as long as it
//! lives (<https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS>),
//! whose number is part of its databases' names. A database whose lock nobody
//! holds was left by a run that was killed, and is dropped by the next one.

mod settings;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use once_cell::sync::Lazy;
use sqlx::{Connection, PgConnection};

use super::access::Access;
use super::kept::{self, Address, Removal, Shown, quoted};
use super::relay::{Relay, Upstream};
use super::statements::{drop_database, rename_database};
use super::{
    BoxFuture, Choice, Guard, MigrateAs, Provider, Settings, StartedServer, error, run_sql,
    sql_error,
};
use crate::error::Result;
use crate::process::random;

/// See the module's documentation.
pub const PROVIDER: Provider = Provider {
    name: "existing",
    choice: Choice::Existing,
    automatic: false,
    examine: |settings| Box::pin(examine(settings)),
    start: |settings, _| Box::pin(start(settings)),
};

/// The first of the two numbers of our advisory locks ("mhar").
const LOCK_CLASS: i32 = 0x6d68_6172;

/// The end of the names of databases that are to stay. No sweep matches it.
const KEPT: &str = "kept";

/// The time that dropping what is ours may take in a destructor.
const DROP: Duration = Duration::from_secs(10);

/// A way to the server of `HARNESS_DATABASE_URL`, and how the harness goes it.
fn open(settings: &Settings) -> Result<(Arc<Relay>, Access)> {
    let example = "set HARNESS_DATABASE_URL=postgresql://user:password@host:5432/postgres";
    let url = settings
        .existing_url
        .as_deref()
        .filter(|url| !url.trim().is_empty());
    let url = url.ok_or_else(|| {
        error("provider `existing` needs HARNESS_DATABASE_URL, which is not set").help(example)
    })?;
    let upstream: Upstream = url
        .parse()
        .map_err(|why: String| error(format!("HARNESS_DATABASE_URL {why}")).help(example))?;
    let relay = Relay::open(upstream)
        .map_err(|e| error(format!("cannot listen on a port of this machine: {e}")))?;
    let upstream = relay.upstream();
    let access = Access {
        host: "127.0.0.1".to_owned(),
        port: relay.port,
        user: upstream.user.clone(),
        password: relay.password().to_owned(),
        maintenance: upstream.maintenance.clone(),
        place: Some(upstream.place()),
    };
    Ok((Arc::new(relay), access))
}

async fn examine(settings: &Settings) -> Result<Vec<String>> {
    let (relay, access) = open(settings)?;
    let place = access.place();
    let help = "check HARNESS_DATABASE_URL: the server must run, and its user may create databases (ALTER ROLE ... CREATEDB)";
    let mut connection = access
        .connect(&access.maintenance)
        .await
        .map_err(|e| e.help(help))?;
    let failed = |e: sqlx::Error| sql_error(&format!("cannot ask the server at {place}"), &e);
    let (superuser, creates, number, version): (bool, bool, i32, String) = sqlx::query_as(
        "SELECT rolsuper, rolcreatedb, current_setting('server_version_num')::int, current_setting('server_version')
         FROM pg_roles WHERE rolname = current_user",
    )
    .fetch_one(&mut connection)
    .await
    .map_err(failed)?;
    if !superuser && !creates {
        return Err(error(format!(
            "the user {} may not create databases on {place}",
            access.user
        ))
        .help(help));
    }
    if !superuser
        && !may_set_token(&mut connection, number)
            .await
            .map_err(failed)?
    {
        return Err(error(format!("the user {} may not mark a database of {place} as disposable", access.user)).help(format!(
            "use a superuser, or (PostgreSQL 15 and newer) as one: GRANT SET ON PARAMETER migration_harness.token TO \"{}\"",
            access.user
        )));
    }
    if superuser && settings.migrate_as == MigrateAs::Owner {
        return Err(error(format!(
            "`postgres.migrate_as` is \"owner\", and {} is a superuser on {place}",
            access.user
        ))
        .help("name a user in HARNESS_DATABASE_URL who may create databases and is no superuser: it owns those that it creates"));
    }
    settings::check(&mut connection, &place, settings).await?;
    sweep(&mut connection, &place, number)
        .await
        .map_err(failed)?;
    let mut notes = vec![format!(
        "postgresql {version} at {place} (HARNESS_DATABASE_URL)"
    )];
    if relay.upstream().lets_everyone_in() {
        notes.push(format!(
            "{place} asks nobody for a password: on systems without Landlock, a program that a migration starts may use its other databases"
        ));
    }
    notes.extend(left(&mut connection).await.map_err(failed)?);
    let _ = connection.close().await;
    Ok(notes)
}

/// Tells whether `ALTER DATABASE ... SET migration_harness.token` is allowed: for a
/// name that no extension has defined it takes a superuser, or since 15 a grant
/// (<https://www.postgresql.org/docs/current/sql-grant.html>).
async fn may_set_token(connection: &mut PgConnection, number: i32) -> Result<bool, sqlx::Error> {
    if number < 150_000 {
        return Ok(false);
    }
    sqlx::query_scalar("SELECT has_parameter_privilege('migration_harness.token', 'SET')")
        .fetch_one(connection)
        .await
}

/// Drops what dead runs left, once per process and server.
async fn sweep(connection: &mut PgConnection, place: &str, number: i32) -> Result<(), sqlx::Error> {
    static SWEPT: Lazy<Mutex<HashSet<String>>> = Lazy::new(Default::default);
    if !SWEPT
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(place.to_owned())
    {
        return Ok(());
    }
    let ours: Vec<String> = sqlx::query_scalar(
        "SELECT datname::text FROM pg_database WHERE datdba = (SELECT oid FROM pg_roles WHERE rolname = current_user)
         AND datname ~ '^migration_harness_.*_[0-9a-f]{8}_[0-9a-f]{8}$'",
    )
    .fetch_all(&mut *connection)
    .await?;
    for name in ours {
        let Some(key) = key_in(&name) else { continue };
        // Locks are seen from every database, though taken in one.
        let held: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted
             AND classid::bigint = $1 AND objid::bigint = $2 AND objsubid = 2)",
        )
        .bind(i64::from(LOCK_CLASS))
        .bind(i64::from(key))
        .fetch_one(&mut *connection)
        .await?;
        if !held {
            // Another run may be at the same; what stays is tried next time.
            let _ = drop_database(connection, &name, number).await;
        }
    }
    Ok(())
}

/// Says which databases `KEEP_SERVER` left there, whichever machine's run it was.
async fn left(connection: &mut PgConnection) -> Result<Option<String>, sqlx::Error> {
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT datname::text FROM pg_database WHERE datdba = (SELECT oid FROM pg_roles WHERE rolname = current_user)
         AND datname ~ '^migration_harness_.*_kept$' ORDER BY 1",
    )
    .fetch_all(connection)
    .await?;
    Ok((!names.is_empty()).then(|| {
        format!(
            "databases that KEEP_SERVER left there: {}",
            names.join(", ")
        )
    }))
}

/// The lock's number in `migration_harness_<service>_<number>_<random>`.
fn key_in(name: &str) -> Option<u32> {
    u32::from_str_radix(name.rsplit('_').nth(1)?, 16).ok()
}

async fn start(settings: &Settings) -> Result<StartedServer> {
    let (relay, access) = open(settings)?;
    let connection = access.connect(&access.maintenance).await?;
    let mut lock = access.connect(&access.maintenance).await?;
    let key = random::hex(4)
        .ok()
        .and_then(|text| u32::from_str_radix(&text, 16).ok())
        .ok_or_else(|| error("no random number"))?;
    // Waiting is this session's purpose; the setting is new in 14.
    let _ = run_sql(&mut lock, "SET idle_session_timeout = 0").await;
    sqlx::query("SELECT pg_advisory_lock($1, $2)")
        .bind(LOCK_CLASS)
        .bind(key.cast_signed())
        .execute(&mut lock)
        .await
        .map_err(|e| sql_error("cannot take an advisory lock", &e))?;
    let number: i32 = sqlx::query_scalar("SELECT current_setting('server_version_num')::int")
        .fetch_one(&mut lock)
        .await
        .map_err(|e| sql_error("cannot ask for the version", &e))?;
    let guard = Existing {
        relay,
        access: access.clone(),
        key,
        number,
        lock: Mutex::new(Some(lock)),
        databases: Mutex::default(),
    };
    Ok(StartedServer {
        access,
        connection,
        guard: Box::new(guard),
    })
}

/// Databases of ours on a server that is not.
struct Existing {
    /// The relay between the service and the server.
    relay: Arc<Relay>,
    access: Access,
    key: u32,
    number: i32,
    /// The session that holds the advisory lock.
    lock: Mutex<Option<PgConnection>>,
    databases: Mutex<Vec<String>>,
}

impl Existing {
    /// The databases to clean up; afterwards nothing is left to do.
    fn take(&mut self) -> Rest {
        Rest {
            relay: Arc::clone(&self.relay),
            access: self.access.clone(),
            number: self.number,
            lock: self
                .lock
                .get_mut()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
            databases: std::mem::take(
                self.databases
                    .get_mut()
                    .unwrap_or_else(PoisonError::into_inner),
            ),
        }
    }
}

/// Databases to be dropped, and the lock that says they are in use until then.
struct Rest {
    relay: Arc<Relay>,
    access: Access,
    number: i32,
    lock: Option<PgConnection>,
    databases: Vec<String>,
}

impl Rest {
    async fn remove(self) -> Result<()> {
        if !self.databases.is_empty() {
            let mut connection = self.access.connect(&self.access.maintenance).await?;
            for name in &self.databases {
                drop_database(&mut connection, name, self.number).await?;
            }
            let _ = connection.close().await;
        }
        drop(self.lock);
        drop(self.relay);
        Ok(())
    }
}

impl Guard for Existing {
    fn log_tail(&self, _lines: usize) -> Vec<String> {
        Vec::new()
    }

    fn mark(&self) -> String {
        format!("{:08x}_", self.key)
    }

    fn will_create(&self, database: &str) {
        let mut databases = self
            .databases
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !databases.iter().any(|known| known == database) {
            databases.push(database.to_owned());
        }
    }

    fn is_shared(&self) -> bool {
        true
    }

    /// No run, on whatever machine, takes a database of such a name for a dead run's.
    fn rename<'a>(&'a self, stages: Vec<Shown>) -> BoxFuture<'a, Result<Vec<Shown>>> {
        Box::pin(async move {
            let mut connection = self.access.connect(&self.access.maintenance).await?;
            let mut renamed = Vec::new();
            for stage in stages {
                let name = format!("{}_{KEPT}", stage.database);
                self.will_create(&name);
                rename_database(&mut connection, &stage.database, &name).await?;
                renamed.push(Shown {
                    database: name,
                    ..stage
                });
            }
            let _ = connection.close().await;
            Ok(renamed)
        })
    }

    fn admit(&self, database: &str) -> Option<String> {
        Some(self.relay.admit(database))
    }

    fn take_refused(&self) -> Vec<String> {
        self.relay.take_refused()
    }

    fn secret(&self) -> Option<String> {
        Some(self.relay.upstream().password.clone())
    }

    fn address(&self, access: &Access) -> Address {
        Address {
            parameters: self.relay.upstream().parameters(),
            maintenance: access.maintenance.clone(),
        }
    }

    fn removal(&self, stages: &[Shown]) -> Result<Removal> {
        let psql = kept::psql(None).ok_or_else(|| {
            error("there is no psql to remove the databases with")
                .help("install PostgreSQL's client programs")
        })?;
        let force = if self.number >= 130_000 {
            " WITH (FORCE)"
        } else {
            ""
        };
        let drop = |stage: &Shown| {
            format!(
                "{} -X -q service=maintenance -c 'DROP DATABASE IF EXISTS \"{}\"{force}'",
                quoted(&psql),
                stage.database
            )
        };
        let names: Vec<String> = stages
            .iter()
            .map(|stage| format!("$${}$$", stage.database))
            .collect();
        let there = format!(
            "SELECT count(*) FROM pg_database WHERE datname IN ({})",
            names.join(", ")
        );
        let here = "PGSERVICEFILE=$(dirname -- \"$0\")/service.conf; export PGSERVICEFILE";
        Ok(Removal {
            remove: format!(
                "{here}\n{}",
                stages.iter().map(drop).collect::<Vec<_>>().join("\n")
            ),
            gone: format!(
                "{here}\n[ \"$({} -X -A -t service=maintenance -c '{there}')\" = 0 ]",
                quoted(&psql)
            ),
            psql,
        })
    }

    fn let_go(self: Box<Self>) -> BoxFuture<'static, Result<()>> {
        self.databases
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        Box::pin(async { Ok(()) })
    }

    fn stop(mut self: Box<Self>) -> BoxFuture<'static, Result<()>> {
        Box::pin(self.take().remove())
    }
}

impl Drop for Existing {
    fn drop(&mut self) {
        let rest = self.take();
        if rest.databases.is_empty() {
            return;
        }
        let names = rest.databases.join(", ");
        // On a thread with a runtime of its own: this may be any thread, in a panic.
        let thread = std::thread::Builder::new()
            .name("existing".into())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .ok()?;
                let removed =
                    runtime.block_on(async { tokio::time::timeout(DROP, rest.remove()).await });
                matches!(removed, Ok(Ok(()))).then_some(())
            });
        let removed = thread.ok().and_then(|thread| thread.join().ok().flatten());
        if removed.is_none() {
            eprintln!("migration-harness: could not drop {names}; the next run will");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_lock_in_a_name() {
        assert_eq!(
            key_in("migration_harness_a_service_0000002a_89abcdef"),
            Some(42)
        );
        assert_eq!(key_in("migration_harness_x"), None);
    }
}
