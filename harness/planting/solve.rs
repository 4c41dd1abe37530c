//! Candidates by which CHECKs over several columns hold: the server tries them all in one
//! query, which [`Question`] writes.

use std::collections::BTreeSet;

use super::candidates::Candidate;
use super::catalog::Tables;
use super::conditions::Check;
use super::draft::{Draft, DraftRow};
use super::spelling::{Value, quoted};

/// No more combinations are tried in one query.
const COMBINATIONS: usize = 6_000;
/// So many solutions are of use.
const SOLUTIONS: usize = 96;
/// So many combinations are tried one by one.
const SINGLY: usize = 200;
/// The rows that a solution is to hold for, counted from the one that is asked about.
const ROWS: [u32; 3] = [0, 1, 9];

/// A question for candidates.
#[derive(Debug)]
pub struct Question {
    /// The checks that are to hold.
    pub names: BTreeSet<String>,
    /// The slots whose candidates are tried.
    pub slots: Vec<usize>,
    /// The candidates as several rows have them: what holds for one alone is of little use.
    rows: Vec<Vec<Candidates>>,
    conditions: String,
}

#[derive(Debug)]
struct Candidates {
    name: String,
    type_text: String,
    /// The candidate, its value as an expression, and whether it is NULL.
    values: Vec<(usize, String, bool)>,
}

impl Question {
    /// The question by what values a check holds, together with all that name the same
    /// columns; `None` where an INSERT cannot name one of them.
    #[must_use]
    pub fn new(
        tables: &Tables,
        draft: &Draft,
        check: &Check,
        row: u32,
        filled: Option<&DraftRow>,
    ) -> Option<Self> {
        let mut columns: BTreeSet<i16> = check.columns.iter().copied().collect();
        let mut checks = vec![check];
        while let Some(next) = draft.checks.iter().find(|one| {
            let is_new = !checks.iter().any(|known| std::ptr::eq(*known, *one));
            is_new
                && one.name != check.name
                && one.columns.iter().any(|number| columns.contains(number))
                && columns.len() < 8
        }) {
            columns.extend(next.columns.iter().copied());
            checks.push(next);
        }
        let slots: Vec<usize> = columns
            .iter()
            .map(|number| draft.slot_of(*number))
            .collect::<Option<_>>()?;
        if slots.is_empty() {
            return None;
        }
        let most = (1..).take_while(|most: &usize| {
            u32::try_from(slots.len())
                .ok()
                .and_then(|power| most.checked_pow(power))
                .is_some_and(|all| all <= COMBINATIONS)
        });
        let most = most.last().unwrap_or(1).clamp(2, 60);
        let rows = ROWS.iter().map(|further| {
            let columns = slots.iter();
            columns
                .map(|slot| candidates(tables, draft, *slot, row + further, filled, most))
                .collect()
        });
        let rows = rows.collect();
        let conditions: Vec<String> = checks
            .iter()
            .map(|check| format!("({}) IS NOT FALSE", check.expression))
            .collect();
        Some(Self {
            names: checks.iter().map(|check| check.name.clone()).collect(),
            rows,
            slots,
            conditions: conditions.join(" AND "),
        })
    }

    /// A query for all combinations, for each row.
    #[must_use]
    pub fn whole(&self) -> Vec<String> {
        let rows = self.rows.iter();
        rows.map(|columns| self.whole_of(columns)).collect()
    }

    fn whole_of(&self, columns: &[Candidates]) -> String {
        let sources = columns.iter().enumerate().map(|(nth, column)| {
            let values = column.values.iter().map(|(candidate, value, is_null)| format!("({candidate}, ({value})::pg_catalog.text, {})", i32::from(*is_null)));
            let values: Vec<String> = values.collect();
            format!(
                "(SELECT k AS k{nth}, n AS n{nth}, v::{} AS {} FROM (VALUES {}) AS x (k, v, n)) AS s{nth}",
                column.type_text, column.name, values.join(", ")
            )
        });
        let sources: Vec<String> = sources.collect();
        let each = |letter: char, between: &str| {
            let names: Vec<String> = (0..columns.len())
                .map(|nth| format!("{letter}{nth}"))
                .collect();
            names.join(between)
        };
        format!(
            "SELECT pg_catalog.json_agg(pg_catalog.json_build_array({candidates})) FROM (SELECT {candidates} FROM {sources} WHERE {conditions} \
             ORDER BY {nulls}, {sum} LIMIT {SOLUTIONS}) AS found",
            candidates = each('k', ", "),
            sources = sources.join(" CROSS JOIN "),
            conditions = self.conditions,
            nulls = each('n', " + "),
            sum = each('k', " + "),
        )
    }

    /// A query for each combination, for expressions that some values make fail; for each
    /// row as many.
    #[must_use]
    pub fn singly(&self) -> Vec<String> {
        let rows = self.rows.iter();
        rows.flat_map(|columns| self.singly_of(columns)).collect()
    }

    fn singly_of(&self, columns: &[Candidates]) -> Vec<String> {
        let mut combinations: Vec<Vec<usize>> = vec![Vec::new()];
        for column in columns {
            let longer = combinations.iter().flat_map(|one| {
                (0..column.values.len()).map(|at| [one.clone(), vec![at]].concat())
            });
            combinations = longer.collect();
            combinations.sort_by_key(|one| one.iter().sum::<usize>());
            combinations.truncate(SINGLY);
        }
        let queries = combinations.iter().map(|combination| {
            let chosen: Vec<_> = columns
                .iter()
                .zip(combination)
                .map(|(column, at)| (column, &column.values[*at]))
                .collect();
            let candidates: Vec<String> = chosen
                .iter()
                .map(|(_, value)| value.0.to_string())
                .collect();
            let values = chosen.iter().map(|(column, value)| {
                format!(
                    "(({})::pg_catalog.text)::{} AS {}",
                    value.1, column.type_text, column.name
                )
            });
            let values: Vec<String> = values.collect();
            format!(
                "SELECT pg_catalog.json_build_array({}) FROM (SELECT {} OFFSET 0) AS s WHERE {}",
                candidates.join(", "),
                values.join(", "),
                self.conditions
            )
        });
        queries.collect()
    }
}

/// The statement that says whether a check holds for rows as they are; `None` where an
/// INSERT does not name all of its columns.
#[must_use]
pub fn holds(tables: &Tables, draft: &Draft, check: &Check, rows: &[DraftRow]) -> Option<String> {
    let slots: Vec<usize> = check
        .columns
        .iter()
        .map(|number| draft.slot_of(*number))
        .collect::<Option<_>>()?;
    if rows.is_empty() || slots.is_empty() {
        return None;
    }
    let each = rows.iter().map(|row| {
        let values = slots.iter().map(|slot| {
            let column = draft.slots[*slot].column;
            let value = match &row.values[*slot] {
                Value::Text(text) => quoted(text),
                Value::Null => "NULL".to_owned(),
                Value::Default => column.default.clone().filter(|_| !column.has_sequence())?,
            };
            Some(format!(
                "(({value})::pg_catalog.text)::{} AS {}",
                tables.bare_text(column),
                column.text
            ))
        });
        let values: Option<Vec<String>> = values.collect();
        Some(format!(
            "(SELECT ({}) IS NOT FALSE FROM (SELECT {} OFFSET 0) AS s)",
            check.expression,
            values?.join(", ")
        ))
    });
    let each: Option<Vec<String>> = each.collect();
    Some(format!(
        "SELECT pg_catalog.to_json({})",
        each?.join(" AND ")
    ))
}

fn candidates(
    tables: &Tables,
    draft: &Draft,
    at: usize,
    row: u32,
    filled: Option<&DraftRow>,
    most: usize,
) -> Candidates {
    let slot = &draft.slots[at];
    let column = slot.column;
    let refers = draft
        .links
        .iter()
        .any(|link| link.key.columns.contains(&column.number));
    let mut values = Vec::new();
    for (nth, candidate) in slot.candidates.iter().enumerate() {
        if refers && *candidate != Candidate::Null {
            // Only rows that are there can be referred to.
            if let Some(Value::Text(text)) = filled.map(|filled| &filled.values[at])
                && *candidate == Candidate::Plain
            {
                values.push((nth, quoted(text), false));
            }
            continue;
        }
        let value = match candidate.value(tables, draft.table, column, slot.ordinal, row) {
            Some((Value::Text(text), _)) => (nth, quoted(&text), false),
            Some((Value::Null, _)) => (nth, "NULL".to_owned(), true),
            Some((Value::Default, _)) => match &column.default {
                Some(default) if !column.has_sequence() => (nth, default.clone(), false),
                _ => continue,
            },
            None => continue,
        };
        values.push(value);
    }
    if values.len() > most {
        let null = values.pop().filter(|last| last.2);
        values.truncate(most - usize::from(null.is_some()));
        values.extend(null);
    }
    Candidates {
        name: column.text.clone(),
        type_text: tables.bare_text(column).to_owned(),
        values,
    }
}

/// The part that several answers share, in the order of the first; that one alone where they
/// have nothing in common.
#[must_use]
pub fn common(answers: &[Vec<Vec<usize>>]) -> Vec<Vec<usize>> {
    let Some((first, others)) = answers.split_first() else {
        return Vec::new();
    };
    let everywhere = first
        .iter()
        .filter(|tuple| others.iter().all(|other| other.contains(tuple)));
    let found: Vec<Vec<usize>> = everywhere.cloned().collect();
    if found.is_empty() {
        first.clone()
    } else {
        found
    }
}
