//! Databases that fresh ones are copies of: [`Template`].
//!
//! The preparations of a service run once per server; a database that holds them becomes
//! a template, which nobody can connect to any more
//! (<https://www.postgresql.org/docs/current/manage-ag-templatedbs.html>). What it created
//! for the whole server, such as a role, is from then on what the server is put back to.

use std::time::Duration;

use sqlx::PgConnection;

use super::restore::{Snapshot, put_back};
use super::statements::{drop_database, rename_database};
use super::{
    ClusterObjects, Database, Script, Server, Statement, Template, error, run_sql, sql_error,
};
use crate::error::{HarnessError, Result};
use crate::text::beginning;

impl Server {
    /// Runs a script in a database, in a session of its own, with the parts of the URL
    /// filled in as in `env`.
    ///
    /// # Errors
    /// The server refuses a statement, which is named, or the script takes longer than
    /// `limit`.
    pub async fn run(&self, database: &Database, script: &Script, limit: Duration) -> Result<()> {
        let mut connection = database.connect().await?;
        let all = async {
            for statement in &script.statements {
                let sql = database.filled_in(&statement.sql);
                let ran = run_sql(&mut connection, &sql).await;
                ran.map_err(|cause| self.refusal(script, statement, &cause))?;
            }
            Ok(())
        };
        let late = || error(format!("{} took longer than {limit:?}", script.origin));
        let ran = tokio::time::timeout(limit, all).await;
        ran.unwrap_or_else(|_| {
            Err(late().help("raise `timeouts.upgrade` in the manifest, or see what it waits for"))
        })
    }

    /// The error about a statement that the server does not run.
    fn refusal(&self, script: &Script, statement: &Statement, cause: &sqlx::Error) -> HarnessError {
        let Statement { line, sql } = statement;
        let place = format!("line {line} of {}", script.origin);
        let e = sql_error(&format!("the server refuses {place}"), cause);
        let e = e.detail(format!("the statement: {}", beginning(sql, 200)));
        let Some(state) = cause.as_database_error().and_then(|cause| cause.code()) else {
            return e.help("the connection ended there: see the server's log");
        };
        if let Some(name) = created_extension(sql)
            && ["0A000", "58P01"].contains(&&*state)
        {
            return e.help(self.how_to_get(&name));
        }
        match (&*state, self.is_ours_alone()) {
            ("42501", false) => e.help(format!(
                "the user {} of HARNESS_DATABASE_URL may not do this: let an administrator run it there once, and leave it out here, or use provider = \"local\" or \"container\"",
                self.access.user
            )),
            ("42710", false) => e.help(
                "it is on that server already: create it where it is not there yet, in a DO block, or leave it out",
            ),
            _ => e.help(format!("run `psql -f` on it to see more, and mend {place}")),
        }
    }

    /// Tells whether the server could create an extension
    /// (<https://www.postgresql.org/docs/current/view-pg-available-extensions.html>).
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn offers(&self, extension: &str) -> Result<bool> {
        let mut maintenance = self.maintenance.lock().await;
        let connection = self.alive(&mut maintenance).await?;
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = $1)")
            .bind(extension)
            .fetch_one(connection)
            .await
            .map_err(|e| sql_error("cannot ask for the server's extensions", &e))
    }

    /// Tells whether the server is started for the manifest, and so with its settings.
    #[must_use]
    pub fn takes_settings(&self) -> bool {
        self.provider != super::existing::PROVIDER.name
    }

    /// The advice where the server lacks an extension.
    #[must_use]
    pub fn how_to_get(&self, extension: &str) -> String {
        super::extensions::how_to_get(extension, &self.version, self.provider)
    }

    /// Makes a database the template of fresh ones. What the server has by now, it is put
    /// back to from now on.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn make_template(&mut self, database: Database) -> Result<Template> {
        let name = database.name;
        let mut maintenance = self.maintenance.lock().await;
        let connection = self.alive(&mut maintenance).await?;
        let failed = |e: sqlx::Error| sql_error(&format!("cannot make a template of {name}"), &e);
        // What an extension runs in the background would keep it from being copied.
        run_sql(
            connection,
            &format!("ALTER DATABASE \"{name}\" ALLOW_CONNECTIONS false"),
        )
        .await
        .map_err(failed)?;
        sqlx::query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1")
            .bind(&name)
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
        let now = Snapshot::take(connection, self.number).await?;
        drop(maintenance);
        let before = std::mem::replace(&mut self.before, now);
        self.original.get_or_insert(before);
        Ok(Template(name))
    }

    /// Makes a database a template under another name; its own is free from then on.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn keep_as_template(&mut self, database: &Database) -> Result<Template> {
        let name = self.free_name()?;
        let mut maintenance = self.maintenance.lock().await;
        let connection = self.alive(&mut maintenance).await?;
        self.guard.will_create(&name);
        self.databases().push(name.clone());
        rename_database(connection, &database.name, &name).await?;
        drop(maintenance);
        self.databases().retain(|known| *known != database.name);
        self.make_template(database.clone().called(name)).await
    }

    /// Puts a template in the place of the database that had its name before, to be migrated
    /// further: nothing is copied from it any more.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn take_back(
        &mut self,
        template: &Template,
        database: Database,
        touched: &ClusterObjects,
    ) -> Result<Database> {
        let Template(name) = template;
        let mut maintenance = self.maintenance.lock().await;
        let connection = self.alive(&mut maintenance).await?;
        drop_database(connection, &database.name, self.number).await?;
        self.databases().retain(|known| *known != database.name);
        self.restore(connection, touched).await?;
        rename_database(connection, name, &database.name).await?;
        for known in &mut *self.databases() {
            if known == name {
                known.clone_from(&database.name);
            }
        }
        let failed = |e: sqlx::Error| sql_error(&format!("cannot open {}", database.name), &e);
        let open = format!(
            "ALTER DATABASE \"{}\" ALLOW_CONNECTIONS true",
            database.name
        );
        run_sql(connection, &open).await.map_err(failed)?;
        drop(maintenance);
        self.before.forget_database(name);
        Ok(database)
    }

    /// A database to be copied as it is now; `None` where somebody is connected to it, or
    /// something of the whole server is not as it was, which a copy may need.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn as_template(
        &self,
        database: &Database,
        touched: &ClusterObjects,
    ) -> Result<Option<Template>> {
        if self.is_changed(touched).await? {
            return Ok(None);
        }
        let mut maintenance = self.maintenance.lock().await;
        let connection = self.alive(&mut maintenance).await?;
        let failed = |e: sqlx::Error| sql_error("cannot ask for the server's sessions", &e);
        let is_free = is_left_alone(connection, &database.name).await;
        Ok((is_free.map_err(failed)?).then(|| Template(database.name.clone())))
    }

    /// Drops a template that nothing is copied from any more.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn discard(&mut self, template: &Template) -> Result<()> {
        let Template(name) = template;
        let mut maintenance = self.maintenance.lock().await;
        let connection = self.alive(&mut maintenance).await?;
        drop_database(connection, name, self.number).await?;
        drop(maintenance);
        self.databases().retain(|known| known != name);
        self.before.forget_database(name);
        Ok(())
    }

    /// On a server that is not ours alone: drops the databases, and puts back to what it was
    /// when handed out what `touched` accounts for.
    ///
    /// # Errors
    /// Naming what cannot be put back.
    pub async fn leave_nothing(&mut self, touched: &ClusterObjects) -> Result<()> {
        if self.is_ours_alone() {
            return Ok(());
        }
        let databases = std::mem::take(&mut *self.databases());
        let mut maintenance = self.maintenance.lock().await;
        let connection = self.alive(&mut maintenance).await?;
        for name in &databases {
            drop_database(connection, name, self.number).await?;
        }
        let before = self.original.as_ref().unwrap_or(&self.before);
        put_back(connection, before, &[], Some(touched)).await
    }
}

/// Tells whether nobody is connected to a database; a session that is just ending is waited for.
async fn is_left_alone(connection: &mut PgConnection, name: &str) -> Result<bool, sqlx::Error> {
    for _ in 0..10 {
        let sessions: i64 =
            sqlx::query_scalar("SELECT count(*) FROM pg_stat_activity WHERE datname = $1")
                .bind(name)
                .fetch_one(&mut *connection)
                .await?;
        if sessions == 0 {
            return Ok(true);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(false)
}

/// The extension that a statement creates
/// (<https://www.postgresql.org/docs/current/sql-createextension.html>).
#[must_use]
pub fn created_extension(sql: &str) -> Option<String> {
    let lower = sql.to_ascii_lowercase();
    let mut words = lower.split_whitespace().peekable();
    let is_next = |words: &mut std::iter::Peekable<_>, word: &str| {
        words.next_if(|next: &&str| *next == word).is_some()
    };
    while let Some(word) = words.next() {
        if word != "create" || !is_next(&mut words, "extension") {
            continue;
        }
        if is_next(&mut words, "if") {
            words.nth(1);
        }
        let is_end = |letter: char| letter == ';' || letter == '\'';
        let name = words.next()?.trim_end_matches(is_end).trim_matches('"');
        return (!name.is_empty()).then(|| name.to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::created_extension;

    #[test]
    fn an_extension_is_found_in_its_statement() {
        for (sql, name) in [
            ("CREATE EXTENSION vector", Some("vector")),
            (
                "create extension if not exists \"uuid-ossp\" with schema x;",
                Some("uuid-ossp"),
            ),
            ("CREATE  EXTENSION\nPostGIS;", Some("postgis")),
            (
                "DO $$ BEGIN CREATE EXTENSION citext; END $$",
                Some("citext"),
            ),
            ("CREATE TABLE extension (id int)", None),
            ("CREATE TABLE t (create_extension int)", None),
            ("CREATE EXTENSION", None),
        ] {
            assert_eq!(created_extension(sql).as_deref(), name, "{sql}");
        }
    }
}
