//! Expressions that PostgreSQL writes in several ways: [`PlannedExpressions`].
//!
//! The text of `status IN ('a', 'b')` depends on the type that the column had when it was
//! written down, and on how often it was read again since: `ALTER COLUMN ... TYPE` writes
//! each constraint and index of the column anew. The planner reduces all of these to one
//! form, so two expressions are the same where their plans are.

use std::collections::BTreeMap;

use crate::evidence::catalog::{Object, ObjectKind};

/// An expression of a table: schema, table, text.
pub type Expression = (Option<String>, String, String);

/// Expressions with the form that the planner gives each.
#[derive(Debug, Clone, Default)]
pub struct PlannedExpressions(pub BTreeMap<Expression, String>);

impl PlannedExpressions {
    /// The definition of a CHECK constraint of `table`; of another, as it is.
    pub fn check(&self, object: &Object, table: &str) -> String {
        self.within(object, table, check)
    }

    /// The definition of an index of `table`.
    pub fn predicate(&self, object: &Object, table: &str) -> String {
        self.within(object, table, predicate)
    }

    /// The definition of a column of `table`, which may be generated.
    pub fn generated(&self, object: &Object, table: &str) -> String {
        self.within(object, table, generated)
    }

    fn within(&self, object: &Object, table: &str, find: fn(&str) -> Option<&str>) -> String {
        let planned = |expression: &str| {
            let key = (
                object.schema.clone(),
                table.to_owned(),
                expression.to_owned(),
            );
            self.0.get(&key)
        };
        let found = find(&object.definition);
        match found.and_then(|expression| Some((expression, planned(expression)?))) {
            Some((expression, planned)) => object.definition.replacen(expression, planned, 1),
            None => object.definition.clone(),
        }
    }
}

/// The expression in an object's definition, if it is of a kind that has one.
#[must_use]
pub fn expression(object: &Object) -> Option<&str> {
    match object.kind {
        ObjectKind::Constraint => check(&object.definition),
        ObjectKind::Index => predicate(&object.definition),
        ObjectKind::Column => generated(&object.definition),
        _ => None,
    }
}

/// `CHECK ((a > 0)) NO INHERIT`
fn check(definition: &str) -> Option<&str> {
    let rest = definition.strip_prefix("CHECK ")?;
    rest.rfind(')').map(|end| &rest[..=end])
}

/// `... WHERE (a > 0)`
fn predicate(definition: &str) -> Option<&str> {
    let rest = definition.split_once(" WHERE ")?.1;
    rest.rfind(')').map(|end| &rest[..=end])
}

/// `integer GENERATED ALWAYS AS (length(content)) STORED`
fn generated(definition: &str) -> Option<&str> {
    let rest = definition.split_once(" GENERATED ALWAYS AS (")?.1;
    rest.rfind(')').map(|end| &rest[..end])
}

#[cfg(test)]
mod tests {
    use super::{check, generated, predicate};

    #[test]
    fn expressions_are_found_in_definitions() {
        assert_eq!(check("CHECK ((a > 0)) NOT VALID"), Some("((a > 0))"));
        assert_eq!(check("UNIQUE (a)"), None);
        let index = "CREATE INDEX ix ON public.t USING btree (a) WHERE (b IS NULL)";
        assert_eq!(predicate(index), Some("(b IS NULL)"));
        assert_eq!(
            predicate("CREATE INDEX ix ON public.t USING btree (a)"),
            None
        );
        let column = "integer GENERATED ALWAYS AS (length(content)) STORED";
        assert_eq!(generated(column), Some("length(content)"));
        assert_eq!(generated("integer GENERATED ALWAYS AS IDENTITY"), None);
    }
}
