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

impl Planting<'_, '_> {
    pub(super) async fn plant_apart(&mut self, tables: &[usize]) -> Result<(), sqlx::Error> {
        self.spread_over_partitions(tables).await?;
        self.solve_ahead(tables).await?;
        let mut together: Vec<usize> = tables.to_vec();
        for round in 0..ROUNDS {
            let mut tried: Vec<(usize, Vec<DraftRow>, bool)> = Vec::new();
            let mut statements = Vec::new();
            for at in tables {
                let draft = &self.drafts[*at];
                let most = if draft.good.is_none() && round > 0 && !together.contains(at) {
                    PROBES
                } else {
                    usize::MAX
                };
                if draft.choices.is_empty()
                    || (draft.good.is_some() && round >= ROUNDS_FOR_THE_REST + 2)
                {
                    continue;
                }
                let rows: Option<Vec<DraftRow>> = self.filled(*at, most);
                let Some(rows) = rows else { continue };
                let references: Vec<&DraftRow> = rows.iter().collect();
                let many = together
                    .contains(at)
                    .then(|| insert_many(self.tables, draft, &references))
                    .flatten();
                match many {
                    Some(many) => {
                        statements.push(planting(&many, draft.table));
                        tried.push((*at, rows, true));
                    }
                    None => {
                        statements
                            .extend(rows.iter().map(|row| {
                                planting(&insert(self.tables, draft, row), draft.table)
                            }));
                        tried.push((*at, rows, false));
                    }
                }
            }
            if statements.is_empty() {
                return Ok(());
            }
            let mut answers = self.server.try_all(&statements).await?.into_iter();
            let mut refusals = Vec::new();
            for (at, rows, is_whole) in tried {
                if is_whole {
                    let refused = answers
                        .next()
                        .and_then(|answer| self.take_whole(at, &rows, answer));
                    let repeat = refused
                        .as_ref()
                        .is_some_and(|refusal| refusal.state != "23505" && round < 3);
                    if !repeat {
                        together.retain(|one| *one != at);
                    }
                    if let Some(refusal) = refused {
                        let each = rows.into_iter().enumerate();
                        // Which rows it is about is not known; those that it is not lose a token.
                        let is_for_all = refusal.state != "23505";
                        refusals.extend(
                            each.filter(|_| is_for_all)
                                .map(|(nth, row)| (at, nth, row, refusal.clone())),
                        );
                    }
                } else {
                    let answers: Vec<Answer> = answers.by_ref().take(rows.len()).collect();
                    refusals.extend(self.take_each(at, rows, answers));
                }
            }
            self.solve(&refusals).await?;
            self.adapt(refusals, round);
        }
        Ok(())
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
                && refusal.state != "23505"
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
