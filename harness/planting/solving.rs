//! Candidates for CHECKs and partitions while rows are planted.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::adapt::{take, violated};
use super::conditions::leaf_check;
use super::draft::{DraftRow, Solution};
use super::planter::{Planting, RefusedRow};
use super::server::Answer;
use super::solve::{Question, common, holds};

impl Planting<'_, '_> {
    pub(super) async fn solve_ahead(&mut self, tables: &[usize]) -> Result<(), sqlx::Error> {
        let mut checked = Vec::new();
        let mut statements = Vec::new();
        for at in tables {
            let draft = &self.drafts[*at];
            let filled: Vec<DraftRow> = draft
                .choices
                .iter()
                .take(2)
                .filter_map(|choice| draft.fill(choice, &self.pools))
                .collect();
            for check in draft.checks.iter().filter(|check| !check.name.is_empty()) {
                let statement = holds(self.tables, draft, check, &filled);
                checked.extend(
                    statement
                        .is_some()
                        .then(|| (*at, check.name.clone(), filled[0].clone())),
                );
                statements.extend(statement);
            }
        }
        let answers = self.server.try_all(&statements).await?;
        let violated = checked
            .into_iter()
            .zip(answers)
            .filter(|(_, answer)| *answer != Ok(Json::Bool(true)));
        let mut asked: Vec<(usize, Question)> = Vec::new();
        for ((at, name, filled), _) in violated {
            let draft = &self.drafts[at];
            if asked
                .iter()
                .any(|(other, question)| *other == at && question.names.contains(&name))
            {
                continue;
            }
            let check = draft.checks.iter().find(|check| check.name == name);
            let question =
                check.and_then(|check| Question::new(self.tables, draft, check, 1, Some(&filled)));
            asked.extend(question.map(|question| (at, question)));
        }
        for (at, solution) in self.answers(asked).await? {
            let is_partitioned = !self.drafts[at].table.leaves.is_empty();
            // The rows of a partitioned table have their partitions already.
            let chosen = self.drafts[at]
                .choices
                .iter_mut()
                .filter(|_| !is_partitioned);
            chosen.for_each(|choice| take(&solution, choice));
            self.drafts[at].solutions.push(solution);
        }
        Ok(())
    }

    pub(super) async fn solve(&mut self, refusals: &[RefusedRow]) -> Result<(), sqlx::Error> {
        let mut asked: Vec<(usize, Question)> = Vec::new();
        for (at, nth, row, refusal) in refusals {
            let draft = &self.drafts[*at];
            let number = draft.choices.get(*nth).map_or(1, |choice| choice.row);
            for check in violated(draft, refusal) {
                let is_in = |names: &BTreeSet<String>| names.contains(&check.name);
                let is_known = draft.solutions.iter().any(|one| is_in(&one.names));
                let is_asked =
                    |(other, question): &(usize, Question)| other == at && is_in(&question.names);
                if is_known || asked.iter().any(is_asked) {
                    continue;
                }
                let question = Question::new(self.tables, draft, check, number, Some(row));
                asked.extend(question.map(|question| (*at, question)));
            }
        }
        for (at, solution) in self.answers(asked).await? {
            self.drafts[at].solutions.push(solution);
        }
        Ok(())
    }

    pub(super) async fn answers(
        &mut self,
        asked: Vec<(usize, Question)>,
    ) -> Result<Vec<(usize, Solution)>, sqlx::Error> {
        let mut solutions = Vec::new();
        let queries: Vec<Vec<String>> =
            asked.iter().map(|(_, question)| question.whole()).collect();
        let mut answers = self.server.try_all(&queries.concat()).await?.into_iter();
        for ((at, question), queries) in asked.into_iter().zip(queries) {
            let whole: Vec<Answer> = answers.by_ref().take(queries.len()).collect();
            let whole: Result<Vec<Json>, _> = whole.into_iter().collect();
            let rows: Vec<Vec<Vec<usize>>> = match whole {
                Ok(rows) => rows.iter().map(tuples).collect(),
                // Some value cannot be read, or makes an expression fail.
                Err(_) => {
                    let singly = question.singly();
                    let answers = self.server.try_all(&singly).await?;
                    let rows = answers.chunks((singly.len() / queries.len()).max(1));
                    rows.map(|row| {
                        let found = row.iter().filter_map(|answer| answer.as_ref().ok());
                        let found = found.filter(|json| !json.is_null()).cloned();
                        tuples(&Json::Array(found.collect()))
                    })
                    .collect()
                }
            };
            let tuples = common(&rows);
            let Question { names, slots, .. } = question;
            solutions.push((
                at,
                Solution {
                    names,
                    slots,
                    tuples,
                },
            ));
        }
        Ok(solutions)
    }

    pub(super) async fn spread_over_partitions(
        &mut self,
        tables: &[usize],
    ) -> Result<(), sqlx::Error> {
        let mut asked = Vec::new();
        for at in tables {
            let draft = &self.drafts[*at];
            let filled = draft
                .choices
                .first()
                .and_then(|choice| draft.fill(choice, &self.pools));
            for leaf in draft.table.leaves.iter().take(draft.choices.len()) {
                let check = leaf_check(draft.table, leaf);
                let question = check.and_then(|check| {
                    Question::new(self.tables, draft, &check, 1, filled.as_ref())
                });
                asked.extend(question.map(|question| (*at, question)));
            }
        }
        if asked.is_empty() {
            return Ok(());
        }
        let solutions = self.answers(asked).await?;
        for at in tables {
            let of_table: Vec<&Solution> = solutions
                .iter()
                .filter(|(one, found)| one == at && !found.tuples.is_empty())
                .map(|(_, found)| found)
                .collect();
            if of_table.is_empty() {
                continue;
            }
            for (nth, choice) in self.drafts[*at].choices.iter_mut().enumerate() {
                let solution = of_table[nth % of_table.len()];
                let tuple = &solution.tuples[nth / of_table.len() % solution.tuples.len().min(4)];
                solution
                    .slots
                    .iter()
                    .zip(tuple)
                    .for_each(|(slot, candidate)| choice.candidates[*slot] = *candidate);
            }
        }
        Ok(())
    }
}

fn tuples(json: &Json) -> Vec<Vec<usize>> {
    serde_json::from_value(json.clone()).unwrap_or_default()
}
