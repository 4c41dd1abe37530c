//! The way to a server: [`Access`].

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection, PgConnection};

use super::kept::Address;
use super::{error, sql_error};
use crate::error::Result;

/// The time that a connection to a server that is known to answer may take.
pub(super) const CONNECT: Duration = Duration::from_secs(10);

/// The access to a server as the user who may create databases.
#[derive(Clone)]
pub(super) struct Access {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub password: String,
    /// The database to be connected to while others are created and dropped.
    pub maintenance: String,
    /// The server's address for people, if something stands before it.
    pub place: Option<String>,
}

impl Access {
    /// One attempt to connect, which says nothing that `PG*` variables in the
    /// environment could change.
    pub async fn try_connect(&self, database: &str) -> Result<PgConnection, sqlx::Error> {
        let options = PgConnectOptions::new_without_pgpass()
            .host(&self.host)
            .port(self.port)
            .username(&self.user)
            .password(&self.password)
            .database(database)
            .application_name("migration-harness")
            // It is on loopback; what stands before a server encrypts for us.
            .ssl_mode(PgSslMode::Disable)
            .disable_statement_logging();
        PgConnection::connect_with(&options).await
    }

    /// The server's address for people.
    pub fn place(&self) -> String {
        let here = || format!("{}:{}", self.host, self.port);
        self.place.clone().unwrap_or_else(here)
    }

    /// The same for libpq.
    pub fn address(&self) -> Address {
        Address {
            parameters: vec![
                ("host", self.host.clone()),
                ("port", self.port.to_string()),
                ("user", self.user.clone()),
                ("password", self.password.clone()),
                ("sslmode", "disable".to_owned()),
            ],
            maintenance: self.maintenance.clone(),
        }
    }

    /// Connects within ten seconds.
    pub async fn connect(&self, database: &str) -> Result<PgConnection> {
        match tokio::time::timeout(CONNECT, self.try_connect(database)).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(e)) => Err(sql_error(
                &format!("cannot connect to {}/{database}", self.place()),
                &e,
            )),
            Err(_) => Err(error(format!(
                "{} did not answer within {} s",
                self.place(),
                CONNECT.as_secs()
            ))),
        }
    }
}
