//! Judges the Alembic migrations of every service in a monorepo, each on a fresh,
//! disposable PostgreSQL, as plain `cargo test` results.
//!
//! Data goes one way; each stage imports only those before it:
//!
//! ```text
//! services-manifest/*.toml
//!     -> manifest    what a service is, validated
//!     -> postgres    a fresh, disposable server
//!     -> alembic     the revision graph, read without Python, and a worker that
//!                    drives Alembic inside the service's own interpreter
//!     -> evidence    plain data
//!     -> gather      from a service to its evidence
//!     -> criteria    pure functions: evidence -> verdict
//!     -> report      the only place that lays out text
//! ```
//!
//! [`run`] ties them together, one test case per criterion and service. A crate
//! that wants those cases writes a test with `harness = false` that consists of
//! `migration_harness::services!();`.

pub mod alembic;
#[cfg(test)]
#[allow(clippy::panic)]
mod comments;
pub mod criteria;
#[cfg(feature = "program")]
pub mod discover;
pub mod error;
pub mod evidence;
mod files;
pub mod gather;
pub mod git;
pub mod installed;
pub mod invocation;
pub mod manifest;
mod named;
pub mod patch;
pub mod planting;
pub mod postgres;
pub mod process;
mod quoting;
pub mod report;
#[cfg(test)]
#[allow(clippy::panic)]
mod rooms;
pub mod run;
pub mod schema;
#[cfg(test)]
mod testing;
mod text;

/// The test binary's `main`: one case per criterion and service of the manifest.
#[macro_export]
macro_rules! services {
    () => {
        fn main() -> ::std::process::ExitCode {
            $crate::run::main()
        }
    };
}
