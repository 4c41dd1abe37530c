//! The modes of locks that keep others waiting: [`Mode`].

/// The modes of locks on relations that keep others from writing, the weakest first
/// (<https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// CREATE INDEX takes it.
    Share,
    /// Foreign keys and triggers take it.
    ShareRowExclusive,
    /// REFRESH MATERIALIZED VIEW CONCURRENTLY takes it.
    Exclusive,
    /// The only one that keeps others from reading too.
    AccessExclusive,
}

impl Mode {
    /// One as `pg_locks.mode` has it; `None` where it blocks neither reads nor writes.
    #[must_use]
    pub fn read(mode: &str) -> Option<Self> {
        match mode {
            "ShareLock" => Some(Self::Share),
            "ShareRowExclusiveLock" => Some(Self::ShareRowExclusive),
            "ExclusiveLock" => Some(Self::Exclusive),
            "AccessExclusiveLock" => Some(Self::AccessExclusive),
            _ => None,
        }
    }

    /// Tells whether it keeps others from reading too.
    #[must_use]
    pub fn blocks_reads(self) -> bool {
        self == Self::AccessExclusive
    }
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Share => "SHARE",
            Self::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
            Self::Exclusive => "EXCLUSIVE",
            Self::AccessExclusive => "ACCESS EXCLUSIVE",
        })
    }
}
