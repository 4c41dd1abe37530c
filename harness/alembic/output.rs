//! The output of an interpreter: kept in a file, within bounds, and its end in memory.

use std::collections::VecDeque;
use std::io::{self, PipeWriter};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe::Receiver;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// The file holds this much at the most; the rest is read and dropped, so that a
/// service that prints without end neither blocks nor fills the disk.
const FILE_BYTES: usize = 4 << 20;
/// The end that is kept in memory.
const TAIL_BYTES: usize = 8 << 10;
/// Lines of the end that an error shows.
const TAIL_LINES: usize = 20;

/// Collects both streams of a process until they close.
pub struct Output {
    file: PathBuf,
    tail: Arc<Mutex<VecDeque<u8>>>,
    readers: Vec<JoinHandle<()>>,
}

impl Output {
    /// Starts to collect into `file`; the two ends are for a child's stdout and stderr.
    ///
    /// # Errors
    /// No pipe can be made.
    pub fn collect(file: PathBuf) -> io::Result<(Self, [PipeWriter; 2])> {
        let tail = Arc::new(Mutex::new(VecDeque::new()));
        let (stdout_reader, stdout) = io::pipe()?;
        let (stderr_reader, stderr) = io::pipe()?;
        let mut readers = Vec::new();
        for reader in [stdout_reader, stderr_reader] {
            let reader = Receiver::from_owned_fd(reader.into())?;
            readers.push(tokio::spawn(drain(reader, file.clone(), Arc::clone(&tail))));
        }
        Ok((
            Self {
                file,
                tail,
                readers,
            },
            [stdout, stderr],
        ))
    }

    /// The file that holds it.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Its last lines.
    #[must_use]
    pub fn tail(&self) -> Vec<String> {
        let tail: Vec<u8> = self
            .tail
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .copied()
            .collect();
        let text = String::from_utf8_lossy(&tail);
        let lines: Vec<&str> = text.lines().collect();
        lines
            .iter()
            .skip(lines.len().saturating_sub(TAIL_LINES))
            .map(|line| (*line).to_owned())
            .collect()
    }

    /// Waits a moment for what a process that has ended left in its pipes.
    pub async fn settle(&mut self) {
        for reader in &mut self.readers {
            // A daemon may hold the pipe open; then what came until now has to do.
            let _ = timeout(Duration::from_millis(500), reader).await;
        }
        self.readers.clear();
    }
}

async fn drain(mut stream: impl AsyncRead + Unpin, file: PathBuf, tail: Arc<Mutex<VecDeque<u8>>>) {
    let mut file = File::options()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(file)
        .await
        .ok();
    let (mut buffer, mut written) = ([0_u8; 8192], 0);
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        let bytes = &buffer[..count];
        if written < FILE_BYTES {
            written += count;
            if let Some(file) = &mut file {
                // A full disk must not stop the service: its output is a convenience.
                let _ = file.write_all(bytes).await;
                let _ = file.flush().await;
            }
        }
        let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.extend(bytes);
        let surplus = tail.len().saturating_sub(TAIL_BYTES);
        tail.drain(..surplus);
    }
}
