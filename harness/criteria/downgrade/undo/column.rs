//! The statement that makes a column what it was: [`restored`].

use crate::evidence::catalog::Object;
use crate::quoting::identifier;

/// A column as the catalog describes it (`evidence/catalog.sql`).
struct Column<'a> {
    type_text: &'a str,
    not_null: bool,
    default: Option<&'a str>,
}

impl<'a> Column<'a> {
    /// `None` for a column that is computed, or an identity: that is more than one clause.
    fn read(definition: &'a str) -> Option<Self> {
        let (rest, default) = match definition.split_once(" DEFAULT ") {
            Some((rest, default)) => (rest, Some(default)),
            None => (definition, None),
        };
        let nullable = rest.strip_suffix(" NOT NULL");
        let type_text = nullable.unwrap_or(rest);
        let is_plain = ![" GENERATED ", " NOT NULL"]
            .iter()
            .any(|word| type_text.contains(word));
        is_plain.then_some(Self {
            type_text,
            not_null: nullable.is_some(),
            default,
        })
    }
}

/// The statement that turns a column of `table` that is `after` into what it was; `None`
/// where one statement does not say it.
pub(super) fn restored(table: &str, name: &str, before: &Object, after: &Object) -> Option<String> {
    let (was, is) = (
        Column::read(&before.definition)?,
        Column::read(&after.definition)?,
    );
    let name = identifier(name);
    let mut clauses = Vec::new();
    let other_type = was.type_text != is.type_text;
    if other_type {
        // A default that cannot be cast would stand in the way.
        clauses.extend(is.default.map(|_| "DROP DEFAULT".to_owned()));
        clauses.push(format!("TYPE {0} USING {name}::{0}", was.type_text));
    }
    if was.not_null != is.not_null {
        let verb = if was.not_null { "SET" } else { "DROP" };
        clauses.push(format!("{verb} NOT NULL"));
    }
    match was.default {
        Some(default) if other_type || was.default != is.default => {
            clauses.push(format!("SET DEFAULT {default}"));
        }
        None if is.default.is_some() && !other_type => clauses.push("DROP DEFAULT".to_owned()),
        _ => {}
    }
    let clauses: Vec<String> = clauses
        .into_iter()
        .map(|clause| format!("ALTER COLUMN {name} {clause}"))
        .collect();
    (!clauses.is_empty()).then(|| format!("ALTER TABLE {table} {}", clauses.join(", ")))
}
