//! Builds what the models describe in a fresh database and looks at it.

use serde_json::{Value, json};

use super::Driver;
use crate::alembic::worker::{Asked, Command};
use crate::error::Result;
use crate::evidence::models::{Described, Drift, compare};
use crate::evidence::{Catalog, Models, foundation};

impl Driver<'_> {
    /// The models beside `head`, the migrated database.
    pub(super) async fn models(&mut self, head: &Catalog) -> Result<Models> {
        // A revision may reflect tables into the models' metadata, or import more models.
        if self.worker.has_run_env() {
            self.renew().await?;
        }
        self.start_on(self.ground.of_models(), "models").await?;
        let statements = json!(self.foundation);
        let limit = self.service.timeouts.upgrade;
        let (built, answer) = self.answer(Command::Models(&statements), limit).await?;
        let described: Described = serde_json::from_value(answer).unwrap_or_default();
        let mut models = Models {
            metadata: described.metadata,
            tables: described.tables.clone(),
            sources: described.sources.clone(),
            drifts: Vec::new(),
            refused: Vec::new(),
            built,
        };
        if models.built.finished() && models.metadata {
            let foundation = std::mem::take(&mut self.foundation);
            foundation::give_back(self.connection().await?, &foundation).await?;
            models.refused = described.other_refusals();
            let head = self.without_version_table(head.clone());
            let drifts = compare(&head, &self.snapshot().await?, &described);
            let drifts = self.of_other_value(drifts).await?;
            models.drifts = self.visible(drifts).await?;
        }
        Ok(models)
    }

    /// The differences that `env.py` lets autogenerate see.
    async fn visible(&mut self, drifts: Vec<Drift>) -> Result<Vec<Drift>> {
        let asked: Vec<Option<Asked>> = drifts.iter().map(Drift::asked).collect();
        let questions: Vec<Asked> = asked.iter().flatten().cloned().collect();
        let limit = self.service.timeouts.verify;
        let (_, answer) = self.answer(Command::Visible(&questions), limit).await?;
        let mut shown = answer
            .get("visible")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
            .into_iter();
        // Without an answer nothing is hidden.
        let visible = asked
            .iter()
            .map(|one| one.is_none() || shown.next().and_then(|one| one.as_bool()).unwrap_or(true));
        Ok(drifts
            .into_iter()
            .zip(visible)
            .filter(|(_, visible)| *visible)
            .map(|(drift, _)| drift)
            .collect())
    }
}
