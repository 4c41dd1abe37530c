//! Reads the histories of services before a case asks for them: [`Ahead`].
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
pub struct Ahead {
    begun: Mutex<HashMap<PathBuf, Receiver<Result<Static<Graph>>>>>,
}

impl Ahead {
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
