//! Writes a manifest for a monorepo that has none: [`discover`].
//!
//! Stands before the flow, and makes what it starts from. Nothing is run: files are read,
//! and what they leave open is said.
//!
//! ```text
//! a directory
//!     -> tree          one walk: configurations, environments, packages
//!     -> environment   which Alembic environment each configuration describes
//!     -> python        where a value in env.py comes from
//!     -> url, driver, interpreter, outbox, compose, search_path    one fact of a service each
//!     -> service       all facts of one service, each with how sure it is
//!     -> manifest      the files, as text
//!     -> write         what becomes of them on disk
//! ```

pub mod compose;
pub mod driver;
pub mod engines;
pub mod environment;
pub mod flask;
pub mod interpreter;
pub mod manifest;
pub mod name;
pub mod outbox;
pub mod python;
pub mod search_path;
pub mod service;
pub mod tree;
pub mod url;
pub mod write;

use std::fmt;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use crate::alembic::revision_file::STACK;
use crate::error::{HarnessError, Result, Stage};
use crate::invocation::Invocation;
use compose::Image;
use service::{Common, FoundService};
use tree::Tree;
use write::WrittenFile;

/// The command to type.
#[derive(Debug, Clone)]
pub struct Request {
    /// The monorepo.
    pub root: PathBuf,
    /// The directory of the manifest; `None` for `services-manifest` in the monorepo.
    pub to: Option<PathBuf>,
    /// Tells whether files that exist may be replaced.
    pub force: bool,
    /// Tells whether nothing is written at all.
    pub dry_run: bool,
}

/// The result.
#[derive(Debug)]
pub struct Discovery {
    /// The monorepo, absolute.
    pub root: PathBuf,
    /// The manifest's directory.
    pub to: PathBuf,
    /// The number of directories that were looked into.
    pub directories: usize,
    /// The image of PostgreSQL that Compose files name.
    pub postgres: Option<Image>,
    /// The services, sorted by name.
    pub services: Vec<FoundService>,
    /// The value that most of them share.
    pub common: Common,
    /// Environments that no service was written for: a path, and why.
    pub left_out: Vec<(String, String)>,
    /// The fate of each file.
    pub files: Vec<WrittenFile>,
    /// The time that it took.
    pub took: Duration,
}

impl fmt::Display for Sure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Certain => "certain",
            Self::Likely => "likely",
            Self::Unsure => "unsure",
        })
    }
}

/// The confidence in an inference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sure {
    /// The files say so.
    Certain,
    /// The files say so in a way that leaves a doubt.
    Likely,
    /// Something had to be written; it is to be checked.
    Unsure,
}

/// Something found out, how sure it is, and why not more.
#[derive(Debug, Clone)]
pub struct Guess<T> {
    /// The answer.
    pub value: T,
    /// The confidence in it.
    pub sure: Sure,
    /// The reason that it is taken to be so, as a fragment.
    pub why: String,
}

impl<T> Guess<T> {
    /// The files say so.
    pub fn certain(value: T, why: impl Into<String>) -> Self {
        Self::new(value, Sure::Certain, why)
    }

    /// The files say so in a way that leaves a doubt.
    pub fn likely(value: T, why: impl Into<String>) -> Self {
        Self::new(value, Sure::Likely, why)
    }

    /// Tells whether this is the same thing for the same reason.
    pub fn same_as(&self, other: &Self) -> bool
    where
        T: PartialEq,
    {
        self.value == other.value && self.why == other.why
    }

    /// To be checked.
    pub fn unsure(value: T, why: impl Into<String>) -> Self {
        Self::new(value, Sure::Unsure, why)
    }

    fn new(value: T, sure: Sure, why: impl Into<String>) -> Self {
        Self {
            value,
            sure,
            why: why.into(),
        }
    }
}

/// Finds the Alembic environments below a directory and writes a manifest for them.
///
/// # Errors
/// The directory is none, holds no environment, or the manifest cannot be written.
pub fn discover(request: &Request) -> Result<Discovery> {
    let begun = Instant::now();
    // Parsing may need more than a thread usually has.
    let done = thread::scope(|scope| {
        let builder = thread::Builder::new().stack_size(STACK * 4);
        let thread = builder.spawn_scoped(scope, || searched(request)).ok()?;
        thread.join().ok()
    });
    let mut discovery = done.unwrap_or_else(|| {
        Err(HarnessError::new(
            Stage::Manifest,
            "the search failed on a file it could not parse",
        ))
    })?;
    discovery.files = write::write(request, &discovery)?;
    discovery.took = begun.elapsed();
    Ok(discovery)
}

fn searched(request: &Request) -> Result<Discovery> {
    let tree = Tree::read(&request.root)?;
    let to = write::destination(request, &tree)?;
    let found = environment::environments(&tree);
    let known = write::known_services(&to);
    let named = name::named(&tree, found.environments, &known);
    let mut services: Vec<FoundService> = named
        .into_iter()
        .map(|(name, environment)| service::discover(&tree, name, environment))
        .collect();
    services.sort_by(|one, other| one.name.cmp(&other.name));
    let Some(common) = Common::find(&services) else {
        return Err(nothing_found(&tree, &found.left_out));
    };
    Ok(Discovery {
        root: tree.root.clone(),
        common,
        to,
        directories: tree.directories,
        postgres: tree.images.common(),
        services,
        left_out: found.left_out,
        files: Vec::new(),
        took: Duration::ZERO,
    })
}

fn nothing_found(tree: &Tree, left_out: &[(String, String)]) -> HarnessError {
    let plural = if tree.directories == 1 { "y" } else { "ies" };
    let mut error = HarnessError::new(
        Stage::Manifest,
        format!("no Alembic environment below {}", tree.root.display()),
    )
    .detail(format!(
        "looked in {} director{plural} for *.ini and *.cfg files with a script_location, and for \
         pyproject.toml files with a [tool.alembic] table",
        tree.directories
    ))
    .detail("left out: virtual environments, node_modules, site-packages, build, dist, vendor and hidden directories");
    for (path, why) in left_out {
        error = error.detail(format!("{path}: {why}"));
    }
    error.help(format!(
        "name the directory that holds the services: {}",
        Invocation::current().discover("../monorepo")
    ))
}

#[cfg(test)]
mod tests;
