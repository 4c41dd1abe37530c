//! The fate of rows: [`altered`], a pure function of what a database held before and
//! after, and of the statements in between.

use std::collections::{BTreeMap, BTreeSet};

use super::contents::{Column, Contents, Table};
use crate::alembic::sql;
use crate::evidence::deployment::{AlteredValues, How};

/// Statements by which a deployment may mean to change or remove rows, as sets of words.
#[derive(Debug, Default)]
pub(super) struct Meant(Vec<BTreeSet<String>>);

impl Meant {
    /// The statements among these that concern rows.
    pub fn by<'a>(statements: impl Iterator<Item = &'a str>) -> Self {
        let words = statements.map(|text| sql::words(text).into_iter().collect());
        let verbs = ["update", "delete", "truncate", "merge", "insert", "rename"];
        let concerns = |words: &BTreeSet<String>| verbs.iter().any(|verb| words.contains(*verb));
        Self(words.filter(concerns).collect())
    }

    fn any(&self, verbs: &[&str], names: &[&str]) -> bool {
        let has = |words: &BTreeSet<String>| {
            verbs.iter().any(|verb| words.contains(*verb))
                && names.iter().all(|name| words.contains(*name))
        };
        self.0.iter().any(has)
    }

    fn removes(&self, table: &Table) -> bool {
        self.any(&["delete", "truncate", "merge"], &[&table.name])
    }

    /// Tells whether a column is set, a label of its type is renamed, or a trigger of the
    /// table may have stamped a time on it.
    fn sets(&self, table: &Table, column: &Column) -> bool {
        let verbs = ["update", "merge", "insert"];
        let is_time = column.data_type.starts_with("timestamp") || column.data_type == "date";
        let is_stamp = table.has_trigger && is_time;
        let data_type = column.data_type.rsplit('.').next().unwrap_or_default();
        let data_type = data_type.trim_end_matches("[]").trim_matches('"');
        self.any(&verbs, &[&table.name, &column.name])
            || self.any(&["rename"], &["value", data_type])
            || (is_stamp && self.any(&verbs, &[&table.name]))
    }
}

/// A value that was converted, and what it was before.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Conversion {
    /// The type before.
    pub from: String,
    /// The type after.
    pub to: String,
    /// The value before.
    pub before: String,
    /// The value after.
    pub after: String,
}

/// Everything that is not as it was, and the conversions that only the server can judge;
/// of these, the place in the list of what they would be.
pub(super) struct Comparison {
    /// The values that are not as they were.
    pub altered: Vec<AlteredValues>,
    /// By the place in that list, what has to be converted back to know.
    pub conversions: BTreeMap<usize, Vec<Conversion>>,
}

/// Compares the rows that there were with those that there are.
pub(super) fn altered(before: &Contents, after: &Contents, meant: &Meant) -> Comparison {
    let mut compared = Comparison {
        altered: Vec::new(),
        conversions: BTreeMap::new(),
    };
    let held = before
        .tables
        .iter()
        .filter(|(_, table)| !table.rows.is_empty());
    for (oid, table) in held {
        match after.tables.get(oid) {
            Some(now) => compared.compare_table(table, now, after, meant),
            None => compared.add_gone(table, after),
        }
    }
    compared
}

impl Comparison {
    fn add(&mut self, table: &Table, found: AlteredValues) {
        self.altered.push(AlteredValues {
            table: table.text.clone(),
            of: table.rows.len(),
            ..found
        });
    }

    /// A table that is gone: its values may be elsewhere.
    fn add_gone(&mut self, table: &Table, after: &Contents) {
        let values = after.values();
        let lost: Vec<i16> = table
            .columns
            .keys()
            .copied()
            .filter(|number| lost(table, *number, &values).is_some())
            .collect();
        let lost = match heir(table, after) {
            Some(pairs) => lost
                .into_iter()
                .filter(|one| !is_kept(table, *one, &pairs))
                .collect(),
            None => lost,
        };
        let held = |number: &&i16| {
            let mut values = table.column(**number).into_iter().flatten();
            values.any(|value| value.is_some())
        };
        if !lost.is_empty() && lost.len() == table.columns.keys().filter(held).count() {
            self.add(table, found(None, How::TableGone, table.rows.len()));
            return;
        }
        for number in lost {
            self.add_lost(table, number, &values);
        }
    }

    fn add_lost(&mut self, table: &Table, number: i16, values: &BTreeSet<&str>) {
        let Some((rows, value)) = lost(table, number, values) else {
            return;
        };
        let name = table.columns.get(&number).map(|column| column.name.clone());
        let mut gone = found(name, How::ColumnGone, rows);
        gone.example.0 = Some(value.to_owned());
        self.add(table, gone);
    }

    fn compare_table(&mut self, table: &Table, now: &Table, after: &Contents, meant: &Meant) {
        let pairs = pairs(table, now);
        let missing = pairs.iter().filter(|(_, row)| row.is_none()).count();
        if missing > 0 {
            let how = match now.rows.is_empty() {
                true => How::Emptied,
                false => How::RowsGone,
            };
            let mut gone = found(None, how, missing);
            // A statement that empties a table with rows is asked about.
            gone.is_meant = gone.how == How::RowsGone && meant.removes(table);
            self.add(table, gone);
        }
        for (at, (number, column)) in table.columns.iter().enumerate() {
            match now.columns.get(number) {
                None if is_kept(table, *number, &pairs) => {}
                None => self.add_lost(table, *number, &after.values()),
                Some(other) => {
                    let there = now.columns.keys().position(|known| known == number);
                    let values = pairs.iter().filter_map(|(old, new)| {
                        let new = new.as_ref()?.get(there?)?;
                        Some((old.get(at)?.as_deref(), new.as_deref()))
                    });
                    self.compare_column((table, column), (now, other), values.collect(), meant);
                }
            }
        }
    }

    fn compare_column(
        &mut self,
        (table, column): (&Table, &Column),
        (now_table, now): (&Table, &Column),
        values: Vec<(Option<&str>, Option<&str>)>,
        meant: &Meant,
    ) {
        let written = TextForm::for_columns(column, now);
        let differing: Vec<_> = values
            .into_iter()
            .filter(|(before, after)| !written.are_one(*before, *after))
            .collect();
        let Some((before, after)) = differing.first() else {
            return;
        };
        let is_converted = column.data_type != now.data_type;
        let how = match is_converted {
            true => How::Converted {
                from: column.data_type.clone(),
                to: now.data_type.clone(),
            },
            false => How::Changed,
        };
        let mut changed = found(Some(column.name.clone()), how, differing.len());
        changed.example = (before.map(str::to_owned), after.map(str::to_owned));
        changed.is_meant = meant.sets(table, column) || meant.sets(now_table, now);
        if is_converted {
            let conversions = differing.iter().filter_map(|(before, after)| {
                Some(Conversion {
                    from: column.data_type.clone(),
                    to: now.data_type.clone(),
                    before: (*before)?.to_owned(),
                    after: (*after)?.to_owned(),
                })
            });
            let conversions: Vec<Conversion> = conversions.collect();
            // Anything that became NULL does not come back.
            if conversions.len() == differing.len() {
                self.conversions.insert(self.altered.len(), conversions);
            }
        }
        self.add(table, changed);
    }
}

fn found(column: Option<String>, how: How, rows: usize) -> AlteredValues {
    AlteredValues {
        table: String::new(),
        column,
        how,
        rows,
        of: 0,
        example: (None, None),
        is_meant: false,
    }
}

/// The ways in which one value may be written differently.
#[derive(Clone, Copy)]
enum TextForm {
    /// Blanks at the end of `char(n)` mean nothing
    /// (<https://www.postgresql.org/docs/current/datatype-character.html>).
    Padded,
    /// Blanks and the order of keys mean nothing in JSON, and jsonb does not keep them
    /// (<https://www.postgresql.org/docs/current/datatype-json.html>).
    Json,
    /// There is one way.
    AsItIs,
}

impl TextForm {
    fn for_columns(before: &Column, now: &Column) -> Self {
        let types = [before.data_type.as_str(), now.data_type.as_str()];
        match types {
            ["json" | "jsonb", "json" | "jsonb"] => Self::Json,
            _ if types.iter().any(|one| one.starts_with("character(")) => Self::Padded,
            _ => Self::AsItIs,
        }
    }

    fn are_one(self, before: Option<&str>, after: Option<&str>) -> bool {
        let (Some(before), Some(after)) = (before, after) else {
            return before == after;
        };
        let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
        match self {
            _ if before == after => true,
            Self::Padded => before.trim_end() == after.trim_end(),
            Self::Json => parsed(before).is_some_and(|value| parsed(after) == Some(value)),
            Self::AsItIs => false,
        }
    }
}

/// Values of fewer letters are everywhere, and tell nothing.
const TELLING: usize = 4;

/// The values of a column that could be found again elsewhere.
fn telling(table: &Table, number: i16) -> Vec<&str> {
    let values: Vec<&str> = table
        .column(number)
        .into_iter()
        .flatten()
        .flatten()
        .collect();
    let long = values
        .iter()
        .copied()
        .filter(|value| value.len() >= TELLING);
    let known: BTreeSet<&str> = long.clone().collect();
    match known.len() > values.len() / 2 {
        true => long.collect(),
        false => Vec::new(),
    }
}

/// The number of values of a column that are nowhere any more, and one of them.
fn lost<'a>(table: &'a Table, number: i16, values: &BTreeSet<&str>) -> Option<(usize, &'a str)> {
    let telling = telling(table, number);
    let gone: Vec<&str> = match telling.is_empty() {
        true => table.column(number)?.flatten().collect(),
        false => telling
            .into_iter()
            .filter(|value| !values.contains(value))
            .collect(),
    };
    Some((gone.len(), *gone.first()?))
}

type Values = Vec<Option<String>>;
/// Rows that there were, each with what it is now.
type Pairs<'a> = Vec<(&'a Values, Option<&'a Values>)>;

/// The rows of a table that is gone in the one that has taken its place, which holds all
/// values of one of its columns.
fn heir<'a>(table: &'a Table, after: &'a Contents) -> Option<Pairs<'a>> {
    let is_telling =
        |(_, number): &(usize, &i16)| telling(table, **number).len() == table.rows.len();
    let (at, _) = table.columns.keys().enumerate().find(is_telling)?;
    let value = |row: &'a Values, at: usize| row.get(at)?.as_deref();
    let of_column = |now: &'a Table, there: usize| {
        let known: BTreeMap<&str, &Values> = now
            .rows
            .iter()
            .filter_map(|row| Some((value(row, there)?, row)))
            .collect();
        let find = |row: &'a Values| known.get(value(row, at)?).copied();
        let pairs: Pairs<'a> = table.rows.iter().map(|row| (row, find(row))).collect();
        pairs.iter().all(|(_, row)| row.is_some()).then_some(pairs)
    };
    let mut tables = after.tables.values();
    tables.find_map(|now| (0..now.columns.len()).find_map(|there| of_column(now, there)))
}

/// Tells whether another column holds the values of one, row by row: what says little may
/// have been copied all the same.
fn is_kept(table: &Table, number: i16, pairs: &Pairs<'_>) -> bool {
    let Some(at) = table.columns.keys().position(|known| *known == number) else {
        return false;
    };
    let widths = pairs
        .iter()
        .filter_map(|(_, row)| Some(row.as_ref()?.len()));
    let is_copy = |there: usize| {
        let is_same = |(old, new): &(&Values, Option<&Values>)| {
            new.is_some_and(|new| {
                new.get(there)
                    .is_some_and(|value| old.get(at) == Some(value))
            })
        };
        pairs.iter().all(is_same)
    };
    !pairs.is_empty() && (0..widths.max().unwrap_or_default()).any(is_copy)
}

/// Each row that there was, with what it is now: by the primary key, or by a column whose
/// values are all different.
fn pairs<'a>(table: &'a Table, now: &'a Table) -> Pairs<'a> {
    let position = |table: &Table, number: i16| table.columns.keys().position(|one| *one == number);
    let key_of = |table: &Table, numbers: &[i16], row: &Values| -> Option<Vec<String>> {
        let value = |number: &i16| row.get(position(table, *number)?)?.clone();
        numbers.iter().map(value).collect()
    };
    let is_key = |numbers: &[i16]| {
        let same_type = |number: &i16| {
            let data_type = |table: &Table| Some(table.columns.get(number)?.data_type.clone());
            data_type(table).is_some() && data_type(table) == data_type(now)
        };
        let keys: Vec<_> = table
            .rows
            .iter()
            .filter_map(|row| key_of(table, numbers, row))
            .collect();
        let distinct: BTreeSet<_> = keys.iter().collect();
        !numbers.is_empty()
            && numbers.iter().all(same_type)
            && keys.len() == table.rows.len()
            && distinct.len() == keys.len()
    };
    let columns = table.columns.keys().map(|number| vec![*number]);
    let candidates = std::iter::once(table.key.clone()).chain(columns);
    let there = |key: &Vec<i16>| {
        let known: BTreeSet<_> = now
            .rows
            .iter()
            .filter_map(|row| key_of(now, key, row))
            .collect();
        table
            .rows
            .iter()
            .filter(|row| key_of(table, key, row).is_some_and(|key| known.contains(&key)))
            .count()
    };
    let usable: Vec<Vec<i16>> = candidates.filter(|key| is_key(key)).collect();
    // Keys may be given anew, and then another column says which row is which.
    let key = usable.iter().rev().max_by_key(|key| there(key)).cloned();
    let Some(key) = key else {
        return by_position(table, now);
    };
    let by_key: BTreeMap<_, &Values> = now
        .rows
        .iter()
        .filter_map(|row| Some((key_of(now, &key, row)?, row)))
        .collect();
    let find = |row: &Values| by_key.get(&key_of(table, &key, row)?).copied();
    table.rows.iter().map(|row| (row, find(row))).collect()
}

/// Rows of a table whose rows nothing tells apart: only their number is known.
fn by_position<'a>(table: &'a Table, now: &'a Table) -> Pairs<'a> {
    let missing = table.rows.len().saturating_sub(now.rows.len());
    let gone = table.rows.iter().take(missing).map(|row| (row, None));
    gone.collect()
}

#[cfg(test)]
mod tests;
