//! The role that migrates where that is no superuser: [`Owner`].
//!
//! In production, migrations run as the owner of a database. A superuser passes where an
//! owner does not: it may create every extension, and row level security, also a forced
//! one, never holds for it
//! (<https://www.postgresql.org/docs/current/ddl-rowsecurity.html>).

use serde::Deserialize;
use sqlx::PgConnection;

use super::scram::Rounds;
use super::statements::set_password;
use super::{error, run_sql, sql_error};
use crate::error::Result;
use crate::process::random;

/// The role's name.
const ROLE: &str = "migration_owner";

/// The user that migrations run as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MigrateAs {
    /// The superuser who makes the databases.
    #[default]
    Superuser,
    /// A role that owns the database, and may do nothing else on the server.
    Owner,
}

/// A role that owns the databases of services.
#[derive(Clone)]
pub(super) struct Owner {
    pub role: &'static str,
    pub password: String,
}

impl Owner {
    /// Makes the role on a server of ours.
    pub async fn create(connection: &mut PgConnection) -> Result<Self> {
        let mut owner = Self {
            role: ROLE,
            password: String::new(),
        };
        run_sql(connection, &format!("CREATE ROLE {ROLE} LOGIN"))
            .await
            .map_err(|e| sql_error(&format!("cannot create the role {ROLE}"), &e))?;
        owner.renew_password(connection).await?;
        Ok(owner)
    }

    /// Gives it a password that nobody knows.
    pub async fn renew_password(&mut self, connection: &mut PgConnection) -> Result<()> {
        self.password = random::hex(16).map_err(|e| error(format!("no random password: {e}")))?;
        set_password(connection, self.role, &self.password, Rounds::One).await
    }

    /// Makes it the owner of a database, and so of its schema `public`, which belongs to
    /// whoever owns the database
    /// (<https://www.postgresql.org/docs/current/ddl-schemas.html#DDL-SCHEMAS-PATTERNS>).
    pub async fn own(&self, connection: &mut PgConnection, name: &str) -> Result<(), sqlx::Error> {
        let give = format!("ALTER DATABASE \"{name}\" OWNER TO {}", self.role);
        run_sql(connection, &give).await
    }
}
