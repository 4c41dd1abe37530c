//! The directory in which one run keeps its servers, and what dead runs left behind: [`Run`].
//!
//! ```text
//! <tmp>/migration-harness-<uid>/cache/          initialised data directories, copied installations
//! <memory>/migration-harness-<uid>/runs/<id>.lock   locked by the run for as long as it lives
//! <memory>/migration-harness-<uid>/runs/<id>/       its servers' directories
//! ```
//!
//! `<tmp>` is `TMPDIR`, or `/tmp`. `<memory>` is `/dev/shm` where that has room
//! and nobody has set `TMPDIR`: a server is a thousand small files that live for
//! seconds, which a disk takes five times as long to make. Otherwise it is `<tmp>`.
//!
//! A lock goes with the process that holds it, however that ends. A lock file
//! that can be locked therefore belongs to a dead run, whose directory and
//! servers may be removed.

use std::fs::{File, TryLockError};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::{error, postmaster};
use crate::error::Result;
use crate::process::account::{Account, give};
use crate::process::random;
use crate::process::supervisor::remove_dir;

/// A file of this name in a server's directory keeps it from being swept.
pub(super) const MARK: &str = "kept";

/// Free memory that `/dev/shm` must have to be used: a server takes about 40 MB,
/// and there are about as many at a time as there are cores.
const ROOM: u64 = 2 << 30;

/// The harness's directories for this user, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    cache: PathBuf,
    runs: PathBuf,
}

impl Base {
    /// Makes the directories that are missing.
    ///
    /// # Errors
    /// When one cannot be made, belongs to someone else, is a symbolic link, or
    /// when the servers' user can enter no temporary directory at all.
    pub fn open(account: Option<Account>) -> Result<Self> {
        let enters = |place: &Path| account.is_none_or(|account| account.can_enter(place));
        let places = [std::env::temp_dir(), "/tmp".into(), "/var/tmp".into()];
        let Some(disk) = places.iter().find(|place| enters(place)) else {
            return Err(
                error("the user that runs servers can enter no temporary directory")
                    .detail(format!("tried {places:?} as {account:?}"))
                    .help("set TMPDIR to a directory that every user can enter"),
            );
        };
        let memory = Path::new("/dev/shm");
        let in_memory = std::env::var_os("TMPDIR").is_none() && has_room(memory) && enters(memory);
        // Root's servers run as someone else, who must be able to pass through.
        let mode = if account.is_some() { 0o711 } else { 0o700 };
        Ok(Self {
            cache: own_place(disk, "cache", mode)?,
            runs: own_place(if in_memory { memory } else { disk }, "runs", mode)?,
        })
    }

    /// The files that are kept from run to run.
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// The directory that records which servers were left running; see [`super::kept`].
    ///
    /// # Errors
    /// It cannot be made, or is not ours alone.
    pub fn kept(&self) -> Result<PathBuf> {
        let kept = self.cache.with_file_name("kept");
        own_dir(&kept, rustix::process::geteuid().as_raw(), 0o700)?;
        Ok(kept)
    }
}

/// Tells whether a directory is in memory, with room enough.
fn has_room(dir: &Path) -> bool {
    #[cfg(target_os = "linux")]
    {
        /// `TMPFS_MAGIC`, statfs(2).
        const TMPFS: u64 = 0x0102_1994;
        rustix::fs::statfs(dir).is_ok_and(|fs| {
            let free = fs
                .f_bavail
                .saturating_mul(u64::try_from(fs.f_bsize).unwrap_or(0));
            u64::try_from(fs.f_type).is_ok_and(|kind| kind == TMPFS) && free >= ROOM
        })
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (dir, ROOM);
        false
    }
}

/// `<place>/migration-harness-<uid>/<part>`, ours alone.
fn own_place(place: &Path, part: &str, mode: u32) -> Result<PathBuf> {
    let uid = rustix::process::geteuid().as_raw();
    let dir = place.join(format!("migration-harness-{uid}"));
    own_dir(&dir, uid, mode)?;
    let dir = dir.join(part);
    own_dir(&dir, uid, mode)?;
    Ok(dir)
}

/// Makes `dir`, or makes sure that the one that is there is ours alone.
fn own_dir(dir: &Path, uid: u32, mode: u32) -> Result<()> {
    let failed = |why: &str| {
        error(format!("cannot use {}: {why}", dir.display())).help(format!(
            "remove {} or set TMPDIR to another directory",
            dir.display()
        ))
    };
    match std::fs::DirBuilder::new().mode(mode).create(dir) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(failed(&e.to_string()));
        }
        _ => {}
    }
    let meta = std::fs::symlink_metadata(dir).map_err(|e| failed(&e.to_string()))?;
    if !meta.is_dir() {
        return Err(failed("it is not a directory"));
    }
    if meta.uid() != uid {
        return Err(failed(&format!(
            "it belongs to user {}, not to {uid}",
            meta.uid()
        )));
    }
    if meta.mode() & 0o777 != mode {
        // A umask may have taken bits away; others' write permission goes.
        std::fs::set_permissions(dir, PermissionsExt::from_mode(mode))
            .map_err(|e| failed(&e.to_string()))?;
    }
    Ok(())
}

/// One run of the harness: a directory, and the lock that says it lives.
#[derive(Debug)]
pub struct Run {
    /// Unique among all runs.
    pub id: String,
    /// The parent of its servers' directories; owned by the servers' user.
    pub dir: PathBuf,
    /// The locked file.
    pub lock_path: PathBuf,
    _lock: File,
}

impl Run {
    /// This process's run. The first call sweeps what dead runs left.
    ///
    /// # Errors
    /// When its directory or lock cannot be made.
    pub fn current(base: &Base, account: Option<Account>) -> Result<Arc<Self>> {
        static CURRENT: Mutex<(Weak<Run>, Option<Base>)> = Mutex::new((Weak::new(), None));
        let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(run) = current.0.upgrade() {
            return Ok(run);
        }
        let run = Arc::new(Self::create(base, account)?);
        current.0 = Arc::downgrade(&run);
        if current.1.as_ref() != Some(base) {
            sweep(base);
            current.1 = Some(base.clone());
        }
        Ok(run)
    }

    fn create(base: &Base, account: Option<Account>) -> Result<Self> {
        let failed = |path: &Path, e: std::io::Error| {
            error(format!("cannot create {}: {e}", path.display()))
        };
        for _ in 0..16 {
            let id = random::hex(6).map_err(|e| failed(Path::new("a random name"), e))?;
            let dir = base.runs.join(&id);
            let lock_path = base.runs.join(format!("{id}.lock"));
            let lock = File::options()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&lock_path)
                .map_err(|e| failed(&lock_path, e))?;
            // A sweep may have got hold of the file before it was locked.
            let ours = lock.try_lock().is_ok()
                && std::fs::metadata(&lock_path)
                    .is_ok_and(|now| lock.metadata().is_ok_and(|then| then.ino() == now.ino()));
            if !ours {
                continue;
            }
            let run = Self {
                id,
                dir,
                lock_path,
                _lock: lock,
            };
            std::fs::DirBuilder::new()
                .mode(0o700)
                .create(&run.dir)
                .and_then(|()| give(&run.dir, account))
                .map_err(|e| failed(&run.dir, e))?;
            return Ok(run);
        }
        Err(error("cannot lock a file of its own in the run directory"))
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // Anything that is not empty is left to the next run's sweep, never lost.
        let _ = std::fs::remove_dir(&self.dir);
        let _ = std::fs::remove_file(&self.lock_path);
    }
}

/// Tells whether the run that locked `lock_path` is certainly dead.
pub fn is_dead(lock_path: &Path) -> bool {
    match File::options().write(true).open(lock_path) {
        Ok(file) => file.try_lock().is_ok(),
        Err(e) => {
            e.kind() == std::io::ErrorKind::NotFound && lock_path.parent().is_some_and(Path::is_dir)
        }
    }
}

/// Removes what dead runs left. What cannot be removed waits for the next sweep.
fn sweep(base: &Base) {
    let Ok(entries) = std::fs::read_dir(&base.runs) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        let is_lock = path.extension().is_some_and(|ext| ext == "lock");
        let (lock_path, dir) = (path.with_extension("lock"), path.with_extension(""));
        if !is_lock && lock_path.exists() {
            continue; // its lock file comes by itself
        }
        let lock = match File::options().write(true).open(&lock_path) {
            Ok(lock) => match lock.try_lock() {
                Ok(()) => Some(lock),
                Err(TryLockError::WouldBlock | TryLockError::Error(_)) => continue,
            },
            // The lock is made before the directory and removed after it.
            Err(_) if !is_lock => None,
            Err(_) => continue,
        };
        if sweep_run(&dir).is_ok() && lock.is_some() {
            let _ = std::fs::remove_file(&lock_path);
        }
    }
}

/// Ends the servers of a dead run and removes their directories, but for those that
/// somebody asked to be kept.
fn sweep_run(dir: &Path) -> Result<()> {
    let servers: Vec<PathBuf> = std::fs::read_dir(dir)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    let (kept, servers): (Vec<PathBuf>, Vec<PathBuf>) = servers
        .into_iter()
        .partition(|server| server.join(MARK).exists());
    for server in servers {
        postmaster::end(&server.join("data"));
        postmaster::remove_segment(&server.join("data"));
        if !kept.is_empty() {
            remove_dir(&server)?;
        }
    }
    if kept.is_empty() {
        remove_dir(dir)
    } else {
        Ok(())
    }
}

/// Tells whether somebody asked for the server `name` of the run that locked `lock_path` to
/// be kept. Where this user may not look, it is another user's to sweep.
pub fn is_kept(lock_path: &Path, name: &str) -> bool {
    let mark = lock_path.with_extension("").join(name).join(MARK);
    mark.try_exists().unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_held_is_not_dead_and_a_missing_one_is() {
        let dir = tempfile::tempdir().unwrap_or_else(|e| unreachable!("{e}"));
        let path = dir.path().join("x.lock");
        assert!(is_dead(&path));
        let file = File::create(&path).unwrap_or_else(|e| unreachable!("{e}"));
        assert!(file.try_lock().is_ok());
        assert!(!is_dead(&path));
        drop(file);
        assert!(is_dead(&path));
    }

    #[test]
    fn a_directory_of_someone_else_or_a_link_is_refused() {
        let dir = tempfile::tempdir().unwrap_or_else(|e| unreachable!("{e}"));
        let uid = rustix::process::geteuid().as_raw();
        let link = dir.path().join("link");
        assert!(std::os::unix::fs::symlink("/", &link).is_ok());
        assert!(own_dir(&link, uid, 0o700).is_err());
        assert!(own_dir(dir.path(), uid + 1, 0o700).is_err());
        assert!(own_dir(&dir.path().join("new"), uid, 0o700).is_ok());
    }
}
