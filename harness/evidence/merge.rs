//! The history as a merge with the base ref would have it: [`Merge`].
//!
//! This branch is the working tree; the base ref and the commit where the two part are
//! read with git. Nothing is checked out or written.

mod three_way;

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use crate::alembic::graph::Graph;
use crate::alembic::revision::RevisionFile;
use crate::alembic::revision_file::{is_revision_file, parse};
use crate::alembic::script_location::{Static, locate};
use crate::error::{HarnessError, Result, Stage};
use crate::evidence::History;
use crate::git::{Repository, TreeFile};
use crate::manifest::Service;

pub use three_way::{File, MergedHistory, Ours, merged};

/// The result of a merge of this branch and the base ref.
#[derive(Debug, Clone, PartialEq)]
pub struct Merge {
    /// The base ref as it was named: `origin/main`.
    pub base_ref: String,
    /// Its commit.
    pub commit: String,
    /// The commit where this branch and the base ref part.
    pub parted: String,
    /// The revisions after the merge.
    pub graph: Graph,
    /// The ids that only this branch adds.
    pub ours: BTreeSet<String>,
    /// The ids that only the base ref adds.
    pub theirs: BTreeSet<String>,
    /// The files that both sides changed, each in its own way: conflicts that git leaves to people.
    pub conflicts: Vec<String>,
    /// The revision files that only the base ref adds, with their contents.
    pub brought: Vec<(PathBuf, Vec<u8>)>,
    /// The revision files of the base ref.
    pub published: Vec<PathBuf>,
}

impl Merge {
    /// Merges `history`, which was read from the working tree, with `base_ref`.
    ///
    /// # Errors
    /// git cannot tell; or only running Python can tell what the base ref's files say.
    pub fn read(service: &Service, history: &History, base_ref: &str) -> Result<Self> {
        let Parting {
            locations,
            commit,
            parted,
        } = Parting::read(service, history, base_ref)?;
        let repository = &locations.repository;
        let base = repository.files(&parted, &locations.directories)?;
        let theirs = repository.files(&commit, &locations.directories)?;
        let (base, theirs) = read_both(&locations, base, theirs)?;
        let ours = working_tree(service, history);
        let merged = merged(&base, &theirs, &ours);
        only_python_tells(base_ref, &merged)?;
        let is_new = |file: &&File| {
            file.revision
                .id()
                .is_some_and(|id| merged.theirs.contains(id))
        };
        let brought = theirs.iter().filter(is_new);
        let brought = brought.map(|file| (file.revision.file().to_owned(), file.content.clone()));
        Ok(Self {
            brought: brought.collect(),
            published: theirs
                .iter()
                .map(|file| file.revision.file().to_owned())
                .collect(),
            base_ref: base_ref.to_owned(),
            graph: Graph::new(merged.files, history.graph.locations.clone()),
            ours: merged.ours,
            theirs: merged.theirs,
            conflicts: merged
                .conflicts
                .iter()
                .map(|path| path.display().to_string())
                .collect(),
            commit,
            parted,
        })
    }
}

/// The parts of the base ref that cannot be judged from here.
fn only_python_tells(base_ref: &str, merged: &MergedHistory) -> Result<()> {
    let Some(RevisionFile::NeedsPython {
        file, line, what, ..
    }) = merged
        .brought
        .iter()
        .find(|file| matches!(file, RevisionFile::NeedsPython { .. }))
    else {
        return Ok(());
    };
    Err(HarnessError::new(
        Stage::Alembic,
        format!(
            "a revision of {base_ref} can only be read by running it: {}:{line}: {what}",
            file.display()
        ),
    )
    .help(format!(
        "git merge {base_ref} first: then it is part of the working tree, and Python is asked"
    )))
}

/// The commit where this branch and the base ref part.
pub(super) struct Parting {
    pub(super) locations: Locations,
    /// The commit of the base ref.
    pub(super) commit: String,
    /// The last commit that both have.
    pub(super) parted: String,
}

impl Parting {
    /// Asks git.
    ///
    /// # Errors
    /// git cannot tell: no repository, no such ref, no commit in common.
    pub(super) fn read(service: &Service, history: &History, base_ref: &str) -> Result<Self> {
        let locations = Locations::locate(service, history)?;
        let repository = &locations.repository;
        repository.commit("HEAD")?;
        let commit = repository.commit(base_ref)?;
        let parted = repository.merge_base(&commit, base_ref)?;
        Ok(Self {
            locations,
            commit,
            parted,
        })
    }
}

/// The place of revision files: the repository, and the path from its root.
pub(super) struct Locations {
    pub(super) repository: Repository,
    pub(super) directories: Vec<PathBuf>,
    recursive: bool,
}

impl Locations {
    pub(super) fn locate(service: &Service, history: &History) -> Result<Self> {
        let located = locate(
            &service.directory,
            &service.alembic_ini,
            &service.alembic_section,
        )?;
        let (versions, recursive) = match located {
            Static::Known(location) => (location.versions, location.recursive),
            // Then the files that Python found tell.
            Static::NeedsPython(_) => (history.graph.directories(), false),
        };
        let versions: Vec<PathBuf> = versions.iter().map(|path| service.original(path)).collect();
        let there = versions.iter().find(|directory| directory.is_dir());
        let directory = service.original(&service.directory);
        let repository = Repository::containing(there.unwrap_or(&directory))?;
        let below = |directory: &PathBuf| {
            let real = directory
                .canonicalize()
                .unwrap_or_else(|_| directory.clone());
            real.strip_prefix(&repository.top).map(Path::to_owned).ok()
        };
        let directories: Vec<PathBuf> = versions.iter().filter_map(below).collect();
        if directories.is_empty() {
            return Err(HarnessError::new(Stage::Git, format!("the revisions of {} lie outside of {}", service.name, repository.top.display()))
                .detail(versions.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join("\n"))
                .help("leave BASE_REF unset for a service whose revisions are in no repository of its own"));
        }
        Ok(Self {
            repository,
            directories,
            recursive,
        })
    }

    /// Tells whether Alembic would load the file.
    pub(super) fn hold(&self, path: &Path) -> bool {
        let parent = path.parent().unwrap_or(Path::new(""));
        let inside = |directory: &PathBuf| {
            parent == directory || (self.recursive && parent.starts_with(directory))
        };
        let cached = parent.to_string_lossy().ends_with("__pycache__");
        self.directories.iter().any(inside) && !cached && is_revision_file(path)
    }
}

/// The revision files of both commits; what both have is read once.
fn read_both(
    locations: &Locations,
    base: Vec<TreeFile>,
    theirs: Vec<TreeFile>,
) -> Result<(Vec<File>, Vec<File>)> {
    let kept = |files: Vec<TreeFile>| {
        files
            .into_iter()
            .filter(|file| locations.hold(&file.path))
            .collect::<Vec<_>>()
    };
    let (base, theirs) = (kept(base), kept(theirs));
    let blobs: BTreeSet<&str> = base
        .iter()
        .chain(&theirs)
        .map(|file| file.blob.as_str())
        .collect();
    let contents = locations.repository.contents(&blobs)?;
    let read = |file: &TreeFile| {
        let content = contents.get(&file.blob).cloned().unwrap_or_default();
        let revision = parse(&locations.repository.top.join(&file.path), &content);
        File { content, revision }
    };
    let read_base: HashMap<&TreeFile, File> = base.iter().map(|file| (file, read(file))).collect();
    let read_theirs = theirs
        .iter()
        .map(|file| read_base.get(file).cloned().unwrap_or_else(|| read(file)))
        .collect();
    Ok((
        base.iter()
            .filter_map(|file| read_base.get(file).cloned())
            .collect(),
        read_theirs,
    ))
}

/// The working tree's files under the paths that git has for them.
pub(super) fn working_tree(service: &Service, history: &History) -> Vec<Ours> {
    let real = |file: &Path| {
        let file = service.original(file);
        let parent = file.parent().and_then(|parent| parent.canonicalize().ok());
        parent.map_or(file.clone(), |parent| {
            parent.join(file.file_name().unwrap_or_default())
        })
    };
    let files = history.graph.files().into_iter();
    files
        .map(|revision| Ours {
            path: real(revision.file()),
            content: std::fs::read(revision.file()).unwrap_or_default(),
            revision,
        })
        .collect()
}
