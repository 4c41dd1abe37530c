//! Reads other states of a repository with git's plumbing: [`Repository`].
//!
//! Nothing of the repository is checked out, written or fetched; [`Repository::export`] writes
//! elsewhere. Every error says what to type.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::error::{HarnessError, Result, Stage};

/// Variables that a hook or an alias leaves behind and that name another repository.
const LEFT_BEHIND: &[&str] = &[
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_CEILING_DIRECTORIES",
];

/// So many commits of one file are looked at.
const COMMITS: usize = 100;

/// The repository that a directory lies in; also a worktree, a submodule or a shallow clone.
#[derive(Debug, Clone)]
pub struct Repository {
    /// The root of its working tree, without symbolic links.
    pub top: PathBuf,
}

/// A file of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TreeFile {
    /// Relative to [`Repository::top`].
    pub path: PathBuf,
    /// The name of its content.
    pub blob: String,
}

/// A commit, as people tell of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Commit {
    /// Its full name.
    pub hash: String,
    /// Its author.
    pub author: String,
    /// The day on which they wrote it: `2026-11-28`.
    pub day: String,
    /// The first line of its message.
    pub subject: String,
}

/// A commit's name as logs show it.
#[must_use]
pub fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

impl Repository {
    /// The repository of `directory`.
    ///
    /// # Errors
    /// There is no git, no repository, or one that git does not trust.
    pub fn containing(directory: &Path) -> Result<Self> {
        let output = run(directory, &["rev-parse", "--show-toplevel"], None)?;
        if !output.status.success() {
            return Err(no_repository(directory, &output));
        }
        let mut top = output.stdout;
        top.pop_if(|last| *last == b'\n');
        let top = PathBuf::from(OsString::from_vec(top));
        Ok(Self {
            top: top.canonicalize().unwrap_or(top),
        })
    }

    /// Tells whether a file is not as the last commit has it.
    ///
    /// # Errors
    /// git cannot tell.
    pub fn is_dirty(&self, file: &Path) -> Result<bool> {
        let file = file.to_string_lossy();
        let output = self.run(&["status", "--porcelain", "--ignored", "--", &file])?;
        match output.status.success() {
            true => Ok(!output.stdout.is_empty()),
            false => Err(failed("status", &output)),
        }
    }

    /// The commit that a name stands for.
    ///
    /// # Errors
    /// It stands for none; says which fetch would bring it.
    pub fn commit(&self, name: &str) -> Result<String> {
        let commit = format!("{name}^{{commit}}");
        let output = self.run(&[
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &commit,
        ])?;
        match output.status.success() {
            true => Ok(one_line(&output)),
            false if name == "HEAD" => {
                Err(error(format!("{} has no commit yet", self.top.display())))
            }
            false => Err(self.unknown(name)),
        }
    }

    /// The commit from which HEAD and `commit` part; people call that `base_ref`.
    ///
    /// # Errors
    /// There is none, or the clone does not reach down to it.
    pub fn merge_base(&self, commit: &str, base_ref: &str) -> Result<String> {
        let output = self.run(&["merge-base", "HEAD", commit])?;
        if output.status.success() {
            return Ok(one_line(&output));
        }
        if output.status.code() != Some(1) {
            return Err(failed("merge-base", &output));
        }
        let shallow = self.run(&["rev-parse", "--is-shallow-repository"])?;
        if one_line(&shallow) == "true" {
            return Err(error(format!(
                "this clone is shallow: it does not reach down to where HEAD and {base_ref} part"
            ))
            .help(format!(
                "{} --unshallow {}; with actions/checkout, set fetch-depth: 0",
                self.git_fetch(),
                self.refspec(base_ref)
            )));
        }
        Err(error(format!(
            "HEAD and {base_ref} have no commit in common, so git would refuse to merge them"
        ))
        .help(
            "name the branch that this one will be merged into, for instance BASE_REF=origin/main",
        ))
    }

    /// The files of a commit at or below some directories, which are relative to
    /// [`Repository::top`]. Links and submodules are no files here.
    ///
    /// # Errors
    /// git cannot list them.
    pub fn files(&self, commit: &str, directories: &[PathBuf]) -> Result<Vec<TreeFile>> {
        let mut command = self.command();
        command.args(["ls-tree", "-r", "-z", "--full-tree", commit, "--"]);
        // No path is the whole tree; an empty one would be an error.
        if directories
            .iter()
            .all(|directory| directory != Path::new(""))
        {
            command.args(directories);
        }
        let output = finished(command, None)?;
        if !output.status.success() {
            return Err(failed("ls-tree", &output));
        }
        // <mode> SP <type> SP <object> TAB <path> NUL
        let entries = output.stdout.split(|byte| *byte == 0).filter_map(|entry| {
            let tab = entry.iter().position(|byte| *byte == b'\t')?;
            let about = std::str::from_utf8(&entry[..tab]).ok()?;
            let mut about = about.split(' ');
            let (mode, kind, blob) = (about.next()?, about.next()?, about.next()?);
            let path = PathBuf::from(OsString::from_vec(entry[tab + 1..].to_vec()));
            (kind == "blob" && mode.starts_with("100")).then(|| TreeFile {
                path,
                blob: blob.to_owned(),
            })
        });
        Ok(entries.collect())
    }

    /// The commits above `commit` that touched one of some paths, the oldest first; of more
    /// than [`COMMITS`] the latest.
    ///
    /// # Errors
    /// git cannot tell.
    pub fn log(&self, commit: &str, paths: &[PathBuf]) -> Result<Vec<Commit>> {
        let mut command = self.command();
        command.args(["-c", "log.showSignature=false", "log", "--reverse"]);
        command.args(["--format=%H%x1f%an%x1f%as%x1f%s", "--no-renames"]);
        command.arg(format!("--max-count={COMMITS}"));
        command.arg(format!("{commit}..HEAD")).arg("--").args(paths);
        let output = finished(command, None)?;
        if !output.status.success() {
            return Err(failed("log", &output));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let read = |line: &str| {
            let mut parts = line.splitn(4, '\u{1f}').map(str::to_owned);
            Some(Commit {
                hash: parts.next()?,
                author: parts.next()?,
                day: parts.next()?,
                subject: parts.next()?,
            })
        };
        Ok(text.lines().filter_map(read).collect())
    }

    /// The contents of blobs by their names.
    ///
    /// # Errors
    /// One of them is not in this clone.
    pub fn contents(&self, blobs: &BTreeSet<&str>) -> Result<HashMap<String, Vec<u8>>> {
        let names: String = blobs.iter().map(|blob| format!("{blob}\n")).collect();
        let mut command = self.command();
        command.args(["cat-file", "--batch"]);
        let output = finished(command, Some(names.into_bytes()))?;
        if !output.status.success() {
            return Err(failed("cat-file", &output));
        }
        // <object> SP <type> SP <size> LF <content> LF, or <object> SP missing LF
        let mut contents = HashMap::new();
        let mut rest = output.stdout.as_slice();
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let about = String::from_utf8_lossy(&rest[..end]).into_owned();
            rest = &rest[end + 1..];
            let mut words = about.split(' ');
            let (Some(blob), Some(_), Some(Ok(size))) = (
                words.next(),
                words.next(),
                words.next().map(str::parse::<usize>),
            ) else {
                return Err(error(format!("this clone lacks the content of a revision file: {about}"))
                    .help(format!("{} --refetch --no-filter; a clone with --filter fetches contents when they are needed, and nothing is fetched here", self.git_fetch())));
            };
            let content = rest
                .get(..size)
                .ok_or_else(|| error("git cat-file ended early"))?;
            contents.insert(blob.to_owned(), content.to_vec());
            rest = rest.get(size + 1..).unwrap_or_default();
        }
        Ok(contents)
    }

    /// Writes a commit's files, of one directory relative to [`Repository::top`], into `to`,
    /// with an index of its own beside it.
    ///
    /// # Errors
    /// The commit has no such directory, or git cannot write the files.
    pub fn export(&self, commit: &str, directory: &Path, to: &Path) -> Result<()> {
        let tree = match directory == Path::new("") {
            true => commit.to_owned(),
            false => format!("{commit}:{}", directory.display()),
        };
        let prefix = format!("--prefix={}/", to.display());
        for arguments in [
            &["read-tree", &tree][..],
            &["checkout-index", "--all", "--force", &prefix][..],
        ] {
            let mut command = self.command();
            command.env("GIT_INDEX_FILE", to.with_extension("index"));
            command.args(arguments);
            let output = finished(command, None)?;
            if !output.status.success() {
                return Err(failed(arguments[0], &output));
            }
        }
        Ok(())
    }

    fn command(&self) -> Command {
        command(&self.top)
    }

    fn run(&self, arguments: &[&str]) -> Result<Output> {
        run(&self.top, arguments, None)
    }

    fn git_fetch(&self) -> String {
        match std::env::current_dir() {
            Ok(here)
                if here
                    .canonicalize()
                    .is_ok_and(|here| here.starts_with(&self.top)) =>
            {
                "git fetch".to_owned()
            }
            _ => format!("git -C '{}' fetch", self.top.display()),
        }
    }

    /// `origin +refs/heads/main:refs/remotes/origin/main`: a clone of one branch knows no
    /// other, so that `git fetch origin main` alone would leave no `origin/main`.
    fn refspec(&self, name: &str) -> String {
        let short = name.strip_prefix("refs/remotes/").unwrap_or(name);
        match short.split_once('/') {
            Some((remote, branch)) if self.remotes().iter().any(|known| known == remote) => {
                format!("{remote} +refs/heads/{branch}:refs/remotes/{remote}/{branch}")
            }
            _ => self
                .remotes()
                .first()
                .cloned()
                .unwrap_or_else(|| "origin".to_owned()),
        }
    }

    fn remotes(&self) -> Vec<String> {
        let output = self
            .run(&["remote"])
            .map(|output| output.stdout)
            .unwrap_or_default();
        String::from_utf8_lossy(&output)
            .lines()
            .map(str::to_owned)
            .collect()
    }

    fn unknown(&self, name: &str) -> HarnessError {
        let found = error(format!("{name} is no commit in {}", self.top.display()));
        let remotes = self.remotes();
        let short = name.strip_prefix("refs/remotes/").unwrap_or(name);
        let of_remote = short.split_once('/').filter(|(remote, branch)| {
            remotes.iter().any(|known| known == remote) && !branch.is_empty()
        });
        match (of_remote, remotes.first()) {
            (Some(_), _) => found.help(format!("{} {}", self.git_fetch(), self.refspec(name))),
            (None, Some(remote)) if !short.contains('/') => found.help(format!("is it a branch of {remote}? {} {}, then {remote}/{name}", self.git_fetch(), self.refspec(&format!("{remote}/{name}")))),
            _ => found.help("name a branch, a tag or a commit of this repository, for instance origin/main; leave it unset where there is none"),
        }
    }
}

/// git in `directory`: asks nothing, fetches nothing, takes paths as they are.
fn command(directory: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(directory)
        .args(["--literal-pathspecs", "-c", "protocol.allow=never"]);
    command.envs([
        ("GIT_OPTIONAL_LOCKS", "0"),
        ("GIT_NO_LAZY_FETCH", "1"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("LC_ALL", "C"),
    ]);
    for variable in LEFT_BEHIND {
        command.env_remove(variable);
    }
    command
}

fn run(directory: &Path, arguments: &[&str], input: Option<Vec<u8>>) -> Result<Output> {
    let mut command = command(directory);
    command.args(arguments);
    finished(command, input)
}

/// Runs a command to its end. What it reads is written beside reading what it writes:
/// pipes hold only so much.
fn finished(mut command: Command, input: Option<Vec<u8>>) -> Result<Output> {
    let stdin = if input.is_some() {
        Stdio::piped()
    } else {
        Stdio::null()
    };
    let child = command
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.map_err(|cause| {
        error(format!("git cannot be started: {cause}")).help(
            "install git, or leave BASE_REF unset: then only the files as they are now are judged",
        )
    })?;
    let pipe = child.stdin.take();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            if let (Some(mut pipe), Some(input)) = (pipe, input) {
                // git ended early: its own error says why.
                let _ = pipe.write_all(&input);
            }
        });
        child
            .wait_with_output()
            .map_err(|cause| error(format!("git did not end: {cause}")))
    })
}

fn no_repository(directory: &Path, output: &Output) -> HarnessError {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if said.contains("dubious ownership") {
        let mut lines = said.lines().map(str::trim);
        let command = lines.find(|line| line.starts_with("git config "));
        let e = error(format!(
            "{} lies in a repository of another user, which git does not read",
            directory.display()
        ));
        return command
            .into_iter()
            .fold(e, HarnessError::command)
            .detail(said.trim_end())
            .help("the `git config --global --add safe.directory ...` above, as the user who runs the tests");
    }
    error(format!(
        "{} lies in no git repository with a working tree",
        directory.display()
    ))
    .detail(said.trim_end())
    .help("leave BASE_REF unset where the services come without their repository, as in an image")
}

fn failed(what: &str, output: &Output) -> HarnessError {
    error(format!("git {what} failed: {}", output.status))
        .detail(String::from_utf8_lossy(&output.stderr).trim_end())
}

fn error(message: impl Into<String>) -> HarnessError {
    HarnessError::new(Stage::Git, message)
}

fn one_line(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned()
}
