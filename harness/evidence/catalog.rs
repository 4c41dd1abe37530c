//! A snapshot of everything a migration can leave behind: [`Catalog`].
//!
//! Sees what autogenerate cannot: predicates, access methods, labels, functions,
//! triggers, views, sequences, extensions, comments and roles.

mod kind;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::postgres::PgRow;
use sqlx::{Connection, PgConnection, Row};

use crate::error::{HarnessError, Result, Stage};

pub use kind::ObjectKind;

/// One object of a database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Object {
    /// Its schema; `None` for what belongs to the whole database or server.
    pub schema: Option<String>,
    /// Its kind.
    pub kind: ObjectKind,
    /// Its name within the schema; columns and the like as `table.name`.
    pub name: String,
    /// Its definition in PostgreSQL's words, with qualified names.
    pub definition: String,
}

/// All objects of a database, sorted by schema, kind and name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    /// The objects.
    pub objects: Vec<Object>,
}

/// An object that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The object before; `None` where it is new.
    pub before: Option<Object>,
    /// The object after; `None` where it is gone.
    pub after: Option<Object>,
}

impl Change {
    /// The object in words: `index public.ix_a`.
    #[must_use]
    pub fn object(&self) -> String {
        self.any().map(Object::title).unwrap_or_default()
    }

    /// Tells whether it is about an extension.
    #[must_use]
    pub fn is_extension(&self) -> bool {
        self.any()
            .is_some_and(|object| object.kind == ObjectKind::Extension)
    }

    /// The object, as it is or as it was.
    #[must_use]
    pub fn any(&self) -> Option<&Object> {
        self.after.as_ref().or(self.before.as_ref())
    }
}

/// Every name qualified; and the query planned once per connection, since planning it
/// takes as long as running it.
const SETTINGS: &str = "SET LOCAL search_path = ''; SET LOCAL plan_cache_mode = force_generic_plan";

/// An object that two catalogs do not agree on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference<'a> {
    /// The object on the left side, if it exists there.
    pub left: Option<&'a Object>,
    /// The object on the right side, if it exists there.
    pub right: Option<&'a Object>,
}

impl Difference<'_> {
    /// The object in words: `index public.ix_a`.
    #[must_use]
    pub fn object(&self) -> String {
        self.left
            .or(self.right)
            .map(Object::title)
            .unwrap_or_default()
    }
}

impl Object {
    /// The object in words: `index public.ix_a`.
    #[must_use]
    pub fn title(&self) -> String {
        match &self.schema {
            _ if self.kind == ObjectKind::Comment => format!("comment on {}", self.name),
            // What pg_identify_object calls it is qualified already.
            Some(schema) if self.name.starts_with(&format!("{schema}.")) => {
                format!("{} {}", self.kind, self.name)
            }
            Some(schema) if self.kind != ObjectKind::Schema => {
                format!("{} {schema}.{}", self.kind, self.name)
            }
            _ => format!("{} {}", self.kind, self.name),
        }
    }

    fn key(&self) -> (Option<&str>, ObjectKind, &str) {
        (self.schema.as_deref(), self.kind, &self.name)
    }
}

fn kind(row: &PgRow) -> Result<ObjectKind, sqlx::Error> {
    let name: &str = row.try_get("kind")?;
    name.parse()
        .map_err(|unknown: String| sqlx::Error::Decode(unknown.into()))
}

impl Catalog {
    /// Reads the catalog in one query; `roles` where the server is ours alone.
    ///
    /// # Errors
    /// The connection is lost or PostgreSQL refuses the query.
    pub async fn read(connection: &mut PgConnection, roles: bool) -> Result<Self> {
        let (_, objects) = Self::read_unless(connection, roles, &[]).await?;
        Ok(objects.unwrap_or_default())
    }

    /// The catalog's digest, and the catalog unless that is known: to send thousands of
    /// objects takes longer than to tell that they are the same.
    ///
    /// # Errors
    /// The connection is lost or PostgreSQL refuses the query.
    pub async fn read_unless(
        connection: &mut PgConnection,
        roles: bool,
        known: &[String],
    ) -> Result<(String, Option<Self>)> {
        let rows = async {
            let mut transaction = connection.begin().await?;
            sqlx::raw_sql(SETTINGS).execute(&mut *transaction).await?;
            let rows = sqlx::query(include_str!("catalog.sql"))
                .bind(roles)
                .bind(known)
                .fetch_all(&mut *transaction)
                .await?;
            transaction.rollback().await?;
            // The first row is the digest, which is no object.
            let mut rows = rows.into_iter();
            let digest: Option<String> = rows
                .next()
                .map(|row| row.try_get("definition"))
                .transpose()?;
            let object = |row: PgRow| {
                Ok(Object {
                    schema: row.try_get("schema")?,
                    kind: kind(&row)?,
                    name: row.try_get("name")?,
                    definition: row.try_get("definition")?,
                })
            };
            let objects = rows.map(object).collect::<Result<Vec<_>, sqlx::Error>>()?;
            Ok((digest, objects))
        };
        let unread = |why: String| {
            HarnessError::new(
                Stage::Evidence,
                format!("the catalog cannot be read: {why}"),
            )
        };
        let read: Result<_, sqlx::Error> = rows.await;
        let (digest, objects) = read.map_err(|cause| unread(cause.to_string()))?;
        let digest = digest.ok_or_else(|| unread("it came without its digest".to_owned()))?;
        let is_known = known.contains(&digest);
        Ok((digest, (!is_known).then_some(Self { objects })))
    }

    /// The same without one table and what belongs to it: its columns, indexes and
    /// constraints.
    #[must_use]
    pub fn without_table(mut self, schema: Option<&str>, table: &str) -> Self {
        let columns = format!("{table}.");
        let has_index = |object: &Object| {
            let schema = object.schema.as_deref().unwrap_or_default();
            let on = || format!(" ON {schema}.{table} ");
            object.kind == ObjectKind::Index && object.definition.contains(&on())
        };
        let of_table = |object: &Object| {
            let here = schema.is_none() || object.schema.as_deref() == schema;
            here && (object.name == table || object.name.starts_with(&columns) || has_index(object))
        };
        self.objects.retain(|object| !of_table(object));
        self
    }

    /// Tells whether there is such an object.
    #[must_use]
    pub fn contains(&self, kind: ObjectKind, name: &str) -> bool {
        self.objects
            .iter()
            .any(|object| object.kind == kind && object.name == name)
    }

    /// The changes up to `later`, sorted. The order of columns is left out: PostgreSQL
    /// cannot put a dropped column back where it was.
    #[must_use]
    pub fn changes(&self, later: &Self) -> Vec<Change> {
        let differences = self.differences(later).into_iter();
        differences
            .map(|pair| Change {
                before: pair.left.cloned(),
                after: pair.right.cloned(),
            })
            .filter(|change| {
                change
                    .any()
                    .is_some_and(|object| object.kind != ObjectKind::ColumnOrder)
            })
            .collect()
    }

    /// The differences between two catalogs, sorted.
    #[must_use]
    pub fn differences<'a>(&'a self, right: &'a Self) -> Vec<Difference<'a>> {
        if self == right {
            return Vec::new();
        }
        let mut pairs: BTreeMap<_, Difference<'a>> = BTreeMap::new();
        for object in &self.objects {
            pairs.insert(
                object.key(),
                Difference {
                    left: Some(object),
                    right: None,
                },
            );
        }
        for object in &right.objects {
            pairs
                .entry(object.key())
                .and_modify(|pair| pair.right = Some(object))
                .or_insert(Difference {
                    left: None,
                    right: Some(object),
                });
        }
        pairs
            .into_values()
            .filter(|pair| pair.left != pair.right)
            .collect()
    }
}
