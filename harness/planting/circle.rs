//! Rows of tables that refer to one another by keys that may not be NULL: one of each, in
//! one statement.

use super::Keys;
use super::adapt::advance;
use super::catalog::Table;
use super::draft::{Choice, Filled};
use super::insert::{circle, insert, planting_circle};
use super::planter::{PROBES, ROUNDS, Work};
use super::rows::parse;

impl Work<'_, '_> {
    pub(super) async fn plant_circle(&mut self, members: &[usize]) -> Result<(), sqlx::Error> {
        let oids: Vec<i64> = members
            .iter()
            .map(|at| self.drafts[*at].table.oid)
            .collect();
        let mut waiting: Vec<Vec<Choice>> = Vec::new();
        let rows = members
            .iter()
            .map(|at| self.drafts[*at].choices.len())
            .min()
            .unwrap_or_default();
        for nth in 0..rows {
            waiting.push(
                members
                    .iter()
                    .map(|at| self.drafts[*at].choices[nth].clone())
                    .collect(),
            );
        }
        let mut taken = Vec::new();
        for round in 0..ROUNDS {
            let mut tried = Vec::new();
            for choices in std::mem::take(&mut waiting) {
                let filled = self.fill_circle(members, &choices);
                tried.extend(filled.map(|filled| (choices, filled)));
            }
            let texts: Vec<Vec<(String, &Table)>> = tried
                .iter()
                .map(|(_, filled): &(Vec<Choice>, Vec<Filled>)| {
                    let each = members.iter().zip(filled);
                    each.map(|(at, row)| {
                        (
                            insert(self.tables, &self.drafts[*at], row),
                            self.drafts[*at].table,
                        )
                    })
                    .collect()
                })
                .collect();
            let statements: Vec<String> = texts
                .iter()
                .map(|inserts| planting_circle(inserts))
                .collect();
            let answers = self.server.try_all(&statements).await?;
            let mut refusals = Vec::new();
            for (((mut choices, filled), inserts), answer) in
                tried.into_iter().zip(texts).zip(answers)
            {
                match answer {
                    Ok(json) => taken.push((choices, filled, json, circle(&inserts))),
                    Err(refusal) => {
                        let named = members
                            .iter()
                            .position(|at| self.drafts[*at].table.name == refusal.table);
                        for (nth, at) in members
                            .iter()
                            .enumerate()
                            .filter(|(nth, _)| named.is_none_or(|named| named == *nth))
                        {
                            self.drafts[*at].refused = Some((refusal.clone(), circle(&inserts)));
                            // Its questions are asked beside those of the other tables.
                            refusals.push((*at, usize::MAX, filled[nth].clone(), refusal.clone()));
                            let turn = round * PROBES + waiting.len();
                            advance(
                                self.tables,
                                &self.drafts[*at],
                                &mut choices[nth],
                                &filled[nth],
                                &refusal,
                                turn,
                            );
                        }
                        waiting.push(choices);
                    }
                }
            }
            if waiting.is_empty() {
                break;
            }
            self.solve(&refusals).await?;
        }
        for oid in &oids {
            self.pools.clear(*oid);
        }
        for (choices, filled, json, text) in taken {
            for (nth, (at, choice)) in members.iter().zip(choices).enumerate() {
                if let Some((values, place)) = json
                    .get(nth)
                    .and_then(|row| parse(self.drafts[*at].table, row))
                {
                    self.keep_as(*at, choice, &filled[nth], values, place, text.clone());
                }
            }
        }
        Ok(())
    }

    fn fill_circle(&mut self, members: &[usize], choices: &[Choice]) -> Option<Vec<Filled>> {
        let mut rows = Vec::new();
        for (at, choice) in members.iter().zip(choices) {
            let draft = &self.drafts[*at];
            let mut far = choice.clone();
            let default = draft.first_choice(choice.row, Keys::FarAway);
            if self.keys == Keys::FromSequences {
                far.kinds = default.kinds;
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
