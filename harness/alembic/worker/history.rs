//! The revisions as Alembic itself loads them: [`History`].

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;

use crate::alembic::graph::Graph;
use crate::alembic::revision::Revision;
use crate::alembic::revision::RevisionFile;
use crate::alembic::revision_file;

/// The history as Alembic itself loads it, parents before children.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct History {
    /// The heads.
    pub heads: Vec<String>,
    /// The directories it looked in, absolute.
    #[serde(default)]
    pub locations: Vec<PathBuf>,
    /// The revisions in an order that Alembic upgrades in.
    pub revisions: Vec<LoadedRevision>,
}

/// One revision as Alembic loaded it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct LoadedRevision {
    /// Its id.
    pub id: String,
    /// Its parents.
    pub down_revisions: Vec<String>,
    /// Its dependencies, as written.
    pub depends_on: Vec<String>,
    /// Its own branch labels.
    pub branch_labels: Vec<String>,
    /// The docstring's first line.
    pub message: Option<String>,
    /// Its file, absolute.
    pub file: PathBuf,
}

impl History {
    /// The same history as a graph; only its lines in the files are not known.
    #[must_use]
    pub fn graph(&self) -> Graph {
        let revisions = self.revisions.iter().map(|loaded| {
            RevisionFile::Revision(Revision {
                id: loaded.id.clone(),
                down_revisions: loaded.down_revisions.clone(),
                depends_on: loaded.depends_on.clone(),
                branch_labels: loaded.branch_labels.clone(),
                message: loaded.message.clone(),
                file: loaded.file.clone(),
                line: 1,
                down_line: 1,
                depends_line: None,
                labels_line: None,
            })
        });
        Graph::new(revisions.collect(), self.locations.clone())
    }

    /// The same graph with the lines, as far as the files tell them.
    #[must_use]
    pub fn located(&self) -> Graph {
        let mut graph = self.graph();
        for revision in &mut graph.revisions {
            let Ok(source) = fs::read(&revision.file) else {
                continue;
            };
            match revision_file::parse(&revision.file, &source) {
                RevisionFile::Revision(read) if read.id == revision.id => {
                    revision.line = read.line;
                    revision.down_line = read.down_line;
                    revision.depends_line = read.depends_line;
                    revision.labels_line = read.labels_line;
                }
                RevisionFile::NeedsPython { line, .. } => revision.line = line,
                _ => {}
            }
        }
        graph
    }

    /// In what a graph that was read without Python differs from this history.
    #[must_use]
    pub fn differences(&self, read: &Graph) -> Vec<String> {
        let loaded = edges(&self.graph());
        let read = edges(read);
        let said = |edge: &Edge, side: &str| {
            format!(
                "only {side}: revision {} with down_revision {:?}",
                edge.0, edge.1
            )
        };
        let only_read = read
            .difference(&loaded)
            .map(|edge| said(edge, "in the files"));
        only_read
            .chain(
                loaded
                    .difference(&read)
                    .map(|edge| said(edge, "in Alembic")),
            )
            .collect()
    }
}

/// A revision, its parents, and what it depends on.
type Edge = (String, BTreeSet<String>, BTreeSet<String>);

fn edges(graph: &Graph) -> BTreeSet<Edge> {
    let set = |names: &[String]| names.iter().cloned().collect();
    graph
        .revisions
        .iter()
        .map(|one| {
            (
                one.id.clone(),
                set(&one.down_revisions),
                set(&one.depends_on),
            )
        })
        .collect()
}
