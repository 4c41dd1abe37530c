//! The revision graph, read from the files, and held against what Alembic loads.

use std::path::PathBuf;

use walkdir::WalkDir;

use super::{Context, Driver};
use crate::alembic::graph::Graph;
use crate::alembic::revision_file::is_revision_file;
use crate::alembic::script_location::Static;
use crate::alembic::worker::{self, Command, Worker};
use crate::error::{HarnessError, Result, Stage};
use crate::evidence::History;
use crate::manifest::Service;
use crate::postgres::Database;

/// The depth below a versions directory at which revisions are still looked for.
const DEPTH: usize = 4;

/// Reads the history: from the files, and from Python only where they do not tell.
///
/// # Errors
/// Alembic's configuration cannot be read, or the interpreter that is needed does
/// not answer.
pub async fn history(service: &Service, context: &Context<'_>) -> Result<History> {
    let mut history = read(service, context).await?;
    if history.graph.revisions.is_empty() {
        history.beside = with_revisions(&history.graph.locations);
    }
    Ok(history)
}

/// The directories below those that hold files of revisions.
fn with_revisions(locations: &[PathBuf]) -> Vec<PathBuf> {
    let below = locations.iter().flat_map(|location| {
        let below = WalkDir::new(location).min_depth(2).max_depth(DEPTH);
        below.sort_by_file_name().into_iter().flatten()
    });
    let files = below.filter(|entry| entry.file_type().is_file() && is_revision_file(entry.path()));
    let mut folders: Vec<PathBuf> = files
        .filter_map(|file| Some(file.path().parent()?.to_owned()))
        .collect();
    folders.dedup();
    folders
}

async fn read(service: &Service, context: &Context<'_>) -> Result<History> {
    let (graph, python_for, found) = match context.prefetch.graph(service)? {
        Static::Known(graph) => {
            let unknown = graph.needs_python();
            let reasons = unknown
                .iter()
                .map(|(file, line, what)| format!("{}:{line}: {what}", file.display()))
                .collect::<Vec<_>>();
            let found = match reasons.is_empty() {
                true => Vec::new(),
                false => graph.problems(),
            };
            (graph, reasons, found)
        }
        Static::NeedsPython(reason) => {
            let nothing = Graph::new(Vec::new(), Vec::new());
            (nothing, vec![reason], Vec::new())
        }
    };
    if python_for.is_empty() {
        return Ok(History {
            graph,
            python_for,
            found,
            raised: None,
            beside: Vec::new(),
        });
    }
    let mut worker = Worker::start(service, &context.output(1), context.interpreters).await?;
    worker.open(service, &Database::nowhere()).await?;
    let answer = worker.history(service).await?;
    worker.end().await;
    Ok(match answer {
        Ok(loaded) => History {
            graph: loaded.located(),
            python_for,
            found,
            raised: None,
            beside: Vec::new(),
        },
        Err(raised) => History {
            graph,
            python_for,
            found,
            raised: Some(raised),
            beside: Vec::new(),
        },
    })
}

impl Driver<'_> {
    /// The history as Alembic loads it, which must be the one that was read from the
    /// files; `None` where it cannot be loaded.
    ///
    /// Only after the first upgrade, since no revision may be imported before `env.py`
    /// has run: one that imports an application half would spoil the upgrade.
    pub(super) async fn loaded(&mut self) -> Result<Option<worker::History>> {
        if !self.worker.is_alive() {
            return Ok(None);
        }
        let limit = self.service.timeouts.verify;
        let (_, answer) = self.answer(Command::Loaded, limit).await?;
        let by_env: Option<worker::History> = serde_json::from_value(answer).ok();
        let loaded = match by_env.filter(|loaded| self.differences(loaded).is_empty()) {
            Some(loaded) => Some(loaded),
            // env.py does not get so far, or moves away from the files: as they alone tell.
            None if self.worker.is_alive() => self.worker.history(self.service).await?.ok(),
            None => None,
        };
        match loaded.as_ref().map(|loaded| self.differences(loaded)) {
            Some(differences) if !differences.is_empty() => Err(self.misread(&differences)),
            _ => Ok(loaded),
        }
    }

    /// In what Alembic's history is not the graph that was read without Python, where that
    /// could be read at all.
    fn differences(&self, loaded: &worker::History) -> Vec<String> {
        let read = &self.history.graph;
        if !self.history.python_for.is_empty() || !read.problems().is_empty() {
            return Vec::new();
        }
        loaded.differences(read)
    }

    fn misread(&self, differences: &[String]) -> HarnessError {
        HarnessError::new(
            Stage::Alembic,
            format!("{}: the history read from the files is not the one Alembic loads", self.service.name),
        )
        .detail(differences.join("\n"))
        .help("this is a fault of the harness: please report it with these lines and the revision's header")
    }
}
