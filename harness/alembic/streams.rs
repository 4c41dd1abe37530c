//! The ways out of a new interpreter: [`Streams`].

use std::os::fd::OwnedFd;
use std::path::PathBuf;

/// The descriptor of the worker's socket; the number is the child's, not ours.
pub(super) const CHANNEL: i32 = 3;

/// The streams of a new interpreter.
pub struct Streams {
    /// The worker's end of the channel.
    pub channel: OwnedFd,
    /// Its standard output.
    pub stdout: OwnedFd,
    /// Its standard error.
    pub stderr: OwnedFd,
    /// The file to which it writes its stack when asked.
    pub stack: PathBuf,
}
