//! The database at head: `upgrade head` as a deployment does it, and what it made.

use sqlx::PgConnection;

use super::answer::failed;
use super::{Driver, needs, version_rows};
use crate::alembic::declared::declared;
use crate::error::Result;
use crate::evidence::{Catalog, Migrated, Outbox, foundation};

impl Driver<'_> {
    /// `upgrade head` as a deployment does it, then a look at the database.
    pub(super) async fn migrate(&mut self) -> Result<Migrated> {
        let several_are_right = self.service.not_applicable.contains_key("single_head");
        let target = if several_are_right { "heads" } else { "head" };
        let upgrade = self.upgrade(target).await?;
        let several =
            self.history.graph.heads().len() > 1 && !upgrade.finished() && upgrade.steps.is_empty();
        let heads = match several {
            true => Some(self.upgrade("heads").await?),
            false => None,
        };
        let reached = heads.as_ref().unwrap_or(&upgrade);
        let mut migrated = Migrated {
            server: format!(
                "PostgreSQL {} ({})",
                self.server.version, self.server.provider
            ),
            second: None,
            versions: None,
            catalog: None,
            outbox: None,
            declared: Vec::new(),
            upgrade: upgrade.clone(),
            heads: heads.clone(),
        };
        if needs::lacks_relation(reached) {
            migrated.declared = declared(&self.history.graph);
        }
        if reached.finished() {
            let again = if heads.is_some() { "heads" } else { target };
            migrated.versions = self.versions().await?;
            migrated.catalog = Some(self.catalog().await?);
            migrated.outbox = self.outbox().await?;
            self.foundation = foundation::read(self.connection().await?).await?;
            let second = self.upgrade(again).await?;
            let table = second.version_table.as_ref();
            self.default_schema = table.and_then(|table| table.default_schema.clone());
            migrated.second = Some(second);
        }
        Ok(migrated)
    }

    /// Our connection to the database; sessions that the service left open are ended
    /// first, as they would be with its process.
    pub(super) async fn connection(&mut self) -> Result<&mut PgConnection> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.database.connect().await?,
        };
        let connection = self.connection.insert(connection);
        sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .execute(&mut *connection)
        .await
        .map_err(|cause| failed(&cause))?;
        Ok(connection)
    }

    pub(super) async fn catalog(&mut self) -> Result<Catalog> {
        let roles = self.server.is_ours_alone();
        Catalog::read(self.connection().await?, roles).await
    }

    pub(super) async fn versions(&mut self) -> Result<Option<Vec<String>>> {
        let table = self.version_table.clone();
        version_rows::read(self.connection().await?, table.as_ref()).await
    }

    pub(super) async fn outbox(&mut self) -> Result<Option<Outbox>> {
        let service = self.service;
        match &service.outbox {
            Some(convention) if !service.not_applicable.contains_key("outbox_indexes") => {
                let connection = self.connection().await?;
                Outbox::read(connection, convention, service.schema.as_deref())
                    .await
                    .map(Some)
            }
            _ => Ok(None),
        }
    }
}
