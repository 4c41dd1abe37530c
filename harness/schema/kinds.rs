//! The kinds of objects in the order in which a file has them: [`SectionKind`].

use crate::named::named_enum;

named_enum! {
/// The kind of an object of a file, with its name there. The order is that of the file:
/// first the objects that others are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SectionKind {
    /// A schema; `public` is there anyway.
    Schema = "schema",
    /// An extension.
    Extension = "extension",
    /// An enum type.
    EnumType = "enum type",
    /// A domain.
    Domain = "domain",
    /// A composite type of its own.
    CompositeType = "composite type",
    /// A range type.
    RangeType = "range type",
    /// A sequence that is more than a `serial` or `IDENTITY` makes.
    Sequence = "sequence",
    /// A function.
    Function = "function",
    /// A procedure.
    Procedure = "procedure",
    /// An aggregate.
    Aggregate = "aggregate",
    /// A table with its columns and constraints.
    Table = "table",
    /// A foreign table.
    ForeignTable = "foreign table",
    /// A view.
    View = "view",
    /// A materialized view.
    MaterializedView = "materialized view",
    /// An index that belongs to no constraint.
    Index = "index",
    /// The column that a sequence goes with.
    SequenceOwner = "sequence owner",
    /// A constraint that is not valid yet, which `CREATE TABLE` cannot say.
    Constraint = "constraint",
    /// A foreign key: apart from its table, which may be part of a circle.
    ForeignKey = "foreign key",
    /// The columns that identify a row to logical replication.
    ReplicaIdentity = "replica identity",
    /// Extended statistics.
    Statistics = "statistics",
    /// A trigger.
    Trigger = "trigger",
    /// A rule.
    Rule = "rule",
    /// A policy.
    Policy = "policy",
    /// The attachment of a partition to its table.
    Partition = "partition",
    /// Anything whose definition a catalog does not hold.
    Other = "other",
    /// A comment.
    Comment = "comment on",
}
}

impl SectionKind {
    /// Takes the kind off the front of a header such as `table public.essays`.
    #[must_use]
    pub fn strip(header: &str) -> Option<(Self, &str)> {
        let strip = |kind: &Self| {
            let rest = header.strip_prefix(kind.name())?.strip_prefix(' ')?;
            Some((*kind, rest))
        };
        // `sequence owner` begins like `sequence`.
        let kinds = Self::ALL.iter().filter_map(strip);
        kinds.min_by_key(|(_, rest)| rest.len())
    }

    /// The noun after `CREATE`, such as `view`, where the kind has one.
    #[must_use]
    pub fn noun(self) -> Option<&'static str> {
        match self {
            Self::Schema => Some("schema"),
            Self::Extension => Some("extension"),
            Self::EnumType | Self::CompositeType | Self::RangeType => Some("type"),
            Self::Domain => Some("domain"),
            Self::Sequence => Some("sequence"),
            Self::Function => Some("function"),
            Self::Procedure => Some("procedure"),
            Self::Aggregate => Some("aggregate"),
            Self::Table | Self::ForeignTable => Some("table"),
            Self::View | Self::MaterializedView => Some("view"),
            Self::Index => Some("index"),
            Self::Statistics => Some("statistics"),
            Self::Trigger => Some("trigger"),
            Self::Rule => Some("rule"),
            Self::Policy => Some("policy"),
            Self::SequenceOwner
            | Self::Constraint
            | Self::ForeignKey
            | Self::ReplicaIdentity
            | Self::Partition
            | Self::Other
            | Self::Comment => None,
        }
    }

    /// Tells functions and procedures, whose body PostgreSQL looks into when they are
    /// created, from everything else.
    #[must_use]
    pub fn has_body(self) -> bool {
        matches!(self, Self::Function | Self::Procedure)
    }
}
