//! `discover <ROOT>`: writes a manifest for the monorepo in a directory.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use migration_harness::discover::{Request, discover};
use migration_harness::manifest::DIRECTORY_VARIABLE;
use migration_harness::report;

/// Finds every Alembic environment below a directory and writes a manifest for them.
/// Nothing of what is found is run.
#[derive(Parser)]
struct Arguments {
    /// The monorepo
    root: PathBuf,
    /// Where the manifest goes [default: SERVICES_MANIFEST, or <ROOT>/services-manifest]
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// Replace files that exist
    #[arg(long)]
    force: bool,
    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
}

fn main() -> ExitCode {
    let Arguments {
        root,
        to,
        force,
        dry_run,
    } = Arguments::parse();
    let named = std::env::var_os(DIRECTORY_VARIABLE).filter(|named| !named.is_empty());
    let to = to.or(named.map(PathBuf::from));
    let request = Request {
        root,
        to,
        force,
        dry_run,
    };
    match discover(&request) {
        Ok(discovery) => {
            print!("{}", report::discovery::text(&request, &discovery));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}", report::error(&error, None));
            ExitCode::FAILURE
        }
    }
}
