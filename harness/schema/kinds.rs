//! The kinds of objects in the order in which a file has them: [`Kind`].

use super::Kind::{
    Aggregate, Comment, CompositeType, Constraint, Domain, EnumType, Extension, ForeignKey,
    ForeignTable, Function, Index, MaterializedView, Other, Partition, Policy, Procedure,
    RangeType, ReplicaIdentity, Rule, Schema, Sequence, SequenceOwner, Statistics, Table, Trigger,
    View,
};

/// What an object is. The order is that of the file: what others are made of first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A schema; `public` is there anyway.
    Schema,
    /// An extension.
    Extension,
    /// An enum type.
    EnumType,
    /// A domain.
    Domain,
    /// A composite type of its own.
    CompositeType,
    /// A range type.
    RangeType,
    /// A sequence that is more than a `serial` or `IDENTITY` makes.
    Sequence,
    /// A function.
    Function,
    /// A procedure.
    Procedure,
    /// An aggregate.
    Aggregate,
    /// A table with its columns and constraints.
    Table,
    /// A foreign table.
    ForeignTable,
    /// A view.
    View,
    /// A materialized view.
    MaterializedView,
    /// An index that belongs to no constraint.
    Index,
    /// The column that a sequence goes with.
    SequenceOwner,
    /// A constraint that is not valid yet, which `CREATE TABLE` cannot say.
    Constraint,
    /// A foreign key: apart from its table, which may be part of a circle.
    ForeignKey,
    /// What identifies a row to logical replication.
    ReplicaIdentity,
    /// Extended statistics.
    Statistics,
    /// A trigger.
    Trigger,
    /// A rule.
    Rule,
    /// A policy.
    Policy,
    /// That a table is a partition of another.
    Partition,
    /// Anything whose definition a catalog does not hold.
    Other,
    /// A comment.
    Comment,
}

/// Every kind with its name in a file and, where it has one, in a catalog.
const NAMES: &[(Kind, &str)] = &[
    (Schema, "schema"),
    (Extension, "extension"),
    (EnumType, "enum type"),
    (Domain, "domain"),
    (CompositeType, "composite type"),
    (RangeType, "range type"),
    (SequenceOwner, "sequence owner"),
    (Sequence, "sequence"),
    (Function, "function"),
    (Procedure, "procedure"),
    (Aggregate, "aggregate"),
    (Table, "table"),
    (ForeignTable, "foreign table"),
    (View, "view"),
    (MaterializedView, "materialized view"),
    (Index, "index"),
    (Constraint, "constraint"),
    (ForeignKey, "foreign key"),
    (ReplicaIdentity, "replica identity"),
    (Statistics, "statistics"),
    (Trigger, "trigger"),
    (Rule, "rule"),
    (Policy, "policy"),
    (Partition, "partition"),
    (Other, "other"),
    (Comment, "comment on"),
];

impl Kind {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES
            .iter()
            .find(|(kind, _)| *kind == self)
            .map_or("other", |(_, name)| name)
    }

    /// The kind that a catalog calls so.
    #[must_use]
    pub fn of_catalog(name: &str) -> Self {
        let name = if name == "comment" {
            "comment on"
        } else {
            name
        };
        NAMES
            .iter()
            .find(|(_, known)| *known == name)
            .map_or(Self::Other, |(kind, _)| *kind)
    }

    /// Takes the kind off the front of a header such as `table public.essays`.
    #[must_use]
    pub fn strip(header: &str) -> Option<(Self, &str)> {
        NAMES.iter().find_map(|(kind, name)| {
            let rest = header.strip_prefix(name)?.strip_prefix(' ')?;
            Some((*kind, rest))
        })
    }

    /// Whether PostgreSQL looks into its body when it is created.
    #[must_use]
    pub fn has_body(self) -> bool {
        matches!(self, Self::Function | Self::Procedure)
    }
}
