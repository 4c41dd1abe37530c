//! Rows that the deployed schema allows although few expect them: [`Special`], a plain row
//! in which one column is otherwise.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::candidates::{Candidate, sized};
use super::catalog::{Column, Table};
use super::draft::{Choice, Draft};
use super::insert::{insert, planting};
use super::planter::{Planter, draft_of};
use super::server::Server;
use super::spelling::Value;
use super::values::length;
use super::{Planted, RowId};
use crate::error::{HarnessError, Result, Stage};

/// The ways in which a row is special.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// NULL.
    Null,
    /// The value of a row that was planted.
    Duplicate,
    /// A value that no other row has.
    Orphan,
    /// The text of a row that was planted, in another case.
    OtherCase,
    /// A text of as many characters as the column takes, or of 2,000.
    Longest,
    /// A text without characters.
    EmptyText,
    /// 0.
    Zero,
    /// -1.
    MinusOne,
    /// The lowest value of the type.
    Lowest,
    /// The highest value of the type.
    Highest,
    /// All values of a row that was planted, but for those of unique columns.
    Twin,
}

impl Class {
    /// Those that are about one column.
    pub const ALL: [Self; 10] = [
        Self::Null,
        Self::Duplicate,
        Self::Orphan,
        Self::OtherCase,
        Self::Longest,
        Self::EmptyText,
        Self::Zero,
        Self::MinusOne,
        Self::Lowest,
        Self::Highest,
    ];
}

/// A row that PostgreSQL took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Special {
    /// The table's oid.
    pub table: i64,
    /// The number of the column that is otherwise.
    pub column: i16,
    /// The way in which it is.
    pub class: Class,
    /// The statement that plants the row, without a semicolon.
    pub insert: String,
    /// The column's value; `None` is NULL.
    pub value: Option<String>,
    /// The planted rows that it refers to.
    pub parents: Vec<RowId>,
    /// The planted row that has the same value, or the same in another case.
    pub like: Option<RowId>,
}

/// So many plain rows are tried to be made special, each of another make.
const BASES: u32 = 4;
/// The number of a row beside the special ones.
const BESIDE: u32 = 40_000;
/// The length of texts without a limit.
const LONG: usize = 2_000;

impl Planter {
    /// The special rows among those wanted that PostgreSQL takes beside the planted ones,
    /// each by itself. Nothing of them is left in the database.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn special(
        &self,
        connection: &mut PgConnection,
        planted: &Planted,
        wanted: &[(i64, i16, Class)],
    ) -> Result<Vec<Special>> {
        let failed = |cause: sqlx::Error| {
            HarnessError::new(
                Stage::Evidence,
                format!("no special rows can be tried: {cause}"),
            )
        };
        let mut candidates: Vec<(usize, Special, String)> = Vec::new();
        let mut draft: Option<Draft> = None;
        for (nth, (oid, number, class)) in wanted.iter().enumerate() {
            if draft.as_ref().is_none_or(|draft| draft.table.oid != *oid) {
                draft = draft_of(&self.tables, &self.wishes, *oid);
            }
            let Some(draft) = draft.as_ref() else {
                continue;
            };
            let made = self.candidates(draft, planted, *number, *class, nth);
            candidates.extend(made.into_iter().map(|special| {
                let statement = planting(&special.insert, draft.table);
                (nth, special, statement)
            }));
        }
        let mut server = Server::begin(connection).await.map_err(failed)?;
        let statements: Vec<String> = candidates
            .iter()
            .map(|(_, _, statement)| statement.clone())
            .collect();
        let answers = server.rehearse(&statements).await.map_err(failed)?;
        server.end("ROLLBACK").await.map_err(failed)?;
        let mut found: Vec<(usize, Special)> = Vec::new();
        for ((nth, special, _), answer) in candidates.into_iter().zip(answers) {
            let is_planted =
                answer.is_ok_and(|json| json.as_array().is_some_and(|rows| rows.len() == 1));
            // NULL beside each make of row: an UPDATE may set some of them only.
            let is_first = found.last().is_none_or(|(last, _)| *last != nth);
            if is_planted && (is_first || special.class == Class::Null) {
                found.push((nth, special));
            }
        }
        Ok(found.into_iter().map(|(_, special)| special).collect())
    }

    /// One more plain row for each table that has some, by the table's oid, where
    /// PostgreSQL takes it. Nothing of them is left in the database.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn another(
        &self,
        connection: &mut PgConnection,
        planted: &Planted,
    ) -> Result<Vec<(i64, String)>> {
        let failed = |cause: sqlx::Error| {
            HarnessError::new(Stage::Evidence, format!("no row can be tried: {cause}"))
        };
        let mut inserts = Vec::new();
        let mut statements = Vec::new();
        for table in &planted.tables {
            let good = self.good.get(&table.oid).map_or(&[][..], Vec::as_slice);
            let draft = draft_of(&self.tables, &self.wishes, table.oid);
            for (draft, base) in draft.iter().zip(makes(good)) {
                let mut choice = base.clone();
                choice.row = BESIDE;
                if let Some(filled) = draft.fill(&choice, &self.pools) {
                    let insert = insert(&self.tables, draft, &filled);
                    statements.push(planting(&insert, draft.table));
                    inserts.push((table.oid, insert));
                }
            }
        }
        let mut server = Server::begin(connection).await.map_err(failed)?;
        let answers = server.rehearse(&statements).await.map_err(failed)?;
        server.end("ROLLBACK").await.map_err(failed)?;
        let tried = inserts.into_iter().zip(answers);
        Ok(tried
            .filter_map(|(insert, answer)| answer.is_ok().then_some(insert))
            .collect())
    }

    fn candidates(
        &self,
        draft: &Draft,
        planted: &Planted,
        number: i16,
        class: Class,
        nth: usize,
    ) -> Vec<Special> {
        let table = draft.table;
        let (Some(column), Some(slot)) = (table.column(number), draft.slot_of(number)) else {
            return Vec::new();
        };
        let good = self.good.get(&table.oid).map_or(&[][..], Vec::as_slice);
        let last = good
            .iter()
            .map(|choice| choice.row)
            .max()
            .unwrap_or_default();
        let first = last + 1 + BASES * u32::try_from(nth).unwrap_or_default();
        let mut found = Vec::new();
        for (row, base) in (first..first + BASES).zip(makes(good)) {
            let mut choice = base.clone();
            choice.row = row;
            let Some(mut filled) = draft.fill(&choice, &self.pools) else {
                continue;
            };
            let Some((value, like)) = self.value(table, column, planted, class, row) else {
                continue;
            };
            filled.values[slot] = value.clone();
            let twin = like.filter(|_| class == Class::Twin);
            let twin = twin.and_then(|id| planted.table(id.table)?.rows.get(id.at));
            for (slot, filled) in draft.slots.iter().zip(&mut filled.values) {
                let number = slot.column.number;
                let same = twin.filter(|_| !table.is_unique(number));
                if let Some(same) = same.and_then(|row| row.values.get(&number)) {
                    *filled = same.clone().map_or(Value::Null, Value::Text);
                }
            }
            found.push(Special {
                table: table.oid,
                column: number,
                class,
                insert: insert(&self.tables, draft, &filled),
                value: match value {
                    Value::Text(text) => Some(text),
                    Value::Null | Value::Default => None,
                },
                parents: match twin {
                    Some(row) => row.parents.clone(),
                    None => parents(draft, planted, number, like, filled.parents),
                },
                like,
            });
        }
        found
    }

    /// The value of a class, and the planted row that it is taken from.
    fn value(
        &self,
        table: &Table,
        column: &Column,
        planted: &Planted,
        class: Class,
        row: u32,
    ) -> Option<(Value, Option<RowId>)> {
        let (base, modifier) = self.tables.bare(column.type_oid, column.modifier)?;
        let is_text = base.category == "S" || base.name == "citext";
        let text = |text: &str| Some((Value::Text(text.to_owned()), None));
        let rows = planted
            .table(table.oid)
            .map_or(&[][..], |one| one.rows.as_slice());
        let taken = || {
            rows.iter().enumerate().find_map(|(at, row)| {
                let value = row.values.get(&column.number)?.clone()?;
                let table = table.oid;
                Some((value, RowId { table, at }))
            })
        };
        match class {
            Class::Null if column.not_null => None,
            Class::Null => Some((Value::Null, None)),
            Class::Duplicate | Class::Twin => {
                taken().map(|(value, id)| (Value::Text(value), Some(id)))
            }
            Class::Orphan => {
                let (value, _) =
                    Candidate::Plain.value(&self.tables, table, column, 0, 50_000 + row)?;
                Some((value, None))
            }
            Class::OtherCase if is_text => {
                let (value, id) = taken()?;
                let upper = value.to_uppercase();
                let other = match value == upper {
                    true => value.to_lowercase(),
                    false => upper,
                };
                (other != value).then_some((Value::Text(other), Some(id)))
            }
            Class::Longest if is_text => {
                let limit = length(modifier - 4).unwrap_or(LONG);
                text(&sized(&format!("{}{row}", column.name), limit))
            }
            Class::EmptyText if is_text => text(""),
            Class::Zero if base.category == "N" => text("0"),
            Class::MinusOne if base.category == "N" => text("-1"),
            Class::Lowest => text(&extreme(&base.name, modifier, true)?),
            Class::Highest => text(&extreme(&base.name, modifier, false)?),
            _ => None,
        }
    }
}

/// The rows that a special one refers to: with the value of another row, those of that too.
fn parents(
    draft: &Draft,
    planted: &Planted,
    number: i16,
    like: Option<RowId>,
    own: Vec<RowId>,
) -> Vec<RowId> {
    let refers = draft
        .links
        .iter()
        .any(|link| link.key.columns.contains(&number));
    let like = like
        .filter(|_| refers)
        .and_then(|id| planted.table(id.table)?.rows.get(id.at));
    own.into_iter()
        .chain(like.into_iter().flat_map(|row| row.parents.clone()))
        .collect()
}

/// Rows of which no two have all columns filled in the same ways.
fn makes(good: &[Choice]) -> impl Iterator<Item = &Choice> {
    let is_new = |(at, choice): &(usize, &Choice)| {
        let mut before = good.iter().take(*at);
        before.all(|other| other.candidates != choice.candidates)
    };
    good.iter()
        .enumerate()
        .filter(is_new)
        .map(|(_, choice)| choice)
}

/// The lowest or the highest value of a type that clients can read too.
fn extreme(name: &str, modifier: i32, is_lowest: bool) -> Option<String> {
    let (lowest, highest) = match name {
        "int2" => (i16::MIN.to_string(), i16::MAX.to_string()),
        "int4" => (i32::MIN.to_string(), i32::MAX.to_string()),
        "int8" => (i64::MIN.to_string(), i64::MAX.to_string()),
        "numeric" if modifier >= 4 => {
            let (precision, scale) = ((modifier - 4) >> 16, (modifier - 4) & 0x7ff);
            let whole = usize::try_from(precision - scale).ok()?;
            let fraction = usize::try_from(scale).ok()?;
            let digits = format!("{:9<1$}.{2:9<3$}", "", whole, "", fraction);
            let digits = digits.trim_end_matches('.').to_owned();
            let digits = if whole == 0 {
                format!("0{digits}")
            } else {
                digits
            };
            (format!("-{digits}"), digits)
        }
        "date" => ("0001-01-01".to_owned(), "9999-12-31".to_owned()),
        "timestamp" => (
            "0001-01-01 00:00:00".to_owned(),
            "9999-12-31 23:59:59.999999".to_owned(),
        ),
        "timestamptz" => (
            "0001-01-02 00:00:00+00".to_owned(),
            "9999-12-30 23:59:59.999999+00".to_owned(),
        ),
        _ => return None,
    };
    Some(if is_lowest { lowest } else { highest })
}
