//! The cores that a run may use, and which of them are in use: [`CorePermits`].

use std::fs::File;
use std::path::{Path, PathBuf};

/// The cores that a run may use, as files in its directory: whoever uses one holds the
/// lock of a file, which goes with its process, however that ends.
#[derive(Debug)]
pub struct CorePermits {
    files: Vec<PathBuf>,
}

/// A core that is in use for as long as this lives.
#[derive(Debug)]
pub struct Core {
    _lock: File,
}

impl CorePermits {
    /// `count` cores for the run with its files in `run`.
    #[must_use]
    pub fn new(run: &Path, count: usize) -> Self {
        let file = |number| run.join(format!("core-{number}"));
        Self {
            files: (0..count).map(file).collect(),
        }
    }

    /// One that nobody uses.
    #[must_use]
    pub fn try_acquire(&self) -> Option<Core> {
        self.files.iter().find_map(|file| {
            let lock = File::create(file).ok()?;
            lock.try_lock().ok().map(|()| Core { _lock: lock })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_are_taken_than_there_are() -> std::io::Result<()> {
        let run = tempfile::tempdir()?;
        let (cores, beside) = (
            CorePermits::new(run.path(), 2),
            CorePermits::new(run.path(), 2),
        );
        let (first, second) = (cores.try_acquire(), beside.try_acquire());
        assert!(first.is_some() && second.is_some());
        assert!(cores.try_acquire().is_none() && beside.try_acquire().is_none());
        drop(first);
        assert!(beside.try_acquire().is_some());
        Ok(())
    }
}
