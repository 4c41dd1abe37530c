//! Alembic: the revision graph, read without Python, and a worker that drives
//! Alembic inside the service's own interpreter.

mod channel;
pub mod declared;
pub mod edits;
mod forks;
pub mod imports;
pub mod interpreters;
mod output;
pub mod prefetch;
mod secret;
pub mod sql;
mod streams;
pub mod transcript;
pub mod worker;

pub use migration_revisions::{behaviour, graph, revision, revision_file, script_location};

use crate::error::Result;
use crate::manifest::Service;
use graph::Graph;
use script_location::Static;

/// The service's revision graph, read from its files alone.
///
/// # Errors
/// Alembic's configuration or the directory of revisions cannot be read.
pub fn read_graph(service: &Service) -> Result<Static<Graph>> {
    match script_location::locate(
        &service.directory,
        &service.alembic_ini,
        &service.alembic_section,
    )? {
        Static::Known(location) => {
            let files = revision_file::read_all(&location)?;
            Ok(Static::Known(Graph::new(files, location.versions)))
        }
        Static::NeedsPython(reason) => Ok(Static::NeedsPython(reason)),
    }
}
