//! An Alembic environment, read without Python: where its revisions are
//! ([`script_location`]), what each file declares ([`revision_file`]), and the [`graph`]
//! they form.
//!
//! A package of its own so that it is optimised where the rest is not: a history has
//! thousands of files, and `cargo test` builds with the dev profile.

pub mod behaviour;
pub mod error;
pub mod graph;
pub mod imports;
pub mod revision;
pub mod revision_file;
pub mod script_location;

use std::sync::LazyLock;
use std::thread;

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

use error::{Error, Result};

/// More threads than this are not worth their start.
const MOST_THREADS: usize = 8;

/// The number of cores that this process may use. Asking the system takes a dozen files of
/// it, so it is asked once.
#[must_use]
pub fn cores() -> usize {
    static CORES: LazyLock<usize> =
        LazyLock::new(|| thread::available_parallelism().map_or(1, usize::from));
    *CORES
}

/// The threads for what keeps several cores busy; their stacks hold what parsing needs
/// ([`revision_file::STACK`]). They stay, because where a thread is started it can take
/// longer until it runs than it has to do.
///
/// # Errors
/// No threads can be had.
pub fn pool() -> Result<&'static ThreadPool> {
    static POOL: LazyLock<Result<ThreadPool, ThreadPoolBuildError>> = LazyLock::new(|| {
        ThreadPoolBuilder::new()
            .num_threads(cores().min(MOST_THREADS))
            // A thread that waits for another's files takes up those of the next history.
            .stack_size(2 * revision_file::STACK)
            // A thread that waits for what it was to do learns that there is nothing.
            .panic_handler(drop)
            .thread_name(|number| format!("reader-{number}"))
            .build()
    });
    POOL.as_ref()
        .map_err(|cause| Error::new(format!("no threads to read files: {cause}")))
}
