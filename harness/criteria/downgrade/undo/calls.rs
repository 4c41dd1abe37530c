//! The calls with which a `downgrade()` takes an object away, makes it again or makes it what
//! it was.

use super::column;
use crate::criteria::downgrade::changes::SHOWN;
use crate::evidence::catalog::{Object, ObjectKind};
use crate::quoting::identifier;
use crate::text::{beginning, one_line};

/// The length of a definition up to which a line is typed: half of one is none.
const TYPED: usize = 300;

/// The object's own name: without its table, a function's arguments, an operator class's
/// index method, and quotes.
pub(super) fn last_name(object: &Object) -> &str {
    let identity = object.name.split(" USING ").next();
    let name = identity.and_then(|identity| identity.split('(').next());
    let name = name.unwrap_or(&object.name);
    name.rsplit('.').next().unwrap_or(name).trim_matches('"')
}

/// As it is written in SQL, qualified unless it is in `public`.
fn written(object: &Object, name: &str) -> String {
    match object.schema.as_deref() {
        Some("public") | None => name.to_owned(),
        Some(schema) => format!("{}.{name}", identifier(schema)),
    }
}

fn table_of(object: &Object) -> String {
    let table = object.name.split_once('.').map_or("", |(table, _)| table);
    written(object, &identifier(table))
}

fn execute(statement: &str) -> String {
    let quote = if statement.contains('"') { "'''" } else { "\"" };
    format!("op.execute({quote}{statement}{quote})")
}

/// The advice to drop an object.
pub(super) fn drop(left: &Object) -> String {
    match is_last(left) {
        true => format!("at the end, after the tables: {}", dropped(left)),
        false => dropped(left),
    }
}

/// Tells whether an object may have others that depend on it.
fn is_last(left: &Object) -> bool {
    matches!(
        left.kind,
        ObjectKind::EnumType
            | ObjectKind::CompositeType
            | ObjectKind::RangeType
            | ObjectKind::Domain
    )
}

/// The call that drops an object.
pub(super) fn dropped(left: &Object) -> String {
    let (table, part) = left.name.split_once('.').unwrap_or(("", ""));
    let schema = match left.schema.as_deref() {
        Some("public") | None => String::new(),
        Some(schema) => format!(", schema=\"{schema}\""),
    };
    let name = written(left, &identifier(&left.name));
    let kind = left.kind.upper();
    match left.kind {
        ObjectKind::EnumType | ObjectKind::CompositeType | ObjectKind::RangeType => {
            execute(&format!("DROP TYPE {name}"))
        }
        ObjectKind::Domain => execute(&format!("DROP DOMAIN {name}")),
        ObjectKind::Table => format!("op.drop_table(\"{}\"{schema})", left.name),
        ObjectKind::Column | ObjectKind::ColumnOrder => {
            format!("op.drop_column(\"{table}\", \"{part}\"{schema})")
        }
        ObjectKind::Constraint => {
            format!("op.drop_constraint(\"{part}\", \"{table}\"{schema})")
        }
        ObjectKind::Index => format!("op.drop_index(\"{}\"{schema})", left.name),
        ObjectKind::Trigger | ObjectKind::Rule | ObjectKind::Policy => execute(&format!(
            "DROP {kind} {} ON {}",
            identifier(part),
            table_of(left)
        )),
        ObjectKind::Schema => execute(&format!("DROP SCHEMA {}", identifier(&left.name))),
        ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Aggregate => {
            execute(&format!("DROP {kind} {}", written(left, &left.name)))
        }
        ObjectKind::Comment
        | ObjectKind::CommentOnColumn
        | ObjectKind::CommentOnConstraint
        | ObjectKind::CommentOnTable => {
            execute(&format!("COMMENT ON {} IS NULL", commented(&left.name)))
        }
        // The identity that PostgreSQL gives these is qualified and quoted already.
        ObjectKind::TextSearchConfiguration
        | ObjectKind::TextSearchDictionary
        | ObjectKind::Collation
        | ObjectKind::Cast
        | ObjectKind::Operator
        | ObjectKind::OperatorClass
        | ObjectKind::OperatorFamily
        | ObjectKind::EventTrigger
        | ObjectKind::Publication
        | ObjectKind::Server => execute(&format!("DROP {kind} {}", left.name)),
        ObjectKind::ForeignDataWrapper => {
            execute(&format!("DROP FOREIGN DATA WRAPPER {}", left.name))
        }
        ObjectKind::Extension
        | ObjectKind::ForeignTable
        | ObjectKind::MaterializedView
        | ObjectKind::Role
        | ObjectKind::Sequence
        | ObjectKind::Statistics
        | ObjectKind::View => execute(&format!("DROP {kind} {name}")),
    }
}

/// `table column public.t.a` as COMMENT ON wants it.
fn commented(identity: &str) -> String {
    match identity.strip_prefix("table column ") {
        Some(column) => format!("COLUMN {column}"),
        None => match identity.split_once(' ') {
            Some((kind, name)) => format!("{} {name}", kind.to_uppercase()),
            None => identity.to_owned(),
        },
    }
}

/// The call that gives an object its old name back.
pub(super) fn rename(left: &Object, gone: &Object) -> String {
    let (new, old) = (last_name(left), last_name(gone));
    let (table, _) = left.name.split_once('.').unwrap_or(("", ""));
    let to = identifier(old);
    match left.kind {
        ObjectKind::Table if left.schema.as_deref() == Some("public") => {
            format!("op.rename_table(\"{new}\", \"{old}\")")
        }
        ObjectKind::Column => {
            format!("op.alter_column(\"{table}\", \"{new}\", new_column_name=\"{old}\")")
        }
        ObjectKind::Constraint => execute(&format!(
            "ALTER TABLE {} RENAME CONSTRAINT {} TO {to}",
            table_of(left),
            identifier(new)
        )),
        ObjectKind::EnumType | ObjectKind::CompositeType | ObjectKind::RangeType => {
            execute(&format!(
                "ALTER TYPE {} RENAME TO {to}",
                written(left, &identifier(new))
            ))
        }
        ObjectKind::Trigger | ObjectKind::Policy | ObjectKind::Rule => execute(&format!(
            "ALTER {} {} ON {} RENAME TO {to}",
            left.kind.upper(),
            identifier(new),
            table_of(left)
        )),
        ObjectKind::Aggregate
        | ObjectKind::Cast
        | ObjectKind::Collation
        | ObjectKind::ColumnOrder
        | ObjectKind::Comment
        | ObjectKind::CommentOnColumn
        | ObjectKind::CommentOnConstraint
        | ObjectKind::CommentOnTable
        | ObjectKind::Domain
        | ObjectKind::EventTrigger
        | ObjectKind::Extension
        | ObjectKind::ForeignTable
        | ObjectKind::ForeignDataWrapper
        | ObjectKind::Function
        | ObjectKind::Index
        | ObjectKind::MaterializedView
        | ObjectKind::Operator
        | ObjectKind::OperatorClass
        | ObjectKind::OperatorFamily
        | ObjectKind::Procedure
        | ObjectKind::Publication
        | ObjectKind::Role
        | ObjectKind::Schema
        | ObjectKind::Sequence
        | ObjectKind::Server
        | ObjectKind::Statistics
        | ObjectKind::Table
        | ObjectKind::TextSearchConfiguration
        | ObjectKind::TextSearchDictionary
        | ObjectKind::View => execute(&format!(
            "ALTER {} {} RENAME TO {to}",
            left.kind.upper(),
            written(left, &identifier(new))
        )),
    }
}

/// The advice to make an object again.
pub(super) fn create(gone: &Object) -> String {
    match created(gone) {
        Some(call) => format!("create it again: {call}"),
        None => format!("create {} again, as it was", gone.title()),
    }
}

/// The call that makes an object again, where it can be told.
pub(super) fn created(gone: &Object) -> Option<String> {
    let definition = one_line(&gone.definition);
    let part = identifier(last_name(gone));
    match gone.kind {
        _ if definition.len() > TYPED => None,
        ObjectKind::Index
        | ObjectKind::Function
        | ObjectKind::Procedure
        | ObjectKind::Trigger
        | ObjectKind::Rule
        | ObjectKind::Statistics => Some(execute(&definition)),
        ObjectKind::Constraint => Some(execute(&format!(
            "ALTER TABLE {} ADD CONSTRAINT {part} {definition}",
            table_of(gone)
        ))),
        ObjectKind::Column => Some(execute(&format!(
            "ALTER TABLE {} ADD COLUMN {part} {definition}",
            table_of(gone)
        ))),
        ObjectKind::Aggregate
        | ObjectKind::Cast
        | ObjectKind::Collation
        | ObjectKind::ColumnOrder
        | ObjectKind::Comment
        | ObjectKind::CommentOnColumn
        | ObjectKind::CommentOnConstraint
        | ObjectKind::CommentOnTable
        | ObjectKind::CompositeType
        | ObjectKind::Domain
        | ObjectKind::EnumType
        | ObjectKind::EventTrigger
        | ObjectKind::Extension
        | ObjectKind::ForeignTable
        | ObjectKind::ForeignDataWrapper
        | ObjectKind::MaterializedView
        | ObjectKind::Operator
        | ObjectKind::OperatorClass
        | ObjectKind::OperatorFamily
        | ObjectKind::Policy
        | ObjectKind::Publication
        | ObjectKind::RangeType
        | ObjectKind::Role
        | ObjectKind::Schema
        | ObjectKind::Sequence
        | ObjectKind::Server
        | ObjectKind::Table
        | ObjectKind::TextSearchConfiguration
        | ObjectKind::TextSearchDictionary
        | ObjectKind::View => None,
    }
}

/// The call that brings an object back to what it was, where it can be told.
pub(super) fn restored(before: &Object, after: &Object) -> Option<String> {
    let name = identifier(last_name(before));
    match before.kind {
        ObjectKind::Column => {
            let table = table_of(before);
            let statement = column::restored(&table, last_name(before), before, after)?;
            Some(execute(&statement))
        }
        ObjectKind::Constraint if before.definition.len() <= TYPED => {
            let was = one_line(&before.definition);
            Some(execute(&format!(
                "ALTER TABLE {} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} {was}",
                table_of(before)
            )))
        }
        _ => None,
    }
}

/// The advice that brings an object back to what it was.
pub(super) fn restore(before: &Object, after: &Object) -> String {
    let was = beginning(&before.definition, SHOWN);
    if let Some(call) = restored(before, after) {
        return call;
    }
    match before.kind {
        ObjectKind::EnumType if is_extended(before, after) => {
            "PostgreSQL cannot take a label back: make the type again without it and move the columns over"
                .to_owned()
        }
        ObjectKind::EnumType if is_reordered(before, after) => {
            format!("give {} its labels in the order that they had: {was}", before.title())
        }
        ObjectKind::Constraint | ObjectKind::Index => format!("drop {} and {}", before.title(), create(before)),
        ObjectKind::Function
        | ObjectKind::Procedure
        | ObjectKind::View
        | ObjectKind::MaterializedView
        | ObjectKind::Trigger => {
            format!("replace {} by what it was", before.title())
        }
        ObjectKind::Aggregate
        | ObjectKind::Cast
        | ObjectKind::Collation
        | ObjectKind::Column
        | ObjectKind::ColumnOrder
        | ObjectKind::Comment
        | ObjectKind::CommentOnColumn
        | ObjectKind::CommentOnConstraint
        | ObjectKind::CommentOnTable
        | ObjectKind::CompositeType
        | ObjectKind::Domain
        | ObjectKind::EnumType
        | ObjectKind::EventTrigger
        | ObjectKind::Extension
        | ObjectKind::ForeignTable
        | ObjectKind::ForeignDataWrapper
        | ObjectKind::Operator
        | ObjectKind::OperatorClass
        | ObjectKind::OperatorFamily
        | ObjectKind::Policy
        | ObjectKind::Publication
        | ObjectKind::RangeType
        | ObjectKind::Role
        | ObjectKind::Rule
        | ObjectKind::Schema
        | ObjectKind::Sequence
        | ObjectKind::Server
        | ObjectKind::Statistics
        | ObjectKind::Table
        | ObjectKind::TextSearchConfiguration
        | ObjectKind::TextSearchDictionary => match was.is_empty() {
            true => format!("take `{}` back from {}", beginning(&after.definition, SHOWN), before.title()),
            false => format!("make {} `{was}` again", before.title()),
        },
    }
}

/// Tells whether a type only got more labels.
pub(super) fn is_extended(before: &Object, after: &Object) -> bool {
    let (before, after) = (labels(before), labels(after));
    after.len() > before.len() && before.iter().all(|label| after.contains(label))
}

/// Tells whether a type has the labels that it had, in another order.
fn is_reordered(before: &Object, after: &Object) -> bool {
    let (mut before, mut after) = (labels(before), labels(after));
    before.sort_unstable();
    after.sort_unstable();
    before == after
}

fn labels(of: &Object) -> Vec<&str> {
    of.definition.split(", ").collect()
}
