//! The advice for a `downgrade()` that does not put everything back.

mod column;

use super::upgrade_head;
use crate::alembic::sql;
use crate::alembic::transcript::{Place, Raised, Transcript};
use crate::evidence::catalog::{Change, Object, ObjectKind};
use crate::evidence::stairway::Rung;
use crate::quoting::identifier;
use crate::text::{beginning, one_line};

/// The length to which a definition is cut.
const SHOWN: usize = 160;
/// The length of a definition up to which a line is typed: half of one is none.
const TYPED: usize = 300;

/// The remedy for a downgrade that raised.
pub(super) fn advice(down: &Transcript) -> &'static str {
    let Some(error) = down.outcome.error() else {
        return UNDO;
    };
    by_state(error)
        .or_else(|| by_text(error))
        .or_else(|| upgrade_head::hint(down))
        .unwrap_or(UNDO)
}

const UNDO: &str = "let downgrade() undo, in reverse, what upgrade() does";

/// By PostgreSQL's code (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
fn by_state(error: &Raised) -> Option<&'static str> {
    match error.sqlstate.as_deref()? {
        "2BP01" => {
            Some("drop what depends on it first: downgrade() undoes upgrade() in reverse order")
        }
        "42704" | "42P01" | "42703" | "42883" | "3F000" => Some(
            "downgrade() names something that is not there: compare it with the name that upgrade() gives",
        ),
        "42P07" | "42710" | "42701" | "42P06" => {
            Some("it is there already: upgrade() did not take it away")
        }
        state if state.starts_with("23") => {
            Some("rows stand in the way: say in downgrade() what becomes of them")
        }
        _ => None,
    }
}

fn by_text(error: &Raised) -> Option<&'static str> {
    let no_function = error.class == "AttributeError" && error.message.contains("'downgrade'");
    if no_function || error.class == "NotImplementedError" {
        return Some("write the downgrade");
    }
    let text = error.message.to_lowercase();
    let nameless = text.contains("constraint")
        && (text.contains("no name") || text.contains("must have a name"));
    nameless.then_some(
        "give the constraint a name, the same in upgrade() and downgrade(), or the metadata a naming_convention",
    )
}

/// The place of a change in the order in which lines can be executed: what depends on other
/// things comes first.
pub(super) fn rank(change: &Change) -> usize {
    let Some(object) = change.any() else { return 0 };
    match object.kind {
        ObjectKind::EventTrigger
        | ObjectKind::Cast
        | ObjectKind::Extension
        | ObjectKind::Operator
        | ObjectKind::OperatorClass
        | ObjectKind::OperatorFamily
        | ObjectKind::TextSearchConfiguration => 0,
        ObjectKind::TextSearchDictionary => 1,
        ObjectKind::Trigger => 2,
        ObjectKind::Policy => 3,
        ObjectKind::Rule => 4,
        ObjectKind::Comment
        | ObjectKind::CommentOnColumn
        | ObjectKind::CommentOnConstraint
        | ObjectKind::CommentOnTable => 5,
        ObjectKind::Publication => 6,
        ObjectKind::View => 7,
        ObjectKind::MaterializedView => 8,
        ObjectKind::Constraint => 9,
        ObjectKind::Index => 10,
        ObjectKind::Statistics => 11,
        ObjectKind::Column | ObjectKind::ColumnOrder => 12,
        ObjectKind::Table => 13,
        ObjectKind::ForeignTable => 14,
        ObjectKind::Server => 15,
        ObjectKind::ForeignDataWrapper => 16,
        ObjectKind::Function => 17,
        ObjectKind::Procedure => 18,
        ObjectKind::Aggregate => 19,
        ObjectKind::Sequence => 20,
        ObjectKind::Domain => 21,
        ObjectKind::EnumType => 22,
        ObjectKind::CompositeType => 23,
        ObjectKind::RangeType => 24,
        ObjectKind::Collation => 25,
        ObjectKind::Schema => 26,
        ObjectKind::Role => 27,
    }
}

/// The line that would undo a change.
pub(super) fn line(rung: &Rung, change: &Change, all: &[&Change]) -> Option<String> {
    match (&change.before, &change.after) {
        (None, Some(left)) => {
            let renamed = all.iter().find_map(|other| renamed(&rung.up, other, left));
            Some(format!(
                "in downgrade(): {}",
                renamed.map_or_else(|| drop(left), |gone| rename(left, gone))
            ))
        }
        (Some(gone), None) => gone_line(rung, change, gone, all),
        (Some(before), Some(after)) => Some(format!("in downgrade(): {}", restore(before, after))),
        (None, None) => None,
    }
}

/// A change of the file that undoes a change of the catalog.
pub(super) enum Undo {
    /// A line at the end of `downgrade()`.
    Line(String),
    /// A statement of `downgrade()` that goes.
    Without(Place),
    /// Undone by what undoes another change.
    WithAnother,
}

/// The way to undo a change, where that can be told.
pub(super) fn undo(rung: &Rung, change: &Change, all: &[&Change]) -> Option<Undo> {
    match (&change.before, &change.after) {
        (None, Some(left)) => {
            let renamed = all.iter().find_map(|other| renamed(&rung.up, other, left));
            let line = renamed.map_or_else(|| dropped(left), |gone| rename(left, gone));
            Some(Undo::Line(line))
        }
        (Some(gone), None) => {
            let mut lefts = all.iter().filter_map(|other| other.after.as_ref());
            if lefts.any(|left| renamed(&rung.up, change, left).is_some()) {
                return Some(Undo::WithAnother);
            }
            match dropped_at(rung, change) {
                Some(place) => Some(Undo::Without(place)),
                None => created(gone).map(Undo::Line),
            }
        }
        (Some(before), Some(after)) => restored(before, after).map(Undo::Line),
        (None, None) => None,
    }
}

/// The line about an object that is gone: renamed, dropped by downgrade(), or not created again.
fn gone_line(rung: &Rung, change: &Change, gone: &Object, all: &[&Change]) -> Option<String> {
    let is_renamed = |other: &&&Change| {
        other
            .after
            .as_ref()
            .is_some_and(|left| renamed(&rung.up, change, left).is_some())
    };
    if all.iter().any(|other| is_renamed(&other)) {
        return None; // the line of its new name says it
    }
    if dropped_at(rung, change).is_some() {
        return Some(format!(
            "in downgrade(): leave {} alone, it is older than this revision",
            gone.title()
        ));
    }
    Some(format!("in downgrade(): {}", create(gone)))
}

/// The place where downgrade() itself drops what was there before.
pub(super) fn dropped_at(rung: &Rung, change: &Change) -> Option<Place> {
    let (Some(gone), None, Some(down)) = (&change.before, &change.after, &rung.down) else {
        return None;
    };
    let name = last_name(gone);
    let mut statements = down
        .statements
        .iter()
        .filter(|statement| statement.place.is_some());
    statements
        .find(|statement| sql::drops(&statement.sql, name))?
        .place
        .clone()
}

/// The place where upgrade() made a change that was not undone: the statement that names the
/// object and its table, else the object alone.
pub(super) fn made_at(up: &Transcript, change: &Change) -> Option<Place> {
    let object = change.any()?;
    let name = last_name(object);
    let table = object.name.split_once('.').map_or(name, |(table, _)| table);
    let placed = || {
        // Rows are no objects; a query may call a function that makes some.
        let may_have = |sql: &str| change.before.is_none() || !sql::is_about_rows(sql);
        let placed = up.statements.iter().filter(|one| one.place.is_some());
        placed.filter(move |one| may_have(&one.sql))
    };
    let of_both = placed().find(|statement| {
        sql::mentions(&statement.sql, name) && sql::mentions(&statement.sql, table)
    });
    of_both
        .or_else(|| placed().find(|statement| sql::mentions(&statement.sql, name)))?
        .place
        .clone()
}

/// The object that `left` was before upgrade() renamed it, if `other` is that.
fn renamed<'a>(up: &Transcript, other: &'a Change, left: &Object) -> Option<&'a Object> {
    let (Some(gone), None) = (&other.before, &other.after) else {
        return None;
    };
    let (old, new) = (last_name(gone), last_name(left));
    let says = |text: &str| sql::renames(text, old) && sql::renames_to(text, new);
    let alike = gone.kind == left.kind && gone.schema == left.schema;
    (alike && up.statements.iter().any(|statement| says(&statement.sql))).then_some(gone)
}

/// The object's own name: without its table, without a function's arguments.
fn last_name(object: &Object) -> &str {
    let name = object.name.split('(').next().unwrap_or(&object.name);
    name.rsplit('.').next().unwrap_or(name)
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
fn drop(left: &Object) -> String {
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
fn dropped(left: &Object) -> String {
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
fn rename(left: &Object, gone: &Object) -> String {
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
fn create(gone: &Object) -> String {
    match created(gone) {
        Some(call) => format!("create it again: {call}"),
        None => format!("create {} again, as it was", gone.title()),
    }
}

/// The call that makes an object again, where it can be told.
fn created(gone: &Object) -> Option<String> {
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
fn restored(before: &Object, after: &Object) -> Option<String> {
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
fn restore(before: &Object, after: &Object) -> String {
    let was = beginning(&before.definition, SHOWN);
    if let Some(call) = restored(before, after) {
        return call;
    }
    match before.kind {
        ObjectKind::EnumType if is_extended(before, after) => {
            "PostgreSQL cannot take a label back: make the type again without it and move the columns over"
                .to_owned()
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

/// Tells whether a change is a label more, which nothing takes back.
pub(super) fn is_label_added(change: &Change) -> bool {
    let (Some(before), Some(after)) = (&change.before, &change.after) else {
        return false;
    };
    before.kind == ObjectKind::EnumType && is_extended(before, after)
}

/// Tells whether a type only got more labels.
fn is_extended(before: &Object, after: &Object) -> bool {
    let labels = |object: &Object| {
        object
            .definition
            .split(", ")
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let after = labels(after);
    labels(before).iter().all(|label| after.contains(label))
}

/// An object before and after: whole where it is short, else the lines that differ.
pub(super) fn was_and_is(before: &Object, after: &Object) -> String {
    let (was, is): (Vec<&str>, Vec<&str>) = (
        before.definition.lines().collect(),
        after.definition.lines().collect(),
    );
    let same = was
        .iter()
        .zip(&is)
        .take_while(|(left, right)| left == right)
        .count();
    let (was_rest, is_rest) = (&was[same..], &is[same..]);
    let backwards = was_rest.iter().rev().zip(is_rest.iter().rev());
    let tail = backwards.take_while(|(left, right)| left == right).count();
    let differing = |lines: &[&str]| {
        let text = beginning(&lines[..lines.len() - tail].join(" "), SHOWN);
        if text.is_empty() {
            "nothing".to_owned()
        } else {
            format!("`{text}`")
        }
    };
    format!(
        "{}: was {}, is {}",
        before.title(),
        differing(was_rest),
        differing(is_rest)
    )
}

#[cfg(test)]
mod tests;
