//! PostgreSQL's integers: [`Integer`].

/// An integer of PostgreSQL's, the smaller ones first
/// (<https://www.postgresql.org/docs/current/datatype-numeric.html#DATATYPE-INT>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Integer {
    /// Two bytes.
    Small,
    /// Four bytes.
    Plain,
    /// Eight bytes.
    Big,
}

impl Integer {
    const ALL: [Self; 3] = [Self::Small, Self::Plain, Self::Big];

    /// The type that a column's definition begins with, and what follows it.
    pub(super) fn split(definition: &str) -> Option<(Self, &str)> {
        Self::ALL.into_iter().find_map(|one| {
            let rest = definition.strip_prefix(one.name())?;
            (rest.is_empty() || rest.starts_with(' ')).then_some((one, rest))
        })
    }

    /// PostgreSQL's name for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Small => "smallint",
            Self::Plain => "integer",
            Self::Big => "bigint",
        }
    }

    /// SQLAlchemy's name for it.
    #[must_use]
    pub fn in_sqlalchemy(self) -> &'static str {
        match self {
            Self::Small => "SmallInteger",
            Self::Plain => "Integer",
            Self::Big => "BigInteger",
        }
    }

    /// The greatest number that it holds.
    #[must_use]
    pub fn greatest(self) -> i64 {
        match self {
            Self::Small => i16::MAX.into(),
            Self::Plain => i32::MAX.into(),
            Self::Big => i64::MAX,
        }
    }
}
