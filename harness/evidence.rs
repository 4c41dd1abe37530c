//! The facts gathered of one service, as plain data: [`Evidence`].
//!
//! Nothing in here holds a connection, a process or a guard. [`crate::gather`] is the only
//! way from a running server and interpreter to evidence.

pub mod catalog;
pub mod deployment;
pub mod foundation;
pub mod locks;
pub mod merge;
pub mod models;
pub mod notes;
pub mod outbox;
pub mod plan;
pub mod published;
pub mod running;
pub mod schema_file;
pub mod stairway;
pub mod team_rows;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::alembic::declared::Declaration;
use crate::alembic::graph::{Graph, Problem};
use crate::alembic::transcript::{Exception, Transcript};

pub use catalog::Catalog;
pub use deployment::Deployment;
pub use locks::Locks;
pub use merge::Merge;
pub use models::Models;
pub use notes::NotesFile;
pub use outbox::Outbox;
pub use published::PublishedRevisions;
pub use running::Running;
pub use schema_file::SchemaFile;
pub use stairway::Stairway;

/// A part of the evidence that costs something to gather: a field of [`Evidence`], and a
/// row in [`crate::gather`] with the function that fills it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// `upgrade head` on a fresh database, and what is there afterwards.
    Migrated,
    /// The same history, one revision per Alembic context, on another fresh database.
    Stepped,
    /// Each revision up, down and up again, and the whole way down, on another one.
    Stairway,
    /// The models, built in another fresh database.
    Models,
    /// The revisions that come next, on databases that hold rows.
    Deployment,
    /// The same once more, with what each statement locks and reads.
    Locks,
    /// The same, beside the release that runs.
    Running,
}

/// All that was gathered for one criterion on one service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The service it was gathered of, by its file in the manifest.
    pub service: PathBuf,
    /// The revision graph.
    pub history: History,
    /// The files that may hold the notes, where there is a convention for them.
    #[serde(skip)]
    pub notes: Option<Vec<NotesFile>>,
    /// The history after a merge with the base ref, where there is one.
    #[serde(skip)]
    pub merge: Option<Merge>,
    /// The published revisions beside those of this branch, where there is a base ref.
    #[serde(skip)]
    pub published: Option<PublishedRevisions>,
    /// The file that holds the accepted schema.
    #[serde(skip)]
    pub schema: Option<SchemaFile>,
    /// [`Part::Migrated`], where it was asked for.
    pub migrated: Option<Migrated>,
    /// [`Part::Stepped`], where it was asked for and possible.
    pub stepped: Option<Stepped>,
    /// [`Part::Stairway`], where it was asked for and possible.
    pub stairway: Option<Stairway>,
    /// [`Part::Models`], where it was asked for and possible.
    pub models: Option<Models>,
    /// [`Part::Deployment`], where it was asked for and one is known.
    #[serde(default)]
    pub deployment: Option<Deployment>,
    /// [`Part::Locks`], where it was asked for and a deployment is known.
    #[serde(default)]
    pub locks: Option<Locks>,
    /// [`Part::Running`], where it was asked for and one is known.
    #[serde(default)]
    pub running: Option<Running>,
}

/// The revision graph, and how it was read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// The graph.
    pub graph: Graph,
    /// The facts that only running Python could tell, where that was needed.
    pub python_for: Vec<String>,
    /// The problems that the files alone show, where Python was asked for the rest:
    /// Alembic leaves out what it does not like, or raises something else.
    pub found: Vec<Problem>,
    /// The exception that Python raised when it was asked.
    pub raised: Option<Exception>,
    /// The directories below the versions directories that hold files of revisions, where those
    /// themselves hold none.
    #[serde(default)]
    pub beside: Vec<PathBuf>,
}

/// The result of `upgrade head` on a fresh database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Migrated {
    /// The server, in words: `PostgreSQL 15.18 (local)`.
    pub server: String,
    /// `upgrade head`, or `upgrade heads` where several heads are declared to be right.
    pub upgrade: Transcript,
    /// `upgrade heads`, run where several heads made the first one fail.
    pub heads: Option<Transcript>,
    /// The same command a second time.
    pub second: Option<Transcript>,
    /// The rows of the version table; `None` where there is no such table.
    pub versions: Option<Vec<String>>,
    /// The database at head, where it got there.
    pub catalog: Option<Catalog>,
    /// The outbox table, where the convention and the criterion apply.
    pub outbox: Option<Outbox>,
    /// The objects that the revision files create, where the upgrade lacked a table or a column.
    #[serde(default)]
    pub declared: Vec<Declaration>,
}

/// The result of the same history, stepped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stepped {
    /// All steps, joined; it ends at the first that fails.
    pub upgrade: Transcript,
    /// The rows of the version table.
    pub versions: Option<Vec<String>>,
    /// The database at head, where it got there.
    pub catalog: Option<Catalog>,
}

impl History {
    /// Tells whether the files form a graph that Alembic can load, whatever its heads.
    #[must_use]
    pub fn is_graph(&self) -> bool {
        self.raised.is_none() && self.problems().is_empty()
    }

    /// The problems that keep the files from being a graph, as far as they could be read.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        match (&self.raised, self.found.is_empty()) {
            (_, false) => self.found.clone(),
            // Without Python some of the files are not known, or where they are.
            (Some(_), true) => Vec::new(),
            (None, true) => self.graph.problems(),
        }
    }
}

impl Evidence {
    /// Everything that Alembic was asked to do with a database.
    #[must_use]
    pub fn transcripts(&self) -> Vec<&Transcript> {
        // Named one by one: a new part that holds transcripts is not forgotten here.
        let Self {
            service: _,
            history: _,
            notes: _,
            merge: _,
            published: _,
            schema: _,
            migrated,
            stepped,
            stairway,
            models,
            deployment,
            locks,
            running,
        } = self;
        let migrated = migrated.iter().flat_map(Migrated::transcripts);
        let stepped = stepped.iter().map(|stepped| &stepped.upgrade);
        let stairway = stairway.iter().flat_map(Stairway::transcripts);
        let models = models.iter().map(|models| &models.built);
        migrated
            .chain(stepped)
            .chain(stairway)
            .chain(models)
            .chain(deployment.iter().flat_map(Deployment::transcripts))
            .chain(locks.iter().flat_map(Locks::transcripts))
            .chain(running.iter().flat_map(Running::transcripts))
            .collect()
    }
}

impl Migrated {
    fn transcripts(&self) -> impl Iterator<Item = &Transcript> {
        let all = [
            Some(&self.upgrade),
            self.heads.as_ref(),
            self.second.as_ref(),
        ];
        all.into_iter().flatten()
    }

    /// The database at head as the service's own: without the version table.
    #[must_use]
    pub fn schema(&self) -> Option<Catalog> {
        let catalog = self.catalog.clone()?;
        let table = self.reached().version_table.as_ref();
        let (schema, name) = table.map_or((None, "alembic_version"), |table| {
            (table.schema.as_deref(), table.name.as_str())
        });
        Some(catalog.without_table(schema, name))
    }

    /// The transcript that says how far the service gets: `upgrade heads` where
    /// several heads made `upgrade head` fail.
    #[must_use]
    pub fn reached(&self) -> &Transcript {
        self.heads.as_ref().unwrap_or(&self.upgrade)
    }
}
