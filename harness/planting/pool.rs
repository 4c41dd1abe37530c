//! The rows that foreign keys may refer to: [`Pools`].

use std::collections::BTreeMap;

use super::RowId;

/// The values of a row by the number of the column; `None` is NULL.
pub type Values = BTreeMap<i16, Option<String>>;

/// The rows of each table, by its oid.
#[derive(Debug, Default)]
pub struct Pools(BTreeMap<i64, Vec<(Values, Option<RowId>)>>);

impl Pools {
    /// The rows of a table; those that were there before have no id.
    #[must_use]
    pub fn rows(&self, table: i64) -> &[(Values, Option<RowId>)] {
        self.0.get(&table).map_or(&[], Vec::as_slice)
    }

    /// Adds a row.
    pub fn add(&mut self, table: i64, values: Values, id: Option<RowId>) {
        self.0.entry(table).or_default().push((values, id));
    }

    /// Forgets the rows of a table.
    pub fn clear(&mut self, table: i64) {
        self.0.remove(&table);
    }
}
