//! A service with changed files, beside the files as they are: [`Overlay`].
//!
//! Of the monorepo it has links, but for the directories that lead to files that may change:
//! those are directories of its own, with copies of the service's files. So nothing of a large
//! monorepo is copied, and nothing of it can be written.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::alembic::script_location::{Static, locate};
use crate::error::{HarnessError, Result, Stage};
use crate::manifest::Service;

/// Files relative to the monorepo's root, with their contents; `None` is a file that is not
/// there any more.
pub(super) type Files = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// Bytes up to which a file beside those that may change is copied, and not linked.
const COPIED: u64 = 1 << 20;

/// A service in an overlay, which is removed with it.
pub(super) struct Overlay {
    /// The service in it.
    pub(super) service: Service,
    original: Service,
    /// The directory for what Python compiles of it.
    bytecode: PathBuf,
    _directory: TempDir,
}

impl Drop for Overlay {
    fn drop(&mut self) {
        // Where Python compiled nothing, there is nothing to remove.
        let _ = fs::remove_dir_all(&self.bytecode);
    }
}

impl Overlay {
    /// Lays changed files over those of a service, in a new directory below `base`; Python
    /// compiles into `bytecode`.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn lay(
        original: &Service,
        files: &Files,
        base: &Path,
        bytecode: &Path,
    ) -> Result<Self> {
        let laid = || -> io::Result<Self> {
            let directory = tempfile::Builder::new()
                .prefix("overlay-")
                .tempdir_in(base)?;
            let root = directory.path().canonicalize()?;
            let overlay = Self {
                service: original.in_overlay(&root),
                original: original.clone(),
                bytecode: bytecode.join(root.strip_prefix("/").unwrap_or(&root)),
                _directory: directory,
            };
            overlay.populate(Path::new(""))?;
            for place in places(original) {
                overlay.own(&place)?;
            }
            for (file, content) in files {
                overlay.put(file, content.as_deref())?;
            }
            Ok(overlay)
        };
        laid().map_err(|cause| {
            let problem = format!("{}: no overlay can be laid: {cause}", original.name);
            HarnessError::new(Stage::Evidence, problem).help("make TMPDIR writable")
        })
    }

    /// The files of its own directories that are not those of the monorepo.
    ///
    /// # Errors
    /// They cannot be read.
    pub(super) fn changed(&self) -> io::Result<Files> {
        let mut files = Files::new();
        let walk = walkdir::WalkDir::new(&self.service.root).into_iter();
        let own = walk.filter_entry(|entry| entry.file_name() != "__pycache__");
        for entry in own {
            let entry = entry?;
            let below = entry.path().strip_prefix(&self.service.root);
            let (true, Ok(below)) = (entry.file_type().is_file(), below) else {
                continue;
            };
            let content = fs::read(entry.path())?;
            let before = fs::read(self.original.root.join(below)).ok();
            if before.as_ref() != Some(&content) {
                files.insert(below.to_owned(), Some(content));
            }
        }
        Ok(files)
    }

    fn put(&self, file: &Path, content: Option<&[u8]>) -> io::Result<()> {
        self.own(file.parent().unwrap_or(Path::new("")))?;
        let path = self.service.root.join(file);
        match fs::remove_file(&path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
            _ => {}
        }
        content.map_or(Ok(()), |content| fs::write(&path, content))
    }

    /// Makes a directory, and those above it, directories of the overlay.
    fn own(&self, directory: &Path) -> io::Result<()> {
        let above: Vec<&Path> = directory.ancestors().collect();
        for directory in above.into_iter().rev() {
            let path = self.service.root.join(directory);
            let known = fs::symlink_metadata(&path).ok();
            if known.as_ref().is_some_and(fs::Metadata::is_dir) {
                continue;
            }
            if known.is_some() {
                fs::remove_file(&path)?;
            }
            fs::create_dir(&path)?;
            self.populate(directory)?;
        }
        Ok(())
    }

    /// Fills a directory with links to what the monorepo has there; the service's files are
    /// copied, so that they find their way from where they lie.
    fn populate(&self, directory: &Path) -> io::Result<()> {
        let from = self.original.root.join(directory);
        let Ok(entries) = fs::read_dir(&from) else {
            return Ok(());
        };
        let is_service = from.starts_with(&self.original.directory);
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            if name == "__pycache__" || name == ".git" {
                continue;
            }
            let to = self.service.root.join(directory).join(&name);
            let is_file = entry.file_type()?.is_file();
            match is_file && is_service && entry.metadata()?.len() <= COPIED {
                true => fs::copy(entry.path(), &to).map(drop)?,
                false => symlink(entry.path(), &to)?,
            }
        }
        Ok(())
    }
}

/// The directories of a service, relative to the root, in which files may change.
fn places(service: &Service) -> Vec<PathBuf> {
    let located = locate(
        &service.directory,
        &service.alembic_ini,
        &service.alembic_section,
    );
    let mut all = vec![service.directory.clone()];
    if let Ok(Static::Known(location)) = located {
        all.push(location.directory);
        all.extend(location.versions);
    }
    let notes = service.notes.iter().flat_map(|notes| &notes.files);
    let notes = notes.filter_map(|file| Some(service.directory.join(file).parent()?.to_owned()));
    all.extend(notes);
    let inside = all.iter().filter(|place| place.is_dir());
    let inside = inside.filter_map(|place| relative(service, place));
    inside.collect()
}

/// A path relative to the root; `None` outside of it.
pub(super) fn relative(service: &Service, path: &Path) -> Option<PathBuf> {
    let path = migration_revisions::script_location::tidy(path);
    path.strip_prefix(&service.root).map(Path::to_owned).ok()
}
