//! What an Alembic environment says without Python: where its revisions are
//! ([`script_location`]), what each file declares ([`revision_file`]), and the [`graph`]
//! they form. Also the [`error`] that every stage of the harness returns.
//!
//! A package of its own so that it is optimised where the rest is not: a history has
//! thousands of files, and `cargo test` builds with the dev profile.

pub mod error;
pub mod graph;
pub mod revision_file;
pub mod script_location;

use std::sync::LazyLock;
use std::thread;

/// How many cores this process may use. Asking the system takes a dozen files of it, so it
/// is asked once.
#[must_use]
pub fn cores() -> usize {
    static CORES: LazyLock<usize> =
        LazyLock::new(|| thread::available_parallelism().map_or(1, usize::from));
    *CORES
}
