//! Servers that `KEEP_SERVER=1` leaves running: [`Kept`].
//!
//! Each has a directory of its own, for its owner only:
//!
//! ```text
//! <tmp>/migration-harness-<uid>/kept/<name>/service.conf   how psql reaches it
//! <tmp>/migration-harness-<uid>/kept/<name>/remove         removes the server and this directory
//! <tmp>/migration-harness-<uid>/kept/<name>/gone           succeeds if the server is certainly gone
//! <tmp>/migration-harness-<uid>/kept/<name>/about          what it is, in one line
//! ```
//!
//! A sweep leaves it alone; every later run says that it is there.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::error;
use super::files::write_private;
use super::run::{Base, MARK};
use crate::error::Result;
use crate::named::named_enum;
use crate::process::account::Account;
use crate::process::random;
use crate::process::supervisor::remove_dir;

/// A server that was left running, and what to type about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// A description in one line.
    pub about: String,
    /// Its databases.
    pub open: Vec<KeptDatabase>,
    /// The command that removes it.
    pub remove: String,
}

/// A database that was left, and how to look at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptDatabase {
    /// The part of a session that it shows.
    pub phase: Phase,
    /// Its name for people.
    pub label: String,
    /// The command that opens it.
    pub command: String,
}

named_enum! {
/// A part of a session, each with a database of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// The upgrade in one go.
    UpgradeHead = "upgrade_head",
    /// The same history, one revision per Alembic context.
    OneAtATime = "one_at_a_time",
    /// The same, each step in an interpreter of its own.
    EachStepApart = "each_step_apart",
    /// Each revision up, down and up again.
    UpAndDown = "up_and_down",
    /// The models.
    Models = "models",
    /// The deployed database, which is the template of others.
    Deployed = "deployed",
    /// A deployment on tables that hold rows.
    Rows = "rows",
    /// A deployment beside the running release.
    Running = "running",
}
}

/// A database of the harness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The part of a session that it shows.
    pub phase: Phase,
    /// Tells the second database of a phase, which was in use when the session ended.
    pub is_end: bool,
    /// The database.
    pub database: String,
}

impl Shown {
    /// Its name for people.
    fn label(&self) -> String {
        let end = if self.is_end { "_end" } else { "" };
        format!("{}{end}", self.phase)
    }
}

/// The address of a server once the harness has ended.
pub(super) struct Address {
    /// libpq's parameters, but for the database
    /// (<https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS>).
    pub parameters: Vec<(&'static str, String)>,
    /// The database from which others are dropped.
    pub maintenance: String,
}

/// A provider's instructions for removing a server that is kept.
pub(super) struct Removal {
    /// A line of shell that removes it; without what `kept/` holds of it.
    pub remove: String,
    /// A line of shell that succeeds if it is certainly gone.
    pub gone: String,
    /// The path of `psql`.
    pub psql: PathBuf,
}

/// The record of a server; removed again unless it is [`Record::finished`].
pub(super) struct Record {
    directory: Option<PathBuf>,
    kept: Kept,
}

impl Record {
    /// Writes down how a server is opened and removed. It is not kept by that yet.
    pub fn write(
        about: &str,
        address: &Address,
        stages: &[Shown],
        removal: &Removal,
    ) -> Result<Self> {
        let name = random::hex(4).map_err(|e| error(format!("no random name: {e}")))?;
        let directory = directory()?.join(name);
        let failed =
            |e: std::io::Error| error(format!("cannot write {}: {e}", directory.display()));
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&directory)
            .map_err(failed)?;
        let mut record = Self {
            kept: kept(about, &directory, stages, removal),
            directory: Some(directory.clone()),
        };
        let since = OffsetDateTime::now_utc();
        record.kept.about = format!(
            "{about}, since {} {:02}:{:02} UTC",
            since.date(),
            since.hour(),
            since.minute()
        );
        let quoted = quoted(&directory);
        let remove = format!(
            "#!/bin/sh\n# Removes what KEEP_SERVER=1 left running: {}.\nset -eu\n{}\nrm -rf -- {quoted}\n",
            about.replace('\n', " "),
            removal.remove
        );
        let files = [
            ("service.conf", services(address, stages)),
            ("remove", remove),
            ("gone", format!("#!/bin/sh\n{}\n", removal.gone)),
            ("about", record.kept.about.clone()),
        ];
        for (file, text) in files {
            write_private(&directory.join(file), &text, None).map_err(failed)?;
        }
        for script in ["remove", "gone"] {
            let mode = fs::Permissions::from_mode(0o700);
            fs::set_permissions(directory.join(script), mode).map_err(failed)?;
        }
        Ok(record)
    }

    /// The server is kept from now on.
    pub fn finished(mut self) -> Kept {
        self.directory = None;
        self.kept.clone()
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if let Some(directory) = self.directory.take() {
            // Without its server it says nothing that the next run would not remove.
            let _ = remove_dir(&directory);
        }
    }
}

fn kept(about: &str, directory: &Path, stages: &[Shown], removal: &Removal) -> Kept {
    let services = quoted(directory.join("service.conf"));
    let psql = quoted(&removal.psql);
    let open = |stage: &Shown| {
        let label = stage.label();
        KeptDatabase {
            phase: stage.phase,
            command: format!("PGSERVICEFILE={services} {psql} service={label}"),
            label,
        }
    };
    Kept {
        about: about.to_owned(),
        open: stages.iter().map(open).collect(),
        remove: format!("sh {}", quoted(directory.join("remove"))),
    }
}

/// A connection service file
/// (<https://www.postgresql.org/docs/current/libpq-pgservice.html>): the password is in
/// no process list.
fn services(address: &Address, stages: &[Shown]) -> String {
    let section = |label: &str, database: &str| {
        let parameters = address.parameters.iter();
        let lines: String = parameters
            .map(|(name, value)| format!("{name}={value}\n"))
            .collect();
        format!("[{label}]\n{lines}dbname={database}\n")
    };
    let all = stages
        .iter()
        .map(|stage| section(&stage.label(), &stage.database));
    all.chain([section("maintenance", &address.maintenance)])
        .collect::<Vec<_>>()
        .join("\n")
}

/// Keeps a server's directory from being swept.
pub(super) fn mark(directory: &Path) -> Result<()> {
    let mark = directory.join(MARK);
    let failed = |e: std::io::Error| error(format!("cannot write {}: {e}", mark.display()));
    write_private(&mark, "", None).map_err(failed)
}

/// The directory of the records.
fn directory() -> Result<PathBuf> {
    Base::open(Account::for_servers().ok().flatten())?.kept()
}

/// One line per server that an earlier run left; what is gone is tidied away.
#[must_use]
pub fn notes() -> Vec<String> {
    let records = directory().ok().and_then(|kept| kept.read_dir().ok());
    let mut notes = Vec::new();
    for record in records
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
    {
        // Without `about` another process is about to write it.
        let Ok(about) = fs::read_to_string(record.join("about")) else {
            continue;
        };
        if runs(&record.join("gone")) {
            runs(&record.join("remove"));
            continue;
        }
        notes.push(format!(
            "kept by KEEP_SERVER: {}; remove it: sh {}",
            about.trim(),
            quoted(record.join("remove"))
        ));
    }
    notes.sort();
    notes
}

fn runs(script: &Path) -> bool {
    Command::new("/bin/sh")
        .arg(script)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A word for a shell, in quotes where it needs them.
#[must_use]
pub fn quoted(word: impl AsRef<Path>) -> String {
    let word = word.as_ref().to_string_lossy();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-./:=@%+,".contains(letter);
    match word.chars().all(plain) && !word.is_empty() {
        true => word.into_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// The path of `psql`: on `PATH`, or else in a directory of PostgreSQL's programs.
pub(super) fn psql(bin: Option<&Path>) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|dir| dir.join("psql").is_file()) {
        return Some("psql".into());
    }
    bin.map(|bin| bin.join("psql"))
        .filter(|psql| psql.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_split_them() {
        assert_eq!(quoted("/tmp/a-1/service.conf"), "/tmp/a-1/service.conf");
        assert_eq!(quoted("/tmp/it's here"), r"'/tmp/it'\''s here'");
    }
}
