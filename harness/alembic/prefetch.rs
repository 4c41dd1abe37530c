//! Reads the histories of services before a case asks for them: [`Prefetch`].
//!
//! A run begins with cases to list and a first page to write, and each case of
//! `single_head` does little but wait for files: all cores read from the start.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::graph::Graph;
use super::read_graph;
use super::script_location::Static;
use crate::error::Result;
use crate::manifest::Service;

/// Histories that are being read, by the file of their service.
#[derive(Debug, Default)]
pub struct Prefetch {
    begun: Mutex<HashMap<PathBuf, Receiver<Result<Static<Graph>>>>>,
}

impl Prefetch {
    /// Begins to read the history of each service, which `load` makes of its file.
    pub fn begin(
        &self,
        files: impl Iterator<Item = PathBuf>,
        load: impl Fn(&Path) -> Result<Service> + Copy + Send + 'static,
    ) {
        // Where there are no threads, each case will say so.
        let Ok(pool) = migration_revisions::pool() else {
            return;
        };
        let begin = |file: PathBuf| {
            let (told, read) = mpsc::channel();
            let service = file.clone();
            pool.spawn_fifo(move || {
                let read = load(&service).and_then(|service| read_graph(&service));
                // Where nobody waits for it no case needed it.
                let _ = told.send(read);
            });
            (file, read)
        };
        self.begun().extend(files.map(begin));
    }

    /// The history of a service, read from its files alone; now, where that was not begun.
    ///
    /// # Errors
    /// As for [`read_graph`].
    pub fn graph(&self, service: &Service) -> Result<Static<Graph>> {
        let read = self.begun().remove(&service.file);
        match read.and_then(|read| read.recv().ok()) {
            Some(graph) => graph,
            None => read_graph(service),
        }
    }

    fn begun(&self) -> MutexGuard<'_, HashMap<PathBuf, Receiver<Result<Static<Graph>>>>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use std::fs;
    use std::sync::LazyLock;

    use pretty_assertions::assert_eq;
    use tempfile::TempDir;

    use super::*;
    use crate::error::{HarnessError, Stage};
    use crate::testing;

    /// A service with a history of one revision, always with the same file.
    fn service(directory: &Path, id: &str) -> Service {
        fs::create_dir_all(directory.join("alembic/versions")).unwrap();
        let ini = "[alembic]\nscript_location = %(here)s/alembic\n";
        fs::write(directory.join("alembic.ini"), ini).unwrap();
        let revision = format!("revision = '{id}'\ndown_revision = None\n");
        fs::write(directory.join("alembic/versions/one.py"), revision).unwrap();
        Service {
            directory: directory.to_owned(),
            ..testing::service()
        }
    }

    /// The answers of [`Prefetch`] about a service with `now`, twice, where `load` was begun before.
    fn asked(load: impl Fn(&Path) -> Result<Service> + Copy + Send + 'static) -> [String; 2] {
        let directory = tempfile::tempdir().unwrap();
        let service = service(directory.path(), "now");
        let prefetch = Prefetch::default();
        prefetch.begin([service.file.clone()].into_iter(), load);
        [(); 2].map(|()| match prefetch.graph(&service) {
            Ok(Static::Known(graph)) => graph.revisions[0].id.clone(),
            Ok(Static::NeedsPython(reason)) => reason,
            Err(error) => error.message,
        })
    }

    #[test]
    fn what_was_read_ahead_is_given_once() {
        static DIRECTORY: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());
        let load = |_: &Path| Ok(service(DIRECTORY.path(), "before"));
        assert_eq!(asked(load), ["before", "now"]);
        fs::remove_dir_all(DIRECTORY.path()).unwrap();
    }

    #[test]
    fn a_service_that_cannot_be_loaded_has_no_history() {
        let load = |_: &Path| Err(HarnessError::new(Stage::Manifest, "no such file"));
        assert_eq!(asked(load), ["no such file", "now"]);
    }

    #[test]
    fn what_fails_ahead_is_read_when_it_is_asked_for() {
        assert_eq!(asked(|_: &Path| panic!("on purpose")), ["now", "now"]);
    }
}
