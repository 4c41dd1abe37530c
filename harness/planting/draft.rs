//! The rows to be planted in one table: [`Draft`] makes INSERTs of candidates, and takes the
//! next ones where PostgreSQL refuses.

use std::collections::{BTreeMap, BTreeSet};

use super::candidates::{Candidate, candidates};
use super::catalog::{Column, Condition, Table, Tables};
use super::conditions::{Check, checks, texts};
use super::dictionary::Entry;
use super::pool::{Pools, Values};
use super::server::Refusal;
use super::spelling::Value;
use super::{Keys, RowId};

/// A column that an INSERT may name.
#[derive(Debug)]
pub struct Slot<'a> {
    /// The column.
    pub column: &'a Column,
    /// Its number in the database.
    pub ordinal: u32,
    /// Its candidates in order.
    pub candidates: Vec<Candidate>,
    /// The candidates that take turns, of literals in the given statements.
    turns: Vec<usize>,
}

/// A foreign key whose columns an INSERT may name.
#[derive(Debug)]
pub struct Link<'a> {
    /// The key.
    pub key: &'a Condition,
    /// The oid of the table that it refers to.
    pub parent: i64,
    /// Tells whether it has to wait until all tables have their rows.
    pub is_open: bool,
}

/// The choices for a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The row's number, from 1.
    pub row: u32,
    /// The candidate for each slot.
    pub candidates: Vec<usize>,
    /// The angle by which each link is turned.
    pub shifts: Vec<usize>,
    /// The number of times that it was refused.
    pub tries: usize,
    /// The candidates before guesses at what a refusal that names nothing is about.
    pub known: Vec<usize>,
    /// Tells whether it has the candidates of a row that was planted.
    pub is_copied: bool,
}

/// Candidates for columns that belong together, by which their CHECKs hold.
#[derive(Debug)]
pub struct Solution {
    /// The checks that it answers.
    pub names: BTreeSet<String>,
    /// The slots.
    pub slots: Vec<usize>,
    /// A candidate for each slot.
    pub tuples: Vec<Vec<usize>>,
}

/// A row that is ready to be tried.
#[derive(Debug, Clone)]
pub struct DraftRow {
    /// A value for each slot.
    pub values: Vec<Value>,
    /// The tokens by the column's number.
    pub tokens: BTreeMap<i16, String>,
    /// The rows that it refers to.
    pub parents: Vec<RowId>,
}

/// The rows to be planted in a table.
#[derive(Debug)]
pub struct Draft<'a> {
    /// The table.
    pub table: &'a Table,
    /// The columns that an INSERT may name.
    pub slots: Vec<Slot<'a>>,
    /// The foreign keys, those of most columns first.
    pub links: Vec<Link<'a>>,
    /// The CHECKs.
    pub checks: Vec<Check>,
    /// Those that are answered.
    pub solutions: Vec<Solution>,
    /// The rows that are still to be planted.
    pub choices: Vec<Choice>,
    /// The choices of a row that was planted.
    pub good: Option<Choice>,
    /// The last refusal, and what was refused.
    pub refused: Option<(Refusal, String)>,
    tables: &'a Tables,
}

impl<'a> Draft<'a> {
    /// The draft of a table whose first column has number `ordinal` in the database.
    #[must_use]
    pub fn new(
        tables: &'a Tables,
        table: &'a Table,
        ordinal: u32,
        statements: &[Entry],
        keys: Keys,
        rows: u32,
    ) -> Self {
        let checks = checks(tables, table);
        let names: Vec<&str> = table
            .columns
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        let texts = texts(table, &checks);
        let own: Vec<Entry> = texts
            .iter()
            .flat_map(|text| super::dictionary::entries(text, &names))
            .collect();
        let settable = table
            .columns
            .iter()
            .zip(ordinal..)
            .filter(|(column, _)| column.is_settable());
        let mut slots: Vec<Slot> = settable
            .map(|(column, ordinal)| slot(tables, table, column, ordinal, &own, statements))
            .collect();
        let links = links(table, &slots);
        for slot in &mut slots {
            let number = slot.column.number;
            if links.iter().any(|link| link.key.columns.contains(&number)) {
                // Its values are those of the rows that it refers to.
                slot.candidates
                    .retain(|candidate| matches!(candidate, Candidate::Plain | Candidate::Null));
                slot.turns.clear();
            }
        }
        let mut draft = Self {
            table,
            slots,
            links,
            checks,
            solutions: Vec::new(),
            choices: Vec::new(),
            good: None,
            refused: None,
            tables,
        };
        draft.choices = (1..=rows)
            .map(|row| draft.first_choice(row, keys))
            .collect();
        draft
    }

    /// The choices that a row begins with: every other default, and the literals of the
    /// given statements in turn.
    #[must_use]
    pub fn first_choice(&self, row: u32, keys: Keys) -> Choice {
        let candidates = self.slots.iter().map(|slot| {
            let default = slot
                .candidates
                .iter()
                .position(|candidate| *candidate == Candidate::Default);
            let turn = usize::try_from(row).unwrap_or_default() / 3;
            let literal = slot
                .turns
                .get(turn % slot.turns.len().max(1))
                .filter(|_| row % 3 == 2);
            match default {
                Some(default) if slot.column.has_sequence() => match keys {
                    Keys::FromSequences => default,
                    Keys::FarAway => 0,
                },
                Some(default) if row % 2 == 1 => default,
                _ => literal.copied().unwrap_or(0),
            }
        });
        let candidates: Vec<usize> = candidates.collect();
        Choice {
            row,
            known: candidates.clone(),
            candidates,
            shifts: vec![0; self.links.len()],
            tries: 0,
            is_copied: false,
        }
    }

    /// The slot of a column.
    #[must_use]
    pub fn slot_of(&self, number: i16) -> Option<usize> {
        self.slots
            .iter()
            .position(|slot| slot.column.number == number)
    }

    /// The row that choices lead to; `None` where a column that may not be NULL refers to
    /// a row that is not there.
    #[must_use]
    pub fn fill(&self, choice: &Choice, pools: &Pools) -> Option<DraftRow> {
        let mut values = Vec::new();
        let mut tokens = BTreeMap::new();
        for (slot, candidate) in self.slots.iter().zip(&choice.candidates) {
            let (value, token) = self.value(slot, *candidate, choice.row)?;
            values.push(value);
            tokens.extend(token.map(|token| (slot.column.number, token)));
        }
        let plain = DraftRow {
            values,
            tokens,
            parents: Vec::new(),
        };
        let most = self
            .links
            .first()
            .map_or(1, |link| pools.rows(link.parent).len().clamp(1, 50));
        (0..most).find_map(|turn| self.refer(choice, turn, &plain, pools))
    }

    /// The values that choices lead to without those of parents, by the column's number.
    #[must_use]
    pub fn explicit(&self, choice: &Choice) -> Option<Values> {
        let slots = self.slots.iter().zip(&choice.candidates);
        let values = slots.map(|(slot, candidate)| {
            let text = match self.value(slot, *candidate, choice.row)?.0 {
                Value::Text(text) => Some(text),
                Value::Null | Value::Default => None,
            };
            Some((slot.column.number, text))
        });
        values.collect()
    }

    fn value(&self, slot: &Slot, candidate: usize, row: u32) -> Option<(Value, Option<String>)> {
        let candidate = slot.candidates.get(candidate)?;
        candidate.value(self.tables, self.table, slot.column, slot.ordinal, row)
    }

    /// Puts the values of parents into a row.
    fn refer(
        &self,
        choice: &Choice,
        turn: usize,
        plain: &DraftRow,
        pools: &Pools,
    ) -> Option<DraftRow> {
        let mut filled = plain.clone();
        let mut fixed: BTreeMap<i16, String> = BTreeMap::new();
        let mut set_null: BTreeSet<i16> = BTreeSet::new();
        for (nth, link) in self.links.iter().enumerate() {
            let slots: Vec<usize> = link
                .key
                .columns
                .iter()
                .filter_map(|number| self.slot_of(*number))
                .collect();
            let is_null = |slot: &usize| filled.values[*slot] == Value::Null;
            if slots.iter().any(is_null) {
                continue;
            }
            let turn = choice.shifts.get(nth).copied().unwrap_or_default()
                + if nth == 0 { turn } else { 0 };
            if let Some(parent) = self.parent(link, nth, choice.row, turn, &fixed, &filled, pools) {
                for (slot, (number, value)) in slots.iter().zip(parent.0) {
                    filled.values[*slot] = Value::Text(value.clone());
                    filled.tokens.remove(&number);
                    fixed.insert(number, value);
                }
                filled.parents.extend(parent.1);
                continue;
            }
            let nullable = |slot: &&usize| {
                let column = self.slots[**slot].column;
                !column.not_null && !fixed.contains_key(&column.number)
            };
            let slot = *slots.iter().find(nullable)?;
            filled.values[slot] = Value::Null;
            set_null.insert(self.slots[slot].column.number);
            filled.tokens.remove(&self.slots[slot].column.number);
        }
        Some(filled)
    }

    /// The values for a foreign key's columns, and the row that has them.
    #[allow(clippy::too_many_arguments, clippy::type_complexity)]
    fn parent(
        &self,
        link: &Link,
        nth: usize,
        row: u32,
        turn: usize,
        fixed: &BTreeMap<i16, String>,
        filled: &DraftRow,
        pools: &Pools,
    ) -> Option<(Vec<(i16, String)>, Option<RowId>)> {
        let pairs: Vec<(i16, i16)> = link
            .key
            .columns
            .iter()
            .copied()
            .zip(link.key.referred.iter().copied())
            .collect();
        if link.is_open {
            return None;
        }
        let fits = |values: &BTreeMap<i16, Option<String>>| {
            let mut each = pairs.iter();
            each.all(|(own, theirs)| match (values.get(theirs), fixed.get(own)) {
                (Some(Some(value)), Some(wanted)) => value == wanted,
                (Some(Some(_)), None) => true,
                _ => false,
            })
        };
        let rows: Vec<_> = pools
            .rows(link.parent)
            .iter()
            .filter(|(values, _)| fits(values))
            .collect();
        if rows.is_empty() {
            // Without another row of its own table, a row can only refer to itself.
            let is_nullable = |own: &i16| {
                self.table
                    .column(*own)
                    .is_some_and(|column| !column.not_null)
            };
            if link.parent != self.table.oid || link.key.columns.iter().any(is_nullable) {
                return None;
            }
            let own =
                pairs.iter().map(
                    |(own, theirs)| match &filled.values[self.slot_of(*theirs)?] {
                        Value::Text(text) => Some((*own, text.clone())),
                        _ => None,
                    },
                );
            return Some((own.collect::<Option<_>>()?, None));
        }
        let at = usize::try_from(row).ok()?.checked_sub(1)?;
        let at = at + turn + at / rows.len() * (nth + 1);
        let (values, id) = rows[at % rows.len()];
        let taken = pairs
            .iter()
            .map(|(own, theirs)| Some((*own, values.get(theirs)?.clone()?)));
        Some((taken.collect::<Option<_>>()?, *id))
    }
}

/// The foreign keys of a table whose columns all have slots, those of most columns first.
fn links<'a>(table: &'a Table, slots: &[Slot]) -> Vec<Link<'a>> {
    let has_slot = |number: &i16| slots.iter().any(|slot| slot.column.number == *number);
    let keys = table.foreign_keys();
    let settable = keys.filter(|key| key.columns.iter().all(has_slot));
    let links = settable.filter_map(|key| {
        Some(Link {
            key,
            parent: key.refers_to?,
            is_open: false,
        })
    });
    let mut links: Vec<Link> = links.collect();
    links.sort_by_key(|link| std::cmp::Reverse(link.key.columns.len()));
    links
}

fn slot<'a>(
    tables: &Tables,
    table: &Table,
    column: &'a Column,
    ordinal: u32,
    own: &[Entry],
    statements: &[Entry],
) -> Slot<'a> {
    let beside = statements
        .iter()
        .filter(|entry| entry.column.as_deref() == Some(&column.name));
    let beside: Vec<Entry> = beside.cloned().collect();
    let mut slot = Slot {
        column,
        ordinal,
        candidates: candidates(tables, table, column, own),
        turns: Vec::new(),
    };
    if beside.is_empty() {
        return slot;
    }
    let literals = candidates(tables, table, column, &beside);
    let known = candidates(tables, table, column, &[]);
    for candidate in literals
        .into_iter()
        .filter(|candidate| !known.contains(candidate))
    {
        let at = slot
            .candidates
            .iter()
            .position(|one| *one == candidate)
            .unwrap_or_else(|| {
                slot.candidates.push(candidate);
                slot.candidates.len() - 1
            });
        if !table.is_unique(column.number) {
            slot.turns.push(at);
        }
    }
    slot
}
