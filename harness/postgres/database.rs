//! The databases of a server: [`Database`], and how it is made fresh again.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sqlx::{Connection, PgConnection};

use super::access::{Access, CONNECT};
use super::properties::copy_properties;
use super::statements::{drop_database, rename_database};
use super::{ClusterObjects, Server, error, name_part, restore, run_sql, sql_error};
use crate::error::Result;
use crate::process::random;

/// A database that fresh ones are copied from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(pub(super) String);

impl Template {
    /// The database's name.
    pub(super) fn name(&self) -> &str {
        &self.0
    }
}

/// A fresh, empty database that carries a token.
///
/// The token is the setting `migration_harness.token` of the database
/// (`ALTER DATABASE ... SET`,
/// <https://www.postgresql.org/docs/current/sql-alterdatabase.html>): every new
/// session shows it, and no other database does.
#[derive(Clone)]
pub struct Database {
    /// The server's host, as a client on this machine reaches it.
    pub host: String,
    /// The server's port.
    pub port: u16,
    /// The database's name: lower-case letters, digits and `_`.
    pub name: String,
    /// The service's user, who may do everything in it.
    pub user: String,
    /// The token: `current_setting('migration_harness.token')` returns it there.
    pub token: String,
    /// The database that it is a copy of; `None` for an empty one.
    template: Option<Template>,
    password: String,
    /// The harness's own user and password, where they are not the service's.
    administrator: Option<(String, String)>,
    /// A further secret.
    secret: Option<String>,
    /// As [`Access::place`].
    place: Option<String>,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("name", &self.name)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

impl Database {
    /// One that is on no server, for whoever may not connect to any.
    #[must_use]
    pub fn nowhere() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 1,
            name: "no_database".to_owned(),
            user: "nobody".to_owned(),
            token: String::new(),
            template: None,
            password: String::new(),
            administrator: None,
            secret: None,
            place: None,
        }
    }

    /// The URL for a SQLAlchemy driver (`asyncpg`, `psycopg`, ...), or with ""
    /// the plain `postgresql://` one. It holds the password. On a server of ours
    /// it holds no `%`, which ini files take for an interpolation.
    pub fn url(&self, driver: &str) -> String {
        let plus = if driver.is_empty() { "" } else { "+" };
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        format!(
            "postgresql{plus}{driver}://{}:{}@{host}:{}/{}",
            utf8_percent_encode(&self.user, RESERVED),
            utf8_percent_encode(&self.password, RESERVED),
            self.port,
            self.name
        )
    }

    /// `text` with the parts of the URL filled in, for a service that is given them one by
    /// one: `{database_host}`, `{database_port}`, `{database_user}`, `{database_password}`
    /// and `{database_name}`.
    #[must_use]
    pub fn filled_in(&self, text: &str) -> String {
        text.replace("{database_host}", &self.host)
            .replace("{database_port}", &self.port.to_string())
            .replace("{database_user}", &self.user)
            .replace("{database_password}", &self.password)
            .replace("{database_name}", &self.name)
    }

    /// The same, to be made fresh as a copy of `template`.
    #[must_use]
    pub fn to_be_copied_from(self, template: Option<Template>) -> Self {
        Self { template, ..self }
    }

    /// The same under another name.
    pub(super) fn called(self, name: String) -> Self {
        Self { name, ..self }
    }

    /// The user's password, for a client that does not take a URL.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Its secrets.
    pub(crate) fn passwords(&self) -> impl Iterator<Item = &str> {
        let administrator = self.administrator.as_ref().map(|(_, password)| password);
        [Some(&self.password), administrator, self.secret.as_ref()]
            .into_iter()
            .flatten()
            .map(String::as_str)
    }

    /// The same, to which the harness too connects as the service's user.
    #[must_use]
    pub fn as_its_user(&self) -> Self {
        Self {
            administrator: None,
            ..self.clone()
        }
    }

    /// A connection of the harness's own.
    ///
    /// # Errors
    /// When the server does not answer within ten seconds or refuses.
    pub async fn connect(&self) -> Result<PgConnection> {
        let service = || (self.user.clone(), self.password.clone());
        let (user, password) = self.administrator.clone().unwrap_or_else(service);
        let access = Access {
            host: self.host.clone(),
            port: self.port,
            user,
            password,
            maintenance: self.name.clone(),
            place: self.place.clone(),
        };
        access.connect(&self.name).await
    }
}

/// All but what the user part of a URL may hold as it is (RFC 3986, 2.3).
pub(crate) const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl Server {
    /// A fresh, empty database with a random token set on it.
    ///
    /// It is made from `template0`, so it holds what PostgreSQL ships and nothing
    /// a site added
    /// (<https://www.postgresql.org/docs/current/manage-ag-templatedbs.html>).
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn create_database(&self) -> Result<Database> {
        self.create_database_from(None).await
    }

    /// A name that no database has.
    pub(super) fn free_name(&self) -> Result<String> {
        let random = random::hex(4).map_err(|e| error(format!("no random name: {e}")))?;
        let mark = self.guard.mark();
        let service = name_part(&self.service, 24);
        Ok(format!("migration_harness_{service}_{mark}{random}"))
    }

    /// The same, as a copy of a template where there is one.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn create_database_from(&self, template: Option<&Template>) -> Result<Database> {
        self.create_database_named(&self.free_name()?, template)
            .await
    }

    /// The same, with the name of a database of another server of ours.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn create_database_named(
        &self,
        name: &str,
        template: Option<&Template>,
    ) -> Result<Database> {
        let mut maintenance = self.maintenance.lock().await;
        let connection = self.alive(&mut maintenance).await?;
        self.create_named(connection, name.to_owned(), template)
            .await
    }

    /// The maintenance connection, or a new one where a migration ended it.
    pub(super) async fn alive<'a>(
        &self,
        kept: &'a mut Option<PgConnection>,
    ) -> Result<&'a mut PgConnection> {
        if let Some(connection) = kept.as_mut()
            && !matches!(
                tokio::time::timeout(CONNECT, connection.ping()).await,
                Ok(Ok(()))
            )
        {
            *kept = None;
        }
        let connection = match kept.take() {
            Some(connection) => connection,
            None => self.access.connect(&self.access.maintenance).await?,
        };
        Ok(kept.insert(connection))
    }

    async fn create_named(
        &self,
        connection: &mut PgConnection,
        name: String,
        template: Option<&Template>,
    ) -> Result<Database> {
        let token = random::hex(16).map_err(|e| error(format!("no random token: {e}")))?;
        let failed = |e: sqlx::Error| sql_error(&format!("cannot create the database {name}"), &e);
        let utf8 = match template {
            Some(_) => "",
            None => encoding(connection).await.map_err(failed)?,
        };
        // Files are copied faster than logged pages, but what waits to be written has to be
        // written first: https://www.postgresql.org/docs/current/sql-createdatabase.html
        let strategy = match self.number >= 150_000 && self.is_ours_alone() {
            true => " STRATEGY file_copy",
            false => "",
        };
        let from = template.map_or("template0", Template::name);
        self.guard.will_create(&name);
        self.databases().push(name.clone());
        run_sql(
            connection,
            &format!("CREATE DATABASE \"{name}\" TEMPLATE \"{from}\"{utf8}{strategy}"),
        )
        .await
        .map_err(failed)?;
        if template.is_some() {
            copy_properties(connection, from, &name)
                .await
                .map_err(failed)?;
        }
        run_sql(
            connection,
            &format!("ALTER DATABASE \"{name}\" SET migration_harness.token = '{token}'"),
        )
        .await
        .map_err(failed)?;
        if let Some(owner) = &self.owner {
            owner.own(connection, &name).await.map_err(failed)?;
        }
        let own = (self.access.user.clone(), self.access.password.clone());
        let (user, password, administrator) = match &self.owner {
            Some(owner) => (owner.role.to_owned(), owner.password.clone(), Some(own)),
            None => (own.0, self.guard.admit(&name).unwrap_or(own.1), None),
        };
        Ok(Database {
            host: self.access.host.clone(),
            port: self.access.port,
            user,
            password,
            administrator,
            secret: self.guard.secret(),
            place: self.access.place.clone(),
            template: template.cloned(),
            name,
            token,
        })
    }

    /// The same name, host and port, but fresh, with a new token: ends the
    /// sessions in the database, drops and creates it again, and puts back what
    /// migrations changed for the whole server since it was handed out: roles,
    /// memberships, role settings, `ALTER SYSTEM`, tablespaces, databases and
    /// replication slots. On an `existing` server, of all that what `touched`
    /// accounts for.
    ///
    /// Sessions in another database of this server that goes as well have to be ended
    /// first.
    ///
    /// # Errors
    /// When something cannot be put back, naming it.
    pub async fn recreate_database(
        &self,
        database: &Database,
        touched: &ClusterObjects,
    ) -> Result<Database> {
        let mut maintenance = self.maintenance.lock().await;
        let connection = self.alive(&mut maintenance).await?;
        drop_database(connection, &database.name, self.number).await?;
        self.databases().retain(|name| *name != database.name);
        self.restore(connection, touched).await?;
        let template = database.template.as_ref();
        self.create_named(connection, database.name.clone(), template)
            .await
    }

    /// Gives a database another name, so that it stays when it is made fresh again;
    /// returns that name. `None` where migrations changed something for the whole
    /// server: putting that back takes the database away.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn set_aside(
        &self,
        database: &Database,
        touched: &ClusterObjects,
    ) -> Result<Option<String>> {
        let name = self.free_name()?;
        if self.is_changed(touched).await? {
            return Ok(None);
        }
        let mut maintenance = self.maintenance.lock().await;
        let connection = self.alive(&mut maintenance).await?;
        self.guard.will_create(&name);
        self.databases().push(name.clone());
        rename_database(connection, &database.name, &name).await?;
        Ok(Some(name))
    }

    pub(super) async fn restore(
        &self,
        connection: &mut PgConnection,
        touched: &ClusterObjects,
    ) -> Result<()> {
        let ours = self.databases().clone();
        restore::put_back(connection, &self.before, &ours, self.counted(touched)).await
    }
}

/// The clauses by which a database is in UTF-8 whatever the server's own is.
async fn encoding(connection: &mut PgConnection) -> Result<&'static str, sqlx::Error> {
    let encoding: String = sqlx::query_scalar(
        "SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = 'template0'",
    )
    .fetch_one(&mut *connection)
    .await?;
    // The C locale goes with every encoding; a server's own may not.
    Ok(match encoding.as_str() {
        "UTF8" => "",
        _ => " ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'",
    })
}
