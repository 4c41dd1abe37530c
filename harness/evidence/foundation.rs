//! The objects that models lean on and cannot describe: [`Foundation`].
//!
//! A default that calls a function, a column of a domain, a sequence that is named: models
//! take them for granted, since only migrations make them.

use serde::Serialize;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use crate::error::{HarnessError, Result, Stage};
use crate::quoting::identifier;

/// One object of the migrated database, and the statement that makes it elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Foundation {
    /// `type`, `sequence`, `function` and so on.
    kind: String,
    /// Its schema.
    schema: Option<String>,
    /// Its name.
    name: String,
    /// The statement that makes it, owned by nothing.
    statement: String,
    /// The statement that gives a sequence back to the column it goes with.
    #[serde(skip)]
    owner: Option<String>,
}

impl Foundation {
    fn qualified(&self) -> String {
        let schema = self.schema.as_deref().unwrap_or_default();
        format!("{}.{}", identifier(schema), identifier(&self.name))
    }
}

/// Reads all of it from a migrated database.
///
/// # Errors
/// The connection is lost or PostgreSQL refuses the query.
pub async fn read(connection: &mut PgConnection) -> Result<Vec<Foundation>> {
    let rows = async {
        let mut transaction = connection.begin().await?;
        sqlx::raw_sql("SET LOCAL search_path = ''")
            .execute(&mut *transaction)
            .await?;
        let rows = sqlx::query(include_str!("foundation.sql"))
            .fetch_all(&mut *transaction)
            .await?;
        transaction.rollback().await?;
        rows.iter()
            .map(|row| {
                Ok(Foundation {
                    kind: row.try_get("kind")?,
                    schema: row.try_get("schema")?,
                    name: row.try_get("name")?,
                    statement: row.try_get("statement")?,
                    owner: row.try_get("owner")?,
                })
            })
            .collect::<Result<Vec<_>, sqlx::Error>>()
    };
    rows.await.map_err(|cause| failed(&cause))
}

/// Gives sequences that the models' defaults count with to the columns that own them in
/// the migrated database, as nothing in a model can. One that no default counts with goes:
/// the models brought a sequence of their own.
///
/// # Errors
/// The connection is lost.
pub async fn give_back(connection: &mut PgConnection, foundation: &[Foundation]) -> Result<()> {
    let owned = |one: &&Foundation| one.owner.is_some();
    for one in foundation.iter().filter(owned) {
        let used = sqlx::query_scalar::<_, bool>(
            "SELECT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_attrdef'::regclass
                 AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid)
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind = 'S' AND n.nspname = $1 AND c.relname = $2
               AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                 AND d.objid = c.oid AND d.deptype IN ('a', 'i'))",
        )
        .bind(&one.schema)
        .bind(&one.name)
        .fetch_optional(&mut *connection)
        .await
        .map_err(|cause| failed(&cause))?;
        let statement = match (used, &one.owner) {
            (Some(true), Some(owner)) => owner.clone(),
            (Some(false), _) => format!("DROP SEQUENCE {}", one.qualified()),
            _ => continue,
        };
        match sqlx::query(AssertSqlSafe(statement))
            .execute(&mut *connection)
            .await
        {
            // Its column may not be in the models, or something else may count with it: it is
            // owned by nothing then.
            Ok(_) | Err(sqlx::Error::Database(_)) => {}
            Err(cause) => return Err(failed(&cause)),
        }
    }
    Ok(())
}

fn failed(cause: &sqlx::Error) -> HarnessError {
    HarnessError::new(
        Stage::Evidence,
        format!("what the models lean on cannot be looked at: {cause}"),
    )
}
