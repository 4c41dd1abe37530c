//! Rows of tables whose parents have theirs: all in one statement, and one by one where
//! that is refused.

use serde_json::Value as Json;

use super::adapt::advance;
use super::draft::{Choice, DraftRow};
use super::insert::{insert, insert_many, planting};
use super::planter::{PROBES, Planting, ROUNDS, ROUNDS_FOR_THE_REST, RefusedRow};
use super::pool::Values;
use super::rows::parse;
use super::server::{Answer, Refusal};
use super::{PlantedRow, PlantedTable, RowId};

/// PostgreSQL's unique_violation
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
const DUPLICATE: &str = "23505";

/// Rows of one table that are tried in one round.
struct Attempt {
    /// The table's draft.
    at: usize,
    rows: Vec<DraftRow>,
    /// Tells whether one statement has them all.
    is_whole: bool,
}

impl Planting<'_, '_> {
    pub(super) async fn plant_apart(&mut self, tables: &[usize]) -> Result<(), sqlx::Error> {
        self.spread_over_partitions(tables).await?;
        self.solve_ahead(tables).await?;
        let mut together: Vec<usize> = tables.to_vec();
        for round in 0..ROUNDS {
            let next = |at: &usize| self.next_attempt(*at, round, together.contains(at));
            let (attempts, statements): (Vec<Attempt>, Vec<Vec<String>>) =
                tables.iter().filter_map(next).unzip();
            let statements = statements.concat();
            if statements.is_empty() {
                return Ok(());
            }
            let mut answers = self.server.try_all(&statements).await?.into_iter();
            let mut refusals = Vec::new();
            for attempt in attempts {
                refusals.extend(match attempt.is_whole {
                    true => self.take_together(attempt, answers.next(), &mut together, round),
                    false => {
                        let answers = answers.by_ref().take(attempt.rows.len()).collect();
                        self.take_each(attempt.at, attempt.rows, answers)
                    }
                });
            }
            self.solve(&refusals).await?;
            self.adapt(refusals, round);
        }
        Ok(())
    }

    /// The next rows of a table, and the statements that plant them; `None` where no rows are
    /// left to be tried.
    fn next_attempt(
        &self,
        at: usize,
        round: usize,
        is_together: bool,
    ) -> Option<(Attempt, Vec<String>)> {
        let draft = &self.drafts[at];
        let is_enough = draft.good.is_some() && round >= ROUNDS_FOR_THE_REST + 2;
        if draft.choices.is_empty() || is_enough {
            return None;
        }
        let most = match draft.good.is_none() && round > 0 && !is_together {
            true => PROBES,
            false => usize::MAX,
        };
        let rows = self.filled(at, most)?;
        let references: Vec<&DraftRow> = rows.iter().collect();
        let many = is_together.then(|| insert_many(self.tables, draft, &references));
        let many = many.flatten();
        let is_whole = many.is_some();
        let statements = match many {
            Some(many) => vec![planting(&many, draft.table)],
            None => {
                let each = rows.iter().map(|row| insert(self.tables, draft, row));
                each.map(|one| planting(&one, draft.table)).collect()
            }
        };
        let attempt = Attempt { at, rows, is_whole };
        Some((attempt, statements))
    }

    /// Takes the answer to rows that one statement planted. A table stays among those that are
    /// planted `together` as long as that may work with other rows.
    fn take_together(
        &mut self,
        attempt: Attempt,
        answer: Option<Answer>,
        together: &mut Vec<usize>,
        round: usize,
    ) -> Vec<RefusedRow> {
        let Attempt { at, rows, .. } = attempt;
        let refused = answer.and_then(|answer| self.take_whole(at, &rows, answer));
        let refused = refused.map(|refusal| (refusal.state != DUPLICATE, refusal));
        let is_tried_again = matches!(refused, Some((true, _))) && round < 3;
        if !is_tried_again {
            together.retain(|one| *one != at);
        }
        let Some((true, refusal)) = refused else {
            return Vec::new();
        };
        // Which rows it is about is not known; those that it is not lose a token.
        let each = rows.into_iter().enumerate();
        each.map(|(nth, row)| (at, nth, row, refusal.clone()))
            .collect()
    }

    fn filled(&self, at: usize, most: usize) -> Option<Vec<DraftRow>> {
        let draft = &self.drafts[at];
        let choices = draft.choices.iter().take(most);
        let mut rows = Vec::new();
        for choice in choices {
            rows.push(draft.fill(choice, &self.pools)?);
        }
        Some(rows)
    }

    fn take_whole(&mut self, at: usize, rows: &[DraftRow], answer: Answer) -> Option<Refusal> {
        match answer {
            Err(refusal) => Some(refusal),
            Ok(json) => {
                let table = self.drafts[at].table;
                let found: Vec<(Values, String)> = json
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(|row| parse(table, row))
                    .collect();
                let choices = std::mem::take(&mut self.drafts[at].choices);
                if found.len() == rows.len() {
                    for ((row, choice), (values, place)) in rows.iter().zip(choices).zip(found) {
                        self.keep(at, choice, row, values, place);
                    }
                } else if let Some(first) = rows.first() {
                    // A trigger takes rows: none of them is known to be one of these.
                    self.drafts[at].refused = Some((
                        Refusal::default(),
                        insert(self.tables, &self.drafts[at], first),
                    ));
                }
                None
            }
        }
    }

    fn take_each(
        &mut self,
        at: usize,
        rows: Vec<DraftRow>,
        answers: Vec<Answer>,
    ) -> Vec<RefusedRow> {
        let mut choices = std::mem::take(&mut self.drafts[at].choices);
        let rest = choices.split_off(rows.len().min(choices.len()));
        let mut refused = Vec::new();
        for ((choice, row), answer) in choices.into_iter().zip(rows).zip(answers) {
            let first = |json: Json| {
                json.get(0)
                    .and_then(|row| parse(self.drafts[at].table, row))
            };
            match answer.map(first) {
                Ok(Some((values, place))) => self.keep(at, choice, &row, values, place),
                Ok(None) => {
                    self.drafts[at].refused = Some((
                        Refusal::default(),
                        insert(self.tables, &self.drafts[at], &row),
                    ))
                }
                Err(refusal) => {
                    let known = self.drafts[at].refused.as_ref();
                    if !known.is_some_and(|(known, _)| known.is_hopeless()) {
                        let text = insert(self.tables, &self.drafts[at], &row);
                        self.drafts[at].refused = Some((refusal.clone(), text));
                    }
                    let nth = self.drafts[at].choices.len();
                    self.drafts[at].choices.push(choice);
                    refused.push((at, nth, row, refusal));
                }
            }
        }
        self.drafts[at].choices.extend(rest);
        refused
    }

    fn keep(&mut self, at: usize, choice: Choice, row: &DraftRow, values: Values, place: String) {
        let text = insert(self.tables, &self.drafts[at], row);
        self.keep_as(at, choice, row, values, place, text);
    }

    pub(super) fn keep_as(
        &mut self,
        at: usize,
        choice: Choice,
        row: &DraftRow,
        values: Values,
        place: String,
        insert: String,
    ) {
        let table = self.drafts[at].table;
        let known = self
            .planted
            .tables
            .iter()
            .position(|one| one.oid == table.oid);
        let nth = known.unwrap_or_else(|| {
            self.planted.tables.push(PlantedTable {
                oid: table.oid,
                schema: table.schema.clone(),
                name: table.name.clone(),
                text: table.text.clone(),
                key: table.key().iter().map(|column| column.number).collect(),
                rows: Vec::new(),
                empty_partitions: Vec::new(),
            });
            self.planted.tables.len() - 1
        });
        let rows = &mut self.planted.tables[nth].rows;
        // A trigger may have put something else in its place.
        let tokens = row.tokens.iter().filter(|(number, token)| {
            values
                .get(number)
                .and_then(Option::as_ref)
                .is_some_and(|value| value.contains(token.as_str()))
        });
        let id = RowId {
            table: table.oid,
            at: rows.len(),
        };
        rows.push(PlantedRow {
            insert,
            update: None,
            tokens: tokens
                .map(|(number, token)| (*number, token.clone()))
                .collect(),
            values: values.clone(),
            parents: row.parents.clone(),
            partition: (table.kind == "p").then_some(place),
        });
        self.pools.add(table.oid, values, Some(id));
        self.drafts[at].good.get_or_insert_with(|| choice.clone());
        self.good.entry(table.oid).or_default().push(choice);
    }

    fn adapt(&mut self, refusals: Vec<RefusedRow>, round: usize) {
        for (at, nth, row, refusal) in refusals {
            let draft = &mut self.drafts[at];
            let Some(mut choice) = draft.choices.get(nth).cloned() else {
                continue;
            };
            if let Some(good) = &draft.good
                && !choice.is_copied
                && refusal.state != DUPLICATE
            {
                // Anything that was taken of another row is worth a try.
                choice.candidates.clone_from(&good.candidates);
                choice.known.clone_from(&good.candidates);
                choice.is_copied = true;
            } else {
                let turn = round * PROBES + nth;
                advance(self.tables, draft, &mut choice, &row, &refusal, turn);
            }
            draft.choices[nth] = choice;
        }
    }
}
