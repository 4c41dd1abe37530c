//! Rows of tables that refer to one another by keys that may not be NULL: one of each, in
//! one statement.

use serde_json::Value as Json;

use super::Keys;
use super::adapt::advance;
use super::catalog::Table;
use super::draft::{Choice, DraftRow};
use super::insert::{circle, insert, planting_circle};
use super::planter::{PROBES, Planting, ROUNDS, RefusedRow};
use super::rows::parse;
use super::server::Refusal;

/// The choices for one row of each member.
type Choices = Vec<Choice>;

/// Rows of a circle, one of each member, that are ready to be tried.
struct Attempt<'t> {
    choices: Choices,
    filled: Vec<DraftRow>,
    /// The INSERT of each row, and its table.
    inserts: Vec<(String, &'t Table)>,
}

impl<'d> Planting<'d, '_> {
    pub(super) async fn plant_circle(&mut self, members: &[usize]) -> Result<(), sqlx::Error> {
        let mut waiting = self.choices_of(members);
        let mut taken = Vec::new();
        for round in 0..ROUNDS {
            let tried: Vec<Attempt<'d>> = waiting
                .drain(..)
                .filter_map(|choices| self.attempt(members, choices))
                .collect();
            let statements: Vec<String> = tried
                .iter()
                .map(|attempt| planting_circle(&attempt.inserts))
                .collect();
            let answers = self.server.try_all(&statements).await?;
            let mut refused = Vec::new();
            for (attempt, answer) in tried.into_iter().zip(answers) {
                match answer {
                    Ok(json) => taken.push((attempt, json)),
                    Err(refusal) => {
                        let turn = round * PROBES + waiting.len();
                        let next = self.next(members, attempt, &refusal, turn, &mut refused);
                        waiting.push(next);
                    }
                }
            }
            if waiting.is_empty() {
                break;
            }
            self.solve(&refused).await?;
        }
        for at in members {
            self.pools.clear(self.drafts[*at].table.oid);
        }
        for (attempt, json) in taken {
            self.keep_circle(members, attempt, &json);
        }
        Ok(())
    }

    /// As many rows as the member with the fewest has.
    fn choices_of(&self, members: &[usize]) -> Vec<Choices> {
        let choices = || members.iter().map(|at| &self.drafts[*at].choices);
        let rows = choices().map(Vec::len).min().unwrap_or_default();
        let row = |nth: usize| choices().map(|of_member| of_member[nth].clone()).collect();
        (0..rows).map(row).collect()
    }

    fn attempt(&mut self, members: &[usize], choices: Choices) -> Option<Attempt<'d>> {
        let filled = self.fill_circle(members, &choices)?;
        let insert = |(at, row): (&usize, &DraftRow)| {
            let draft = &self.drafts[*at];
            (insert(self.tables, draft, row), draft.table)
        };
        let inserts = members.iter().zip(&filled).map(insert).collect();
        Some(Attempt {
            choices,
            filled,
            inserts,
        })
    }

    /// The next candidates for the member that a refusal names, or for all of them.
    fn next(
        &mut self,
        members: &[usize],
        attempt: Attempt<'_>,
        refusal: &Refusal,
        turn: usize,
        refused: &mut Vec<RefusedRow>,
    ) -> Choices {
        let is_named = |at: &usize| self.drafts[*at].table.name == refusal.table;
        let named = members.iter().position(is_named);
        let Attempt {
            mut choices,
            filled,
            inserts,
        } = attempt;
        let concerned = members.iter().zip(filled).enumerate();
        for (nth, (at, row)) in concerned.filter(|(nth, _)| named.is_none_or(|named| named == *nth))
        {
            let draft = &mut self.drafts[*at];
            draft.refused = Some((refusal.clone(), circle(&inserts)));
            advance(self.tables, draft, &mut choices[nth], &row, refusal, turn);
            // Its questions are asked beside those of the other tables.
            refused.push((*at, usize::MAX, row, refusal.clone()));
        }
        choices
    }

    fn keep_circle(&mut self, members: &[usize], attempt: Attempt<'_>, json: &Json) {
        let text = circle(&attempt.inserts);
        let rows = attempt.choices.into_iter().zip(&attempt.filled);
        for (nth, (at, (choice, row))) in members.iter().zip(rows).enumerate() {
            let table = self.drafts[*at].table;
            let planted = json.get(nth).and_then(|planted| parse(table, planted));
            if let Some((values, place)) = planted {
                self.keep_as(*at, choice, row, values, place, text.clone());
            }
        }
    }

    fn fill_circle(&mut self, members: &[usize], choices: &[Choice]) -> Option<Vec<DraftRow>> {
        let mut rows = Vec::new();
        for (at, choice) in members.iter().zip(choices) {
            let draft = &self.drafts[*at];
            let mut far = choice.clone();
            let default = draft.first_choice(choice.row, Keys::FarAway);
            if self.keys == Keys::FromSequences {
                far.candidates = default.candidates;
            }
            rows.push((draft.table.oid, draft.explicit(&far)?));
        }
        for (oid, values) in &rows {
            self.pools.clear(*oid);
            self.pools.add(*oid, values.clone(), None);
        }
        let filled = members
            .iter()
            .zip(choices)
            .map(|(at, choice)| self.drafts[*at].fill(choice, &self.pools));
        filled.collect()
    }
}
