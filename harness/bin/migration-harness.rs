//! `migration-harness`: the test cases, `discover` and the report as one program.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand};
use migration_harness::discover::{Request, discover};
use migration_harness::invocation::{Invocation, VERIFY};
use migration_harness::manifest::DIRECTORY_VARIABLE;
use migration_harness::report::outputs::Output;
use migration_harness::{criteria, report, run};

/// Judges the Alembic migrations of every service in a monorepo, each on a fresh PostgreSQL
#[derive(Parser)]
#[command(
    version,
    after_help = "start with: migration-harness discover <monorepo>"
)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Judge every service of the manifest; `verify --help` has the options
    #[command(disable_help_flag = true)]
    Verify {
        /// Options and filters of the test cases
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<OsString>,
    },
    /// Write a manifest for the monorepo in a directory; nothing of what is found is run
    Discover {
        /// The monorepo
        root: PathBuf,
        /// The manifest's directory [default: SERVICES_MANIFEST, or <ROOT>/services-manifest]
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
        /// Replace files that exist
        #[arg(long)]
        force: bool,
        /// Show what would be written, and write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Call deployed in the manifest what the histories end in today
    Deployed {
        /// The services; all without any
        services: Vec<String>,
    },
    /// Show the report of the last run, or join those of several machines
    Report {
        /// Reports to join, each a report.json or its directory
        parts: Vec<PathBuf>,
        /// Write it for another program too, several times: sarif, gitlab, junit, markdown
        #[arg(long, value_name = "FORMAT=FILE")]
        output: Vec<Output>,
    },
    /// Look for fixes of what is red, prove each on a copy of the service, and show or write them
    Fix {
        /// Parts of cases' names, <criterion>::<service>.toml; without one, every case
        filters: Vec<String>,
        /// Write what is safe
        #[arg(long)]
        write: bool,
        /// With --write: write what is unsafe too
        #[arg(long = "unsafe")]
        write_unsafe: bool,
        /// Seconds for what is tried on one service, beside judging it as it is
        #[arg(long, value_name = "SECONDS", default_value_t = 120)]
        limit: u64,
        /// Write the report for another program too, several times: sarif, gitlab, junit, markdown
        #[arg(long, value_name = "FORMAT=FILE")]
        output: Vec<Output>,
    },
    /// Say what a criterion asserts, why, and what to do when it is red
    Explain {
        /// The criterion; all are listed without it
        #[arg(value_parser = PossibleValuesParser::new(criteria::ids()), hide_possible_values = true)]
        criterion: Option<String>,
    },
}

fn main() -> ExitCode {
    // The test runner reads the words of `verify` by itself, and answers for all of them.
    if env::args_os().nth(1).is_some_and(|word| word == VERIFY) {
        Invocation::as_program();
        return run::main();
    }
    let Program { command } = Program::parse();
    Invocation::as_program();
    match command {
        Command::Verify { .. } => run::main(),
        Command::Discover {
            root,
            to,
            force,
            dry_run,
        } => {
            let named = env::var_os(DIRECTORY_VARIABLE).filter(|named| !named.is_empty());
            discovered(&Request {
                root,
                to: to.or(named.map(PathBuf::from)),
                force,
                dry_run,
            })
        }
        Command::Deployed { services } => deployed(&services),
        Command::Fix {
            filters,
            write,
            write_unsafe,
            limit,
            output,
        } => run::fix::fix(&run::fix::Request {
            filters,
            write,
            write_unsafe,
            limit: Duration::from_secs(limit),
            outputs: output,
        }),
        Command::Report { parts, output } => report::command::run(&parts, &output),
        Command::Explain { criterion } => {
            print!("{}", report::explain::text(criterion.as_deref()));
            ExitCode::SUCCESS
        }
    }
}

fn deployed(services: &[String]) -> ExitCode {
    match run::deployed::move_to_heads(services) {
        Ok(lines) => {
            lines.iter().for_each(|line| println!("{line}"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}", report::error(&error, None));
            ExitCode::FAILURE
        }
    }
}

fn discovered(request: &Request) -> ExitCode {
    match discover(request) {
        Ok(discovery) => {
            print!("{}", report::discovery::text(request, &discovery));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}", report::error(&error, None));
            ExitCode::FAILURE
        }
    }
}
