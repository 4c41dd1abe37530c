//! The servers that services get: [`Servers`].
//!
//! To start and end a server costs as much as to migrate a small service. One of our own
//! on which a service left nothing but its databases is handed on, empty and with a new
//! password; any other is ended. What "nothing" is, [`TRACES`] says.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use sqlx::{AssertSqlSafe, PgConnection};

use super::restore::{self, Snapshot};
use super::scram::Rounds;
use super::statements::{drop_database, set_password};
use super::{ClusterObjects, Server, Settings, choose, error, sql_error};
use crate::error::Result;
use crate::process::random;

/// The servers of one run that no service uses at the moment.
#[derive(Debug)]
pub struct Servers {
    hand_on: bool,
    idle: Mutex<Vec<Server>>,
    said: Mutex<BTreeSet<String>>,
}

impl Servers {
    /// None yet. `hand_on`: whether a server may serve one service after another.
    #[must_use]
    pub fn new(hand_on: bool) -> Self {
        Self {
            hand_on,
            idle: Mutex::default(),
            said: Mutex::default(),
        }
    }

    /// An empty server for a service; `say` is told once which one is used and why not
    /// another.
    ///
    /// # Errors
    /// As [`start`](super::start).
    pub async fn start(
        &self,
        settings: &Settings,
        service: &str,
        say: impl Fn(String),
    ) -> Result<Server> {
        let began = Instant::now();
        let chosen = choose(settings).await?;
        let new = |note: &&String| lock(&self.said).insert((*note).clone());
        let notes = chosen.notes.iter().filter(new);
        notes.for_each(|note| say(format!("{}: {note}", chosen.provider)));
        while let Some(mut server) = self.take(|idle| idle.chosen == chosen) {
            if !server.answers().await {
                server.stop().await?;
                continue;
            }
            server.after = Some(std::mem::replace(&mut server.service, service.to_owned()));
            server.started_in = began.elapsed();
            return Ok(server);
        }
        // No more servers at a time than services.
        if let Some(other) = self.take(|_| true) {
            other.stop().await?;
        }
        let mut server = super::start(settings, service).await?;
        if self.hand_on && server.is_ours_alone() {
            server.traces = Some(server.look_for_traces().await?);
        }
        Ok(server)
    }

    /// An idle server that fits.
    fn take(&self, fits: impl Fn(&Server) -> bool) -> Option<Server> {
        let mut idle = lock(&self.idle);
        let fitting = idle.iter().position(fits)?;
        Some(idle.swap_remove(fitting))
    }

    /// Takes back a server that a service does not need any more: keeps it for the next
    /// one, or ends it.
    ///
    /// # Errors
    /// Naming what could not be removed.
    pub async fn give_back(&self, mut server: Server) -> Result<()> {
        // One that cannot be asked is not kept.
        if server.become_empty().await.unwrap_or(false) {
            lock(&self.idle).push(server);
            return Ok(());
        }
        server.stop().await
    }

    /// Ends all that are idle.
    ///
    /// # Errors
    /// Naming what could not be removed.
    pub async fn end(&self) -> Result<()> {
        let idle = std::mem::take(&mut *lock(&self.idle));
        let mut ended = Ok(());
        for server in idle {
            ended = server.stop().await.and(ended);
        }
        ended
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The catalogs that all databases of a server share
/// (<https://www.postgresql.org/docs/current/catalogs-overview.html>), and since which
/// version there are such.
const SHARED: &[(&str, i32)] = &[
    ("pg_auth_members", 0),
    ("pg_authid", 0),
    ("pg_database", 0),
    ("pg_db_role_setting", 0),
    ("pg_parameter_acl", 150_000),
    ("pg_replication_origin", 0),
    ("pg_shdepend", 0),
    ("pg_shdescription", 0),
    ("pg_shseclabel", 0),
    ("pg_subscription", 0),
    ("pg_tablespace", 0),
];

/// The other things that outlive a database: slots, prepared transactions, sessions that
/// someone holds open, and settings and permissions, which stand in files and in memory.
const TRACES: &str = "
(SELECT count(*) FROM pg_replication_slots),
(SELECT count(*) FROM pg_prepared_xacts),
(SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datid IS NOT NULL),
pg_conf_load_time(),
(SELECT md5(string_agg(setting::text, E'\\n')) FROM pg_file_settings setting),
(SELECT md5(string_agg(rule::text, E'\\n')) FROM pg_hba_file_rules rule)";

/// One text that is the same as long as nothing outside of databases is other than it was:
/// a row that is written has a newer `xmin`
/// (<https://www.postgresql.org/docs/current/ddl-system-columns.html>), one that is
/// deleted is missing in the count.
fn traces(number: i32) -> String {
    let there = SHARED.iter().filter(|(_, since)| *since <= number);
    let rows = there.map(|(catalog, _)| {
        format!("(SELECT concat(count(*), '/', sum(xmin::text::bigint)) FROM {catalog}),\n")
    });
    format!(
        "SELECT concat_ws(' ', {}{TRACES})",
        rows.collect::<String>()
    )
}

impl Server {
    /// Tells whether it still does; `create_database` needs the same connection.
    async fn answers(&self) -> bool {
        let mut maintenance = self.maintenance.lock().await;
        self.alive(&mut maintenance).await.is_ok()
    }

    async fn look_for_traces(&self) -> Result<String> {
        let mut maintenance = self.maintenance.lock().await;
        read_traces(self.alive(&mut maintenance).await?, self.number).await
    }

    /// Drops the databases; whether nothing else of the service is left. If so, the server
    /// has a new password, which nobody knows that is still there.
    async fn become_empty(&mut self) -> Result<bool> {
        let Some(before) = self.traces.clone() else {
            return Ok(false);
        };
        let password = random::hex(16).map_err(|e| error(format!("no random password: {e}")))?;
        let databases = std::mem::take(&mut *self.databases());
        let number = self.number;
        let mut maintenance = self.maintenance.lock().await;
        let connection = self.alive(&mut maintenance).await?;
        for name in &databases {
            drop_database(connection, name, number).await?;
        }
        if read_traces(connection, number).await? != before {
            return Ok(false);
        }
        set_password(connection, &self.access.user, &password, Rounds::One).await?;
        if let Some(owner) = &mut self.owner {
            owner.renew_password(connection).await?;
        }
        let before = Snapshot::take(connection, number).await?;
        let traces = read_traces(connection, number).await?;
        drop(maintenance);
        self.access.password = password;
        self.before = before;
        self.original = None;
        self.traces = Some(traces);
        Ok(true)
    }
}

impl Server {
    /// Lets every driver in: the password stays, and is hashed from now on as often as the
    /// strictest of them demands. Such a server is not handed on. The server of somebody
    /// else is left as it is.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn admit_strict_drivers(&mut self) -> Result<()> {
        if !self.is_ours_alone() {
            return Ok(());
        }
        let mut maintenance = self.maintenance.lock().await;
        let connection = self.alive(&mut maintenance).await?;
        let (user, password) = match &self.owner {
            Some(owner) => (owner.role, &owner.password),
            None => (&*self.access.user, &self.access.password),
        };
        set_password(connection, user, password, Rounds::Recommended).await?;
        let now = Snapshot::take(connection, self.number).await?;
        drop(maintenance);
        self.traces = None;
        self.before.take_role_from(&now, user);
        if let Some(original) = &mut self.original {
            original.take_role_from(&now, user);
        }
        Ok(())
    }
}

impl Server {
    /// Tells whether migrations changed something for the whole server, of all that `touched`
    /// accounts for where others use it too.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn is_changed(&self, touched: &ClusterObjects) -> Result<bool> {
        self.is_changed_since(&self.before, touched).await
    }

    /// The same, with what was prepared before the migrations.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn is_not_as_it_was(&self, touched: &ClusterObjects) -> Result<bool> {
        let original = self.original.as_ref().unwrap_or(&self.before);
        self.is_changed_since(original, touched).await
    }

    async fn is_changed_since(&self, before: &Snapshot, touched: &ClusterObjects) -> Result<bool> {
        let mut maintenance = self.maintenance.lock().await;
        let connection = self.alive(&mut maintenance).await?;
        let ours = self.databases().clone();
        restore::is_changed(connection, before, &ours, self.counted(touched)).await
    }

    /// The effects that account for a difference; none on a server of ours alone.
    pub(super) fn counted<'a>(&self, touched: &'a ClusterObjects) -> Option<&'a ClusterObjects> {
        self.guard.is_shared().then_some(touched)
    }
}

async fn read_traces(connection: &mut PgConnection, number: i32) -> Result<String> {
    sqlx::query_scalar(AssertSqlSafe(traces(number)))
        .fetch_one(connection)
        .await
        .map_err(|e| sql_error("cannot read what the server holds", &e))
}
