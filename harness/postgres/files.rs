//! Files and directories that are made once, copied and kept from other users.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{error, postmaster};
use crate::error::Result;
use crate::process::account::{Account, give};
use crate::process::supervisor::remove_dir;

/// The modes that a copy gets.
#[derive(Debug, Clone, Copy)]
pub enum Modes {
    /// For the owner alone, who is this user where it is another one.
    Private(Option<Account>),
    /// To be read, and run where the source can be, by everyone.
    Shared,
}

/// Makes `target` once for all processes: `make` fills a directory beside it,
/// which is renamed into place when it is complete.
///
/// # Errors
/// The error of `make`, or that another process holds the lock for `patience`.
pub async fn once(
    target: &Path,
    patience: Duration,
    make: impl AsyncFnOnce(&Path) -> Result<()>,
) -> Result<()> {
    if target.is_dir() {
        return Ok(());
    }
    let failed =
        |path: &Path, e: std::io::Error| error(format!("cannot create {}: {e}", path.display()));
    let lock = lock_of(target)?;
    let deadline = Instant::now() + patience;
    while lock.try_lock().is_err() {
        if Instant::now() > deadline {
            return Err(error(format!(
                "another run has been making {} for {} s",
                target.display(),
                patience.as_secs()
            )));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    if target.is_dir() {
        return Ok(());
    }
    // Under the lock a directory that is there was left by a run that died.
    let draft = beside(target, "draft");
    discard(&draft)?;
    std::fs::DirBuilder::new()
        .mode(0o711)
        .create(&draft)
        .map_err(|e| failed(&draft, e))?;
    let made = make(&draft).await;
    let placed = made.and_then(|()| std::fs::rename(&draft, target).map_err(|e| failed(target, e)));
    if placed.is_err() {
        discard(&draft)?;
    }
    placed
}

/// Removes what was not finished, with what a killed `initdb` left elsewhere.
pub(super) fn discard(draft: &Path) -> Result<()> {
    postmaster::remove_segment(&draft.join("data"));
    remove_dir(draft)
}

/// The lock that is held by who makes or removes `target`, and shared by those who copy it. The
/// file stays, so that everyone locks the same one.
pub(super) fn lock_of(target: &Path) -> Result<File> {
    let path = beside(target, "lock");
    File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|e| error(format!("cannot create {}: {e}", path.display())))
}

pub(super) fn beside(target: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}.{suffix}", target.display()))
}

/// The number of files in a tree.
pub(super) fn count(dir: &Path) -> std::io::Result<usize> {
    std::fs::read_dir(dir)?.try_fold(0, |sum, entry| {
        let entry = entry?;
        let is_dir = entry.file_type()?.is_dir();
        Ok(sum + if is_dir { count(&entry.path())? } else { 1 })
    })
}

/// Writes a file that only its owner can read.
pub fn write_private(path: &Path, text: &str, account: Option<Account>) -> std::io::Result<()> {
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    give(path, account)
}

/// Copies a file by reading it whole, which costs least for small ones, as nearly all are.
fn copy_file(
    source: &Path,
    target: &Path,
    mode: u32,
    account: Option<Account>,
) -> std::io::Result<()> {
    let bytes = std::fs::read(source)?;
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(target)?;
    file.write_all(&bytes)?;
    if let Some(account) = account {
        fchown(&file, Some(account.uid), Some(account.gid))?;
    }
    if mode & 0o077 != 0 {
        // The umask took something away.
        file.set_permissions(PermissionsExt::from_mode(mode))?;
    }
    Ok(())
}

/// Copies a directory tree and returns the number of files in it. Links are
/// copied as what they lead to.
///
/// # Errors
/// Whatever the file system returns.
pub fn copy_tree(from: &Path, to: &Path, modes: Modes) -> std::io::Result<usize> {
    let (dir_mode, account) = match modes {
        Modes::Private(account) => (0o700, account),
        Modes::Shared => (0o755, None),
    };
    std::fs::DirBuilder::new().mode(dir_mode).create(to)?;
    std::fs::set_permissions(to, PermissionsExt::from_mode(dir_mode))?;
    let mut files = 0;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let meta = std::fs::metadata(&source)?;
        if meta.is_dir() {
            files += copy_tree(&source, &target, modes)?;
        } else if meta.is_file() {
            let mode = match modes {
                Modes::Private(_) => meta.mode() & 0o700,
                Modes::Shared if meta.mode() & 0o111 == 0 => 0o644,
                Modes::Shared => 0o755,
            };
            copy_file(&source, &target, mode, account)?;
            files += 1;
        }
    }
    give(to, account)?;
    Ok(files)
}

/// The last lines of a file, or nothing. Reads no more than its last 64 KiB.
pub(super) fn tail(path: &Path, lines: usize) -> Vec<String> {
    use std::io::{Read, Seek, SeekFrom};
    let Ok(mut file) = std::fs::File::open(path) else {
        return Vec::new();
    };
    let length = file.metadata().map_or(0, |meta| meta.len());
    let mut bytes = Vec::new();
    let _ = file.seek(SeekFrom::Start(length.saturating_sub(64 * 1024)));
    let _ = file.take(64 * 1024).read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..]
        .iter()
        .map(|line| (*line).to_owned())
        .collect()
}
