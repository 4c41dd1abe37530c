//! Reads one Alembic revision file without Python: [`parse`], and all of them:
//! [`read_all`].
//!
//! A file gives a [`Revision`](super::revision::Revision), or [`RevisionFile::Unreadable`] where Alembic
//! could not load it either, or [`RevisionFile::NeedsPython`] where running it
//! could give anything. Which files Alembic loads, and in which order, is taken
//! from `Script._list_py_dir` and `Script._from_path` in `alembic.script.base`.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use ruff_python_ast::{Mod, PythonVersion, Stmt};
use ruff_python_parser::{Mode, ParseOptions, Parsed, lexer, parse_unchecked};
use ruff_text_size::{Ranged, TextSize};
use rustix::fs::{CWD, Mode as Access, OFlags, openat};

use super::pool;
use super::revision::RevisionFile;
use super::script_location::ScriptLocation;
use crate::error::{Error, Result};

mod header;
mod scope;
mod source;

use header::Header;
use scope::Scope;
pub use scope::one_line;
use source::{Nesting, ParseProblem, TooDeep, line_at};

/// Bytes of stack for parsing: nesting is bounded by [`Nesting`] in files larger than
/// [`SMALL`], and by the size itself in those below.
pub const STACK: usize = 64 << 20;
/// Bytes up to which a file is parsed before its nesting is looked at.
const SMALL: usize = 16 << 10;
/// Bytes from which on a file is left to Python.
const TOO_LARGE: usize = 32 << 20;
/// The oldest Python whose syntax is taken for granted.
const OLDEST_PYTHON: PythonVersion = PythonVersion::PY310;
/// Files that are not worth dividing among threads, or opening their directory for.
const FILES_AT_ONCE: usize = 16;

/// Reads the revision in `source`, the content of `file`. Reads no file itself.
pub fn parse(file: &Path, source: &[u8]) -> RevisionFile {
    match pool() {
        Ok(pool) => pool.install(|| parse_here(file, source)),
        Err(error) => for_python(file, &error.message),
    }
}

/// Reads every revision file of `location`, in the order in which Alembic
/// loads them.
///
/// # Errors
///
/// A version location that exists and cannot be listed, or no thread to be had.
/// A problem of a single file is part of the result instead.
pub fn read_all(location: &ScriptLocation) -> Result<Vec<RevisionFile>, Error> {
    let files = list(location)?;
    let files = files.par_iter().with_min_len(FILES_AT_ONCE);
    let read = || files.map(ListedFile::read).collect();
    Ok(pool()?.install(read))
}

/// The text and the statements of any Python file, as far as it could be parsed. `None`
/// where Python has to decode it, or it nests too deep to be parsed here.
///
/// The calling thread needs a stack of [`STACK`] bytes.
pub fn statements(bytes: &[u8]) -> Option<(String, Vec<Stmt>)> {
    let source = text(bytes).ok()?.into_owned();
    let parsed = parse_unchecked(&source, ParseOptions::from(Mode::Module));
    match parsed.into_syntax() {
        Mod::Module(module) => Some((source, module.body.into_iter().collect())),
        Mod::Expression(_) => None,
    }
}

/// A file that Alembic would load.
struct ListedFile {
    file: PathBuf,
    /// The directory that it is in, open: the way there is not walked for each file.
    directory: Option<Arc<OwnedFd>>,
}

impl ListedFile {
    fn read(&self) -> RevisionFile {
        match self.content() {
            Ok(source) => parse_here(&self.file, &source),
            Err(problem) => unreadable(&self.file, None, problem),
        }
    }

    /// Its bytes, or why there are none.
    fn content(&self) -> Result<Vec<u8>, String> {
        if self.file.file_name() == Some(OsStr::new(".py")) {
            return Err(
                "a file named only `.py`, which Alembic takes up and cannot load".to_owned(),
            );
        }
        self.bytes().map_err(|e| match e.kind() {
            io::ErrorKind::NotFound if fs::symlink_metadata(&self.file).is_ok() => {
                "a symbolic link to a file that does not exist".to_owned()
            }
            io::ErrorKind::NotFound => "it was listed, and gone when it was to be read".to_owned(),
            _ => format!("it cannot be read: {e}"),
        })
    }

    fn bytes(&self) -> io::Result<Vec<u8>> {
        // A named pipe would be waited for.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let open = match (&self.directory, self.file.file_name()) {
            (Some(directory), Some(name)) => openat(directory, name, flags, Access::empty()),
            _ => openat(CWD, &self.file, flags, Access::empty()),
        };
        let open = File::from(open?);
        let about = open.metadata()?;
        if !about.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or_default());
        // No read beyond the end, which most often is known; a file system may not tell it.
        let end = Some(about.len()).filter(|length| *length > 0);
        open.take(end.unwrap_or(u64::MAX)).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// The files that Alembic would load, without those it meets a second time.
fn list(location: &ScriptLocation) -> Result<Vec<ListedFile>> {
    let mut files = Vec::new();
    let mut seen = HashSet::new();
    for versions in location.versions.iter().filter(|path| path.exists()) {
        let mut waiting = vec![versions.clone()];
        while let Some(directory) = waiting.pop() {
            let mut below = list_one(&directory, &mut seen, &mut files).map_err(|e| {
                let problem = format!(
                    "version location {} cannot be listed: {e}",
                    directory.display()
                );
                Error::new(problem)
            })?;
            if location.recursive {
                below.sort_unstable_by(|a, b| b.cmp(a));
                waiting.extend(below);
            }
        }
    }
    Ok(files)
}

/// Adds the revision files of one directory, sorted, and returns the
/// directories in it. Links to directories are not followed, as in `os.walk`.
fn list_one(
    directory: &Path,
    seen: &mut HashSet<OsString>,
    files: &mut Vec<ListedFile>,
) -> io::Result<Vec<PathBuf>> {
    let mut names: Vec<(OsString, bool)> = Vec::new();
    let mut below = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        match kind.is_dir() {
            true => below.push(entry.path()),
            false => names.push((entry.file_name(), kind.is_symlink())),
        }
    }
    if directory
        .as_os_str()
        .to_string_lossy()
        .ends_with("__pycache__")
    {
        return Ok(below);
    }
    names.sort_unstable();
    let real_directory = fs::canonicalize(directory)?;
    // Few files are not worth a descriptor, of which a deep tree would need many.
    let many = names.len() >= FILES_AT_ONCE;
    let open = many.then(|| File::open(directory)).transpose()?;
    let open = open.map(|open| Arc::new(OwnedFd::from(open)));
    for (name, is_link) in names {
        let listed = directory.join(&name);
        let here = open.clone();
        // The rules are applied to the name that a link leads to.
        let (real, file, directory) = match is_link.then(|| fs::canonicalize(&listed)) {
            Some(Ok(real)) if real.is_dir() => continue,
            Some(Ok(real)) if real.file_name() != Some(&name) => (real.clone(), real, None),
            Some(Ok(real)) => (real, listed, here),
            _ => (real_directory.join(&name), listed, here),
        };
        if is_revision_file(&file) && seen.insert(real.into_os_string()) {
            files.push(ListedFile { file, directory });
        }
    }
    Ok(below)
}

/// Tells whether Alembic loads a file of this name: `(?!\.\#|__init__)(.*\.py)$`.
#[must_use]
pub fn is_revision_file(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let excluded = name.starts_with(".#") || name.starts_with("__init__") || name.contains('\n');
    name.ends_with(".py") && !excluded
}

fn unreadable(file: &Path, line: Option<u32>, problem: String) -> RevisionFile {
    RevisionFile::Unreadable {
        file: file.to_owned(),
        line,
        problem,
        id: None,
    }
}

fn for_python(file: &Path, what: &str) -> RevisionFile {
    RevisionFile::NeedsPython {
        file: file.to_owned(),
        line: 1,
        what: what.to_owned(),
        id: None,
    }
}

/// Parses on the calling thread, which needs a stack of [`STACK`] bytes.
fn parse_here(file: &Path, bytes: &[u8]) -> RevisionFile {
    let parsed = catch_unwind(AssertUnwindSafe(|| revision_in(file, bytes)));
    parsed.unwrap_or_else(|_| for_python(file, "the parser failed on this file"))
}

fn revision_in(file: &Path, bytes: &[u8]) -> RevisionFile {
    let trouble = |trouble, found: Option<String>| match trouble {
        ParseProblem::Refused { line, problem } => RevisionFile::Unreadable {
            file: file.to_owned(),
            line,
            problem,
            id: found,
        },
        ParseProblem::NeedsPython { line, what } => RevisionFile::NeedsPython {
            file: file.to_owned(),
            line,
            what,
            id: found,
        },
    };
    let source = match text(bytes) {
        Ok(source) => source,
        Err(problem) => return trouble(problem, None),
    };
    let parsed = parse_unchecked(
        &source,
        ParseOptions::from(Mode::Module).with_target_version(OLDEST_PYTHON),
    );
    let Mod::Module(module) = parsed.syntax() else {
        return unreadable(file, None, "no Python module".to_owned());
    };
    let header = Header {
        scope: Scope::read(&module.body, &source),
        source: &source,
        file,
        module,
    };
    match syntax(&parsed, &source).and_then(|()| header.revision()) {
        Ok(revision) => RevisionFile::Revision(revision),
        Err(problem) => trouble(problem, header.id().ok().map(|(id, _)| id)),
    }
}

/// The text of a file that can be parsed without running out of stack.
fn text(bytes: &[u8]) -> Result<std::borrow::Cow<'_, str>, ParseProblem> {
    if bytes.len() > TOO_LARGE {
        let what = format!("the file has {} MB", bytes.len() >> 20);
        return Err(ParseProblem::NeedsPython { line: 1, what });
    }
    let source = source::decode(bytes)?;
    if bytes.len() > SMALL {
        let mut lexer = lexer::lex(&source, Mode::Module);
        let mut nesting = Nesting::default();
        loop {
            let kind = lexer.next_token();
            if kind.is_eof() {
                break;
            }
            // The lexer does not tell where it is.
            nesting.token(kind).map_err(|e| too_deep(e, None))?;
        }
    }
    Ok(source)
}

fn too_deep(error: TooDeep, line: Option<u32>) -> ParseProblem {
    match error {
        TooDeep::ForPython(problem) => ParseProblem::Refused {
            line,
            problem: format!("invalid Python 3: {problem}"),
        },
        TooDeep::ForUs => {
            let what = "the file has an expression of thousands of parts".to_owned();
            ParseProblem::NeedsPython {
                line: line.unwrap_or(1),
                what,
            }
        }
    }
}

/// Tells whether every Python from [`OLDEST_PYTHON`] on takes this for a module.
fn syntax(parsed: &Parsed<Mod>, source: &str) -> Result<(), ParseProblem> {
    let line_of = |at: TextSize| line_at(source.as_bytes(), at.to_usize());
    if let Some(error) = parsed
        .errors()
        .iter()
        .min_by_key(|error| error.location.start())
    {
        let line = line_of(error.location.start());
        let code = source
            .lines()
            .nth(line.saturating_sub(1) as usize)
            .unwrap_or_default();
        let problem = format!("invalid Python 3: {}: `{}`", error.error, one_line(code));
        return Err(ParseProblem::Refused {
            line: Some(line),
            problem,
        });
    }
    if let Mod::Module(module) = parsed.syntax()
        && let Some(late) = late_future_import(&module.body)
    {
        let problem = "invalid Python 3: `from __future__` after other statements".to_owned();
        return Err(ParseProblem::Refused {
            line: Some(line_of(late.start())),
            problem,
        });
    }
    let mut nesting = Nesting::default();
    for token in parsed.tokens().iter() {
        nesting
            .token(token.kind())
            .map_err(|e| too_deep(e, Some(line_of(token.start()))))?;
    }
    match parsed.unsupported_syntax_errors().first() {
        None => Ok(()),
        Some(newer) => {
            let what = format!("not every Python reads this: {newer}");
            Err(ParseProblem::NeedsPython {
                line: line_of(newer.range.start()),
                what,
            })
        }
    }
}

/// A `from __future__ import` that comes after anything but the docstring and
/// others of its kind. The parser has no objection to it.
fn late_future_import(body: &[Stmt]) -> Option<&Stmt> {
    let is_future = |stmt: &&Stmt| match stmt {
        Stmt::ImportFrom(import) => {
            import.level == 0
                && import
                    .module
                    .as_ref()
                    .is_some_and(|name| name == "__future__")
        }
        _ => false,
    };
    let is_docstring = |(at, stmt): &(usize, &Stmt)| {
        *at == 0
            && stmt
                .as_expr_stmt()
                .is_some_and(|first| first.value.is_string_literal_expr())
    };
    let allowed = |entry: &(usize, &Stmt)| is_docstring(entry) || is_future(&entry.1);
    body.iter()
        .enumerate()
        .skip_while(allowed)
        .map(|(_, stmt)| stmt)
        .find(is_future)
}

#[cfg(test)]
mod tests;
