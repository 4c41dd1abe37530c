//! The running release in an interpreter of its own: [`Beside`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};

use super::missing::missing;
use crate::alembic::interpreters::Interpreters;
use crate::alembic::transcript::Transcript;
use crate::alembic::worker::{self, Command, Limits, ReleaseStage, Worker};
use crate::error::{HarnessError, Result, Stage};
use crate::evidence::models::Source;
use crate::evidence::running::{Release, TriedStatement};
use crate::gather::ground::as_of;
use crate::gather::private::{self, broken};
use crate::gather::refused::refused;
use crate::git::short;
use crate::manifest::Service;
use crate::postgres::{Database, Server};

/// The answer of the worker.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Answer {
    #[serde(default)]
    pub metadata: bool,
    #[serde(default)]
    pub results: Vec<TriedStatement>,
    #[serde(default)]
    pub mixed: Vec<TriedStatement>,
    #[serde(default)]
    pub sources: BTreeMap<String, Source>,
}

/// The running release at work.
pub(in crate::gather) struct Beside {
    /// The service as it was.
    pub service: Service,
    pub tree: PathBuf,
    /// The directory of today's service.
    now: PathBuf,
    release: Release,
    /// The statements that the team gives, as the worker takes them.
    given: Value,
    worker: Worker,
}

impl Beside {
    /// Starts it in a directory of the run.
    pub(super) async fn start(
        today: &Service,
        release: &Release,
        directory: &Path,
        interpreters: &Interpreters,
        database: &Database,
    ) -> Result<Self> {
        private::directory(directory).map_err(|cause| broken(directory, &cause))?;
        let tree = directory.join("tree");
        let what = format!("the running release ({})", release.name);
        let service = as_of(today, &release.commit, &tree, &what)?;
        let output = directory.join("output.txt");
        let mut worker = Worker::start(&service, &output, interpreters).await?;
        worker.open(&service, database).await?;
        Ok(Self {
            now: today.root.clone(),
            given: given(today),
            release: release.clone(),
            service,
            tree,
            worker,
        })
    }

    /// Tries all statements.
    pub(super) async fn tries(
        &mut self,
        server: &Server,
        database: &Database,
        stage: ReleaseStage,
    ) -> Result<Answer> {
        let (transcript, answer) = self.answer(server, database, stage).await?;
        match transcript.finished() {
            true => self.read(answer),
            false => Err(self.not_run(&transcript, stage)),
        }
    }

    /// The same while the deployment is under way; `Err` with the reason where that cannot be.
    pub(super) async fn tries_meanwhile(
        &mut self,
        server: &Server,
        database: &Database,
    ) -> Result<Result<Answer, String>> {
        let (transcript, answer) = self
            .answer(server, database, ReleaseStage::Meanwhile)
            .await?;
        if transcript.finished() {
            return self.read(answer).map(Ok);
        }
        let raised = transcript.outcome.error().map(|raised| raised.line());
        let ended = || "it did not come to an end".to_owned();
        Ok(Err(raised.unwrap_or_else(ended)))
    }

    async fn answer(
        &mut self,
        server: &Server,
        database: &Database,
        stage: ReleaseStage,
    ) -> Result<(Transcript, Value)> {
        let limits = Limits {
            limit: self.service.timeouts.upgrade,
            server,
            database,
            watch: &|_| {},
        };
        let command = Command::Running(&worker::Release {
            now: &self.now,
            then: &self.tree,
            given: &self.given,
            stage,
        });
        let (transcript, answer) = self.worker.answer(command, &limits).await;
        refused(&self.service, database, &transcript)?;
        if let Some(trace) = transcript.broken.first() {
            return Err(worker::faulty(&self.service, trace));
        }
        Ok((transcript, answer))
    }

    fn read(&self, answer: Value) -> Result<Answer> {
        serde_json::from_value(answer).map_err(|cause| {
            let name = &self.service.name;
            let problem = format!("{name}: the running release's answer: {cause}");
            HarnessError::new(Stage::Alembic, problem)
        })
    }

    /// Old code cannot be edited, so the way out is the manifest.
    fn not_run(&self, transcript: &Transcript, stage: ReleaseStage) -> HarnessError {
        let Release { name, commit } = &self.release;
        let problem = format!(
            "{}: the running release ({name} {}) {}",
            self.service.name,
            short(commit),
            match stage {
                ReleaseStage::Before => "does not run in today's interpreter",
                _ => "ran before the deployment, and its env.py does not after it",
            }
        );
        let mut e = HarnessError::new(Stage::Alembic, problem);
        if let Some(raised) = transcript.outcome.error() {
            e = e.detail(raised.line());
            let frames = raised.frames.iter().rev().take(3);
            e.details.extend(
                frames.map(|frame| {
                    format!("{}:{} of it", self.service.shown(&frame.file), frame.line)
                }),
            );
        }
        if stage == ReleaseStage::Before {
            e.details.extend(missing(&self.tree));
        }
        let printed = transcript.output.display();
        let way_out = match stage {
            ReleaseStage::Before => {
                "install what it imports beside what today's code needs; files that git ignores are not there"
            }
            _ => {
                "old processes that run env.py when they start fail too: keep what it needs in this deployment, and take that away in the next one"
            }
        };
        e.detail(format!("everything Python printed: {printed}"))
            .help(format!(
                "{way_out}; where that cannot be, in {}, below [not_applicable]: running_release = \"<reason>\"",
                self.service.file.display()
            ))
    }

    /// Ends its interpreter. A tree that cannot be removed goes with the run's directory.
    pub(super) async fn end(&mut self) {
        self.worker.end().await;
        let _ = std::fs::remove_dir_all(&self.tree);
    }
}

/// The statements that the team gives, each with its place.
fn given(service: &Service) -> Value {
    let scripts = service.running.statements.iter();
    let statements = scripts.flat_map(|script| {
        let is_inline = script.origin.ends_with(".toml");
        let name = if is_inline {
            "statements"
        } else {
            &script.origin
        };
        script.statements.iter().map(move |statement| {
            json!({
                "table": name,
                "sql": statement.sql,
                "given": { "file": script.origin, "line": statement.line },
            })
        })
    });
    Value::Array(statements.collect())
}
