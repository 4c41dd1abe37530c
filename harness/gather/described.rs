//! Builds what the models describe in a fresh database and looks at it.

use serde_json::{Value, json};

use super::Driver;
use crate::alembic::worker::{Command, FilterQuestion};
use crate::error::Result;
use crate::evidence::models::{
    Comparison, Drift, ModelsDescription, PlannedExpressions, compare, questions,
};
use crate::evidence::{Catalog, Models, foundation};
use crate::postgres::Phase;

impl Driver<'_> {
    /// The models beside `head`, the migrated database.
    pub(super) async fn models(&mut self, head: &Catalog) -> Result<Models> {
        // A revision may reflect tables into the models' metadata, or import more models.
        if self.worker.has_run_env() {
            self.renew().await?;
        }
        self.start_on(self.ground.for_models(), Phase::Models)
            .await?;
        let statements = json!(self.foundation);
        let schema = self.default_schema.clone();
        let limit = self.service.timeouts.upgrade;
        let command = Command::Models(&statements, schema.as_deref());
        let (built, answer) = self.answer(command, limit).await?;
        let described: ModelsDescription = serde_json::from_value(answer).unwrap_or_default();
        let mut models = Models {
            metadata: described.metadata,
            flaws: described.flaws(),
            tables: described.tables.clone(),
            sources: described.sources.clone(),
            drifts: Vec::new(),
            unstated: Vec::new(),
            built,
        };
        if models.built.finished() && models.metadata {
            let foundation = std::mem::take(&mut self.foundation);
            foundation::give_back(self.connection().await?, &foundation).await?;
            let head = self.without_version_table(head.clone());
            let built = self.snapshot().await?;
            let found = self.compared(&head, &built, &described).await?;
            let drifts = self.with_other_defaults(found.drifts).await?;
            models.drifts = self.visible(drifts, &head, &built).await?;
            models.unstated = found.unstated;
        }
        Ok(models)
    }

    /// The two databases compared; where expressions differ, once more with what the planner
    /// makes of these.
    async fn compared(
        &mut self,
        head: &Catalog,
        built: &Catalog,
        described: &ModelsDescription,
    ) -> Result<Comparison> {
        let found = compare(head, built, described, &PlannedExpressions::default());
        let planned = self.planned(&found.drifts).await?;
        Ok(match planned.0.is_empty() {
            true => found,
            false => compare(head, built, described, &planned),
        })
    }

    /// The differences that `env.py` lets autogenerate see.
    async fn visible(
        &mut self,
        drifts: Vec<Drift>,
        head: &Catalog,
        built: &Catalog,
    ) -> Result<Vec<Drift>> {
        let asked: Vec<Vec<FilterQuestion>> = drifts
            .iter()
            .map(|drift| questions(drift, head, built))
            .collect();
        let questions: Vec<FilterQuestion> = asked.iter().flatten().cloned().collect();
        let limit = self.service.timeouts.verify;
        let (_, answer) = self.answer(Command::Visible(&questions), limit).await?;
        let mut shown = answer
            .get("visible")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
            .into_iter();
        // Without an answer nothing is hidden.
        let mut is_shown =
            |_: &FilterQuestion| shown.next().and_then(|one| one.as_bool()).unwrap_or(true);
        let visible = asked.iter().map(|about| {
            let answers: Vec<bool> = about.iter().map(&mut is_shown).collect();
            answers.is_empty() || answers.contains(&true)
        });
        Ok(drifts
            .into_iter()
            .zip(visible)
            .filter(|(_, visible)| *visible)
            .map(|(drift, _)| drift)
            .collect())
    }
}
