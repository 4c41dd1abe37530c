//! Data directories: initialised once per installation, copied per server.
//!
//! `initdb` takes half a second, a copy of its result a tenth
//! (<https://www.postgresql.org/docs/current/app-initdb.html>). Whatever is made
//! once for all runs is made by [`once`].

use std::ffi::OsString;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::binaries::Installation;
use super::files::{Modes, copy_tree, count, discard, lock_of, once, tail, write_private};
use super::run::Base;
use super::{error, scram};
use crate::error::Result;
use crate::process::account::{Account, give};
use crate::process::random;
use crate::process::supervisor::{Ending, SupervisedProcess, SupervisedSpec, remove_dir};

/// The time that `initdb` may take, another run's included.
const INITDB: Duration = Duration::from_secs(60);

/// Told apart from what an earlier version of [`initdb`] made.
const LAYOUT: u32 = 2;

/// Copies the initialised data directory of `installation` to `to`, for a server of its
/// own, and returns the superuser's password in it. Makes it where it is not there yet.
///
/// # Errors
/// When `initdb` fails, with what it printed, or the copy does not get complete.
pub async fn copy(
    base: &Base,
    installation: &Installation,
    account: Option<Account>,
    to: &Path,
) -> Result<String> {
    for _ in 0..2 {
        let template = template(base, installation, account).await?;
        let target = to.to_owned();
        let copying = move || copy_whole(&template, &target, account);
        let copied = tokio::task::spawn_blocking(copying)
            .await
            .map_err(|e| error(format!("copying a data directory stopped: {e}")))?;
        if let Some(password) = copied? {
            return Ok(password);
        }
    }
    Err(error(format!(
        "the data directory in {} does not stay complete",
        base.cache().display()
    )))
}

/// The directory that holds the initialised data directory of `installation`, never
/// started itself, with the superuser's password and the number of files beside it.
///
/// # Errors
/// When `initdb` fails, with what it printed.
pub async fn template(
    base: &Base,
    installation: &Installation,
    account: Option<Account>,
) -> Result<PathBuf> {
    let key = installation.key()?;
    let dir = base.cache().join(format!("template-{key}-{LAYOUT}"));
    once(&dir, INITDB, async |target: &Path| {
        initdb(installation, target, account).await
    })
    .await?;
    Ok(dir)
}

/// Copies a template while nobody may replace it, so that the password is the one of the
/// files. `None` where something that tidies temporary directories has been there: what
/// is left of it is removed, to be made again.
fn copy_whole(template: &Path, to: &Path, account: Option<Account>) -> Result<Option<String>> {
    let failed = |e: std::io::Error| error(format!("cannot copy {}: {e}", template.display()));
    let lock = lock_of(template)?;
    lock.lock_shared().map_err(failed)?;
    let read = |name: &str| std::fs::read_to_string(template.join(name)).ok();
    let files: Option<usize> = read("files").and_then(|text| text.parse().ok());
    if let (Some(files), Some(password)) = (files, read("password")) {
        match copy_tree(&template.join("data"), to, Modes::Private(account)) {
            Ok(copied) if copied == files => return Ok(Some(password)),
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(failed(e)),
            Ok(_) | Err(_) => remove_dir(to)?,
        }
    }
    drop(lock);
    discard_unused(template)?;
    Ok(None)
}

/// Removes a template, unless somebody is just copying or making it.
fn discard_unused(template: &Path) -> Result<()> {
    let lock = lock_of(template)?;
    if lock.try_lock().is_ok() {
        discard(template)?;
    }
    Ok(())
}

/// Makes the files that `initdb` needs in `dir`, and the empty directory of the data.
fn prepare(
    installation: &Installation,
    dir: &Path,
    account: Option<Account>,
) -> std::io::Result<()> {
    let password = random::hex(16)?;
    write_private(&dir.join("password"), &password, None)?;
    let origin = installation.bin.to_string_lossy();
    write_private(&dir.join("origin"), &origin, None)?;
    // Read by initdb as the servers' user; gone afterwards.
    let secret = scram::secret(&password, scram::Rounds::One)?;
    write_private(&dir.join("pwfile"), &secret, account)?;
    let data = dir.join("data");
    std::fs::DirBuilder::new().mode(0o700).create(&data)?;
    give(&data, account)
}

/// Runs `initdb` into `dir/data`, with a random password kept in `dir/password`.
async fn initdb(installation: &Installation, dir: &Path, account: Option<Account>) -> Result<()> {
    dir.parent().map(prune);
    let failed = |e: std::io::Error| error(format!("cannot prepare {}: {e}", dir.display()));
    prepare(installation, dir, account).map_err(failed)?;
    let (data, pwfile) = (dir.join("data"), dir.join("pwfile"));
    let log_path = dir.join("initdb.log");
    let log = File::create(&log_path).map_err(failed)?;

    let program = installation.bin.join("initdb");
    let mut spec = SupervisedSpec::new(&program, dir, Ending::Kill)
        .args(["--pgdata".as_ref(), data.as_os_str()])
        .args(["--pwfile".as_ref(), pwfile.as_os_str()])
        .args([
            "--username=postgres",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
        ])
        .args(["--wal-segsize=1", "--no-sync", "--no-instructions"]);
    spec.stdout = log.try_clone().map_err(failed)?.into();
    spec.stderr = log.into();
    spec.account = account;
    spec.env = Some(environment());
    let supervised = SupervisedProcess::spawn(spec).await?;
    let status = supervised.exited(INITDB).await;
    supervised.end().await?;
    std::fs::remove_file(&pwfile).map_err(failed)?;
    let said = |message: String| {
        let mut e = error(message);
        for line in tail(&log_path, 20) {
            e = e.detail(line);
        }
        e.help(format!(
            "run `{} -D <directory>` by hand to see why",
            program.display()
        ))
    };
    match status {
        Some(0) if data.join("PG_VERSION").is_file() => {
            trim_conf(&data).map_err(failed)?;
            let files = count(&data).map_err(failed)?;
            write_private(&dir.join("files"), &files.to_string(), None).map_err(failed)
        }
        Some(0) => Err(said(format!(
            "`{}` made no data directory",
            program.display()
        ))),
        Some(status) => Err(said(format!(
            "`{}` failed with status {status}",
            program.display()
        ))),
        None => Err(said(format!(
            "`{}` did not finish within {} s",
            program.display(),
            INITDB.as_secs()
        ))),
    }
}

/// Removes the templates of programs that are no longer there.
fn prune(cache: &Path) {
    for entry in std::fs::read_dir(cache).into_iter().flatten().flatten() {
        let origin = std::fs::read_to_string(entry.path().join("origin"));
        if origin.is_ok_and(|bin| !Path::new(&bin).join("postgres").exists()) {
            // Anything that cannot be removed is tried again when the next one is made.
            let _ = discard_unused(&entry.path());
        }
    }
}

/// PostgreSQL reads defaults from `PG*` variables, the locale from `LC_*`, the
/// time zone from `TZ`; a server must not depend on the shell it comes from.
pub fn environment() -> Vec<(OsString, OsString)> {
    std::env::vars_os()
        .filter(|(name, _)| {
            let name = name.to_string_lossy();
            ["PATH", "HOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"].contains(&&*name)
        })
        .chain([("LC_ALL".into(), "C".into()), ("TZ".into(), "UTC".into())])
        .collect()
}

/// Takes out of `postgresql.conf` what servers are told by arguments: at each
/// reload PostgreSQL would complain about the difference.
fn trim_conf(data: &Path) -> std::io::Result<()> {
    let path = data.join("postgresql.conf");
    let text = std::fs::read_to_string(&path)?;
    let ours = [
        "shared_buffers",
        "dynamic_shared_memory_type",
        "max_wal_size",
        "lc_messages",
    ];
    let kept: Vec<&str> = text
        .lines()
        .filter(|line| !ours.iter().any(|name| line.starts_with(name)))
        .collect();
    std::fs::write(path, kept.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A template of one file, as `initdb` leaves it.
    fn template(dir: &Path) -> std::io::Result<PathBuf> {
        let template = dir.join("template");
        std::fs::create_dir_all(template.join("data"))?;
        std::fs::write(template.join("data/PG_VERSION"), "15")?;
        std::fs::write(template.join("password"), "secret")?;
        std::fs::write(template.join("files"), "1")?;
        Ok(template)
    }

    #[test]
    fn a_template_is_copied_whole_or_removed() -> Result<(), Box<dyn std::error::Error>> {
        let dir = tempfile::tempdir()?;
        let template = template(dir.path())?;
        let password = copy_whole(&template, &dir.path().join("a"), None)?;
        assert_eq!(password.as_deref(), Some("secret"));
        assert_eq!(std::fs::read(dir.path().join("a/PG_VERSION"))?, b"15");

        std::fs::remove_file(template.join("data/PG_VERSION"))?;
        assert_eq!(copy_whole(&template, &dir.path().join("b"), None)?, None);
        assert!(!template.exists());
        Ok(())
    }

    #[test]
    fn a_template_that_is_being_copied_stays() -> Result<(), Box<dyn std::error::Error>> {
        let dir = tempfile::tempdir()?;
        let template = template(dir.path())?;
        let copying = lock_of(&template)?;
        copying.lock_shared()?;
        discard_unused(&template)?;
        assert!(template.exists());
        drop(copying);
        discard_unused(&template)?;
        assert!(!template.exists());
        Ok(())
    }
}
