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
