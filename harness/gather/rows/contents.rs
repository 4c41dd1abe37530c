//! The rows of a database, as texts: [`Contents`].
//!
//! A table is known by its oid and a column by its number: both stay where something is
//! renamed, and are copied with a database
//! (<https://www.postgresql.org/docs/current/catalog-pg-attribute.html>).

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{AssertSqlSafe, Executor, PgConnection, Row};

use crate::error::Result;
use crate::gather::answer::failed;
use crate::quoting::quoted;

/// The tables of a database with their rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Contents {
    /// The tables by their oid.
    pub tables: BTreeMap<i64, Table>,
}

/// A table with its rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Table {
    /// Its schema and name, quoted where PostgreSQL asks for it.
    pub text: String,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The numbers of the columns of its primary key.
    pub key: Vec<i16>,
    /// Tells whether it has a trigger of the service.
    pub has_trigger: bool,
    /// Its columns by their number.
    pub columns: BTreeMap<i16, Column>,
    /// Its rows: the columns' values in the order of their numbers; `None` is NULL.
    pub rows: Vec<Vec<Option<String>>>,
}

/// A column that is not generated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Column {
    /// Its name.
    pub name: String,
    /// Its type as SQL has it.
    pub data_type: String,
}

/// More rows of a table are not read: a deployment may fill one.
const ROWS: u32 = 20_000;

/// Values are read in one way, whatever the database sets.
const SETTINGS: &str = "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, MDY'; \
    SET IntervalStyle = 'postgres'; SET bytea_output = 'hex'; SET extra_float_digits = 1; \
    SET statement_timeout = 0; SET row_security = off; SET search_path = pg_catalog";

/// One row per column of the service's tables.
const COLUMNS: &str = r"
SELECT c.oid::int8, format('%I.%I', n.nspname, c.relname), c.relname::text, n.nspname::text,
       coalesce((SELECT string_to_array(i.indkey::text, ' ')::int2[] FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary), '{}'),
       EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal),
       a.attnum, a.attname::text, format_type(a.atttypid, a.atttypmod)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attgenerated = ''
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                  AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.oid, a.attnum";

impl Contents {
    /// Reads all rows but those of the table in `without`, and of a very long table its last
    /// ones.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn read(connection: &mut PgConnection, without: &(String, String)) -> Result<Self> {
        let mut contents = Self::default();
        connection
            .execute(sqlx::raw_sql(SETTINGS))
            .await
            .map_err(|cause| failed(&cause))?;
        let columns = sqlx::query(COLUMNS).fetch_all(&mut *connection).await;
        for row in columns.map_err(|cause| failed(&cause))? {
            contents.add(&row).map_err(|cause| failed(&cause))?;
        }
        let (schema, name) = without;
        let is_other = |table: &Table| (&table.schema, &table.name) != (schema, name);
        contents.tables.retain(|_, table| is_other(table));
        if let Some(query) = contents.query() {
            let rows = connection
                .fetch_all(sqlx::raw_sql(AssertSqlSafe(query)))
                .await;
            for row in rows.map_err(|cause| failed(&cause))? {
                let oid: i64 = row.try_get(0).map_err(|cause| failed(&cause))?;
                let values = row.try_get(1).map_err(|cause| failed(&cause))?;
                if let Some(table) = contents.tables.get_mut(&oid) {
                    table.rows.push(values);
                }
            }
        }
        Ok(contents)
    }

    fn add(&mut self, row: &sqlx::postgres::PgRow) -> Result<(), sqlx::Error> {
        let table = self.tables.entry(row.try_get(0)?).or_default();
        table.text = row.try_get(1)?;
        table.name = row.try_get(2)?;
        table.schema = row.try_get(3)?;
        table.key = row.try_get(4)?;
        table.has_trigger = row.try_get(5)?;
        let column = Column {
            name: row.try_get(7)?,
            data_type: row.try_get(8)?,
        };
        table.columns.insert(row.try_get(6)?, column);
        Ok(())
    }

    /// The rows of all tables in one query.
    fn query(&self) -> Option<String> {
        let of_table = |(oid, table): (&i64, &Table)| {
            let columns = table.columns.values();
            let columns: Vec<String> = columns
                .map(|column| format!("{}::text", quoted(&column.name)))
                .collect();
            format!(
                "(SELECT {oid}::int8, ARRAY[{}]::text[] FROM {} LIMIT {ROWS})",
                columns.join(", "),
                table.text
            )
        };
        let all: Vec<String> = self.tables.iter().map(of_table).collect();
        (!all.is_empty()).then(|| all.join(" UNION ALL "))
    }

    /// Every value there is.
    pub fn values(&self) -> BTreeSet<&str> {
        let rows = self.tables.values().flat_map(|table| &table.rows);
        rows.flatten().flatten().map(String::as_str).collect()
    }
}

impl Contents {
    /// The same with the numbers that columns of the same name have now: what dropped and
    /// added a column again gave it another one.
    pub fn renumbered(&self, now: &Self) -> Self {
        let tables = self.tables.iter().map(|(oid, table)| {
            let table = match now.tables.get(oid) {
                Some(now) => table.renumbered(now),
                None => table.clone(),
            };
            (*oid, table)
        });
        Self {
            tables: tables.collect(),
        }
    }
}

impl Table {
    fn renumbered(&self, now: &Self) -> Self {
        let number = |(number, column): (&i16, &Column)| {
            let same = now.number(&column.name);
            same.unwrap_or(*number)
        };
        let numbers: Vec<i16> = self.columns.iter().map(number).collect();
        let columns: BTreeMap<i16, Column> = numbers
            .iter()
            .copied()
            .zip(self.columns.values().cloned())
            .collect();
        let place = |number: &i16| numbers.iter().position(|known| known == number);
        let row = |row: &Vec<Option<String>>| {
            let values = columns
                .keys()
                .map(|number| row.get(place(number)?)?.clone());
            values.collect()
        };
        let was = |number: &i16| self.columns.keys().position(|known| known == number);
        let key = self
            .key
            .iter()
            .filter_map(|number| numbers.get(was(number)?));
        Self {
            key: key.copied().collect(),
            rows: self.rows.iter().map(row).collect(),
            columns: columns.clone(),
            ..self.clone()
        }
    }

    /// The values of a column, row by row; `None` where there is no such column.
    pub fn column(&self, number: i16) -> Option<impl Iterator<Item = Option<&str>> + Clone> {
        let at = self.columns.keys().position(|known| *known == number)?;
        Some(self.rows.iter().map(move |row| row.get(at)?.as_deref()))
    }

    /// The number of the column with a name.
    pub fn number(&self, name: &str) -> Option<i16> {
        let mut columns = self.columns.iter();
        columns.find_map(|(number, column)| (column.name == name).then_some(*number))
    }
}
