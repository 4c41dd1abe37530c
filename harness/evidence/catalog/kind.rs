//! The kinds of objects that a database may hold: [`ObjectKind`].
//!
//! The order in which objects are dropped and the statements that do it, their text in the
//! accepted schema, and whether models can state them are matches of this enum without `_`:
//! a new kind does not compile until each of these says what becomes of it. Matches about a
//! few kinds may have one.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::named::named_enum;

named_enum! {
/// The kind of an object, with its name in `catalog.sql` and for people. The order is that
/// of the names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum ObjectKind {
    /// An aggregate.
    Aggregate = "aggregate",
    /// A cast.
    Cast = "cast",
    /// A collation.
    Collation = "collation",
    /// A column of a table.
    Column = "column",
    /// The columns of a table in their order.
    ColumnOrder = "column order",
    /// A comment, on anything.
    Comment = "comment",
    /// A comment on a column, where models are compared.
    CommentOnColumn = "comment on column",
    /// A comment on a constraint, where models are compared.
    CommentOnConstraint = "comment on constraint",
    /// A comment on a table, where models are compared.
    CommentOnTable = "comment on table",
    /// A composite type of its own.
    CompositeType = "composite type",
    /// A constraint of a table.
    Constraint = "constraint",
    /// A domain.
    Domain = "domain",
    /// An enum type.
    EnumType = "enum type",
    /// An event trigger.
    EventTrigger = "event trigger",
    /// An extension.
    Extension = "extension",
    /// A foreign table.
    ForeignTable = "foreign table",
    /// A foreign-data wrapper.
    ForeignDataWrapper = "foreign-data wrapper",
    /// A function.
    Function = "function",
    /// An index.
    Index = "index",
    /// A materialized view.
    MaterializedView = "materialized view",
    /// An operator.
    Operator = "operator",
    /// An operator class.
    OperatorClass = "operator class",
    /// An operator family.
    OperatorFamily = "operator family",
    /// A row level security policy.
    Policy = "policy",
    /// A procedure.
    Procedure = "procedure",
    /// A publication.
    Publication = "publication",
    /// A range type.
    RangeType = "range type",
    /// A role of the server.
    Role = "role",
    /// A rule.
    Rule = "rule",
    /// A schema.
    Schema = "schema",
    /// A sequence.
    Sequence = "sequence",
    /// A foreign server.
    Server = "server",
    /// Extended statistics.
    Statistics = "statistics",
    /// A table, partitioned or not.
    Table = "table",
    /// A text search configuration.
    TextSearchConfiguration = "text search configuration",
    /// A text search dictionary.
    TextSearchDictionary = "text search dictionary",
    /// A trigger.
    Trigger = "trigger",
    /// A view.
    View = "view",
}
}

impl From<ObjectKind> for &'static str {
    fn from(kind: ObjectKind) -> Self {
        kind.name()
    }
}

impl TryFrom<String> for ObjectKind {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse()
    }
}

impl FromStr for ObjectKind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let mut kinds = Self::ALL.iter().copied();
        let unknown = || format!("`{name}` is no kind of object that is known");
        kinds.find(|kind| kind.name() == name).ok_or_else(unknown)
    }
}

impl ObjectKind {
    /// Its name as SQL has it: `ENUM TYPE`.
    #[must_use]
    pub fn upper(self) -> String {
        self.name().to_uppercase()
    }

    /// Tells relations, which have columns, from everything else.
    #[must_use]
    pub fn is_relation(self) -> bool {
        matches!(
            self,
            Self::Table | Self::ForeignTable | Self::View | Self::MaterializedView
        )
    }

    /// The kind of what a comment of this kind is on.
    #[must_use]
    pub fn commented(self) -> Option<Self> {
        match self {
            Self::CommentOnColumn => Some(Self::Column),
            Self::CommentOnConstraint => Some(Self::Constraint),
            Self::CommentOnTable => Some(Self::Table),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_sorted_by_their_names_and_read_back() {
        assert!(ObjectKind::ALL.is_sorted_by_key(|kind| kind.name()));
        for kind in ObjectKind::ALL {
            assert_eq!(kind.name().parse(), Ok(*kind));
        }
        assert!("tablespace".parse::<ObjectKind>().is_err());
    }
}
