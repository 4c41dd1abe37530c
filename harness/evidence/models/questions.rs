//! The questions to `env.py` about a difference: [`questions`].

use super::Drift;
use super::compare::columns_of;
use crate::alembic::worker::{FilterQuestion, ReflectedKind};
use crate::evidence::catalog::{Catalog, Object, ObjectKind};

/// The questions to `env.py` about a difference; it is visible where any of these is, and where
/// there are none, since autogenerate has no word for it.
#[must_use]
pub fn questions(drift: &Drift, migrated: &Catalog, models: &Catalog) -> Vec<FilterQuestion> {
    let Some(object) = drift.object() else {
        return Vec::new();
    };
    let asker = Asker { drift, migrated };
    let (kind, name) = match object.kind {
        ObjectKind::EnumType | ObjectKind::Domain => {
            let users = columns_of(object, models).into_iter();
            return users
                .map(|((schema, table), column)| {
                    asker.about(ReflectedKind::Column, schema, &table, part(&column))
                })
                .collect();
        }
        ObjectKind::Column | ObjectKind::CommentOnColumn => {
            (ReflectedKind::Column, part(&object.name))
        }
        ObjectKind::Index => (ReflectedKind::Index, object.name.as_str()),
        ObjectKind::Constraint if object.definition.starts_with("UNIQUE") => {
            (ReflectedKind::UniqueConstraint, part(&object.name))
        }
        ObjectKind::Constraint if object.definition.starts_with("FOREIGN") => {
            (ReflectedKind::ForeignKeyConstraint, part(&object.name))
        }
        // Autogenerate knows no other constraint, so only its table can be hidden.
        _ => (
            ReflectedKind::Table,
            drift.table.as_deref().unwrap_or_default(),
        ),
    };
    let table = drift.table.as_deref();
    let question = |table| asker.about(kind, object.schema.clone(), table, name);
    table.map(question).into_iter().collect()
}

/// The last name of `table.name`.
fn part(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

struct Asker<'a> {
    drift: &'a Drift,
    migrated: &'a Catalog,
}

impl Asker<'_> {
    fn about(
        &self,
        kind: ReflectedKind,
        schema: Option<String>,
        table: &str,
        name: &str,
    ) -> FilterQuestion {
        let of_table = |object: &&Object| object.schema == schema;
        let objects = || self.migrated.objects.iter().filter(of_table);
        let columns: Vec<(String, String)> = objects()
            .filter(|object| object.kind == ObjectKind::Column)
            .filter_map(|object| {
                let column = object.name.strip_prefix(table)?.strip_prefix('.')?;
                Some((column.to_owned(), object.definition.clone()))
            })
            .collect();
        let itself = self.drift.object().map(|object| object.kind);
        // Of a constraint, comment or type that is not shown itself, what it belongs to is.
        let is_shown = matches!(
            itself,
            Some(ObjectKind::Table | ObjectKind::Column | ObjectKind::Index)
        ) || matches!(
            kind,
            ReflectedKind::UniqueConstraint | ReflectedKind::ForeignKeyConstraint
        );
        let in_database = match kind {
            ReflectedKind::Column if !is_shown => columns.iter().any(|(column, _)| column == name),
            _ => !is_shown || self.drift.migrated.is_some(),
        };
        let definition = self.drift.migrated.as_ref().filter(|_| is_shown);
        FilterQuestion {
            kind,
            schema: schema.unwrap_or_default(),
            table: table.to_owned(),
            name: name.to_owned(),
            in_models: !is_shown || self.drift.model.is_some(),
            in_database,
            definition: definition
                .map(|object| object.definition.clone())
                .unwrap_or_default(),
            columns,
        }
    }
}
