//! The commands that people type to have something done: [`Invocation`].
//!
//! The same code is started by `make` in this repository, by `cargo test` in a crate that
//! embeds the harness, and as the program `migration-harness`. A text that ends with a
//! command to type names the one that its reader has.

use std::env;
use std::ffi::OsString;
use std::path::Path;

use once_cell::sync::OnceCell;

/// The way in which this process was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invocation {
    /// By cargo or make, in this repository.
    Repository,
    /// By cargo, as a test of the package of this name.
    Package(String),
    /// As the installed program.
    Program,
}

/// Set where this process is the program and not a test binary.
static PROGRAM: OnceCell<()> = OnceCell::new();

/// The subcommand that judges.
pub const VERIFY: &str = "verify";

impl Invocation {
    /// Notes that this process is the program.
    pub fn as_program() {
        let _ = PROGRAM.set(());
    }

    /// The way in which this process was started. Cargo tells those that it starts which
    /// package they belong to.
    #[must_use]
    pub fn current() -> Self {
        match env::var("CARGO_PKG_NAME") {
            Ok(name) if name != env!("CARGO_PKG_NAME") => Self::Package(name),
            Err(_) if PROGRAM.get().is_some() => Self::Program,
            _ => Self::Repository,
        }
    }

    /// The words of the command line that concern the test cases, after a name.
    pub fn words() -> impl Iterator<Item = OsString> {
        let mut words = env::args_os();
        let name = words.next().unwrap_or_default();
        let skipped = usize::from(PROGRAM.get().is_some());
        let name = match skipped {
            0 => name,
            _ => format!("{PROGRAM_NAME} {VERIFY}").into(),
        };
        std::iter::once(name).chain(words.skip(skipped))
    }

    /// The command that judges the cases that contain `filter`.
    #[must_use]
    pub fn judge(&self, filter: &str) -> String {
        match self {
            Self::Program => format!("{PROGRAM_NAME} {VERIFY} {filter}"),
            Self::Repository => format!("cargo test --test {} -- {filter}", test_binary()),
            Self::Package(name) => {
                format!("cargo test -p {name} --test {} -- {filter}", test_binary())
            }
        }
    }

    /// The command that judges the service with a variable set, for people who do so once.
    #[must_use]
    pub fn judge_with(&self, variable: &str, filter: &str, service: &str) -> String {
        match self {
            Self::Repository => format!("{variable} make {VERIFY} ONLY={service}"),
            Self::Package(_) | Self::Program => format!("{variable} {}", self.judge(filter)),
        }
    }

    /// The command that looks for fixes of a service; `switches` are among `WRITE` and `UNSAFE`.
    /// A crate that embeds the cases has no command of its own for that.
    #[must_use]
    pub fn fix(&self, service: &str, switches: &[&str]) -> String {
        match self {
            Self::Repository => {
                let switches = switches.iter().map(|switch| format!(" {switch}=1"));
                format!("make fix ONLY={service}{}", switches.collect::<String>())
            }
            Self::Program | Self::Package(_) => {
                let switches = switches
                    .iter()
                    .map(|one| format!(" --{}", one.to_lowercase()));
                let switches = switches.collect::<String>();
                format!("{PROGRAM_NAME} fix ::{service}.toml{switches}")
            }
        }
    }

    /// The command that judges everything.
    #[must_use]
    pub fn judge_all(&self) -> String {
        match self {
            Self::Program => format!("{PROGRAM_NAME} {VERIFY}"),
            Self::Repository => format!("make {VERIFY}"),
            Self::Package(name) => format!("cargo test -p {name} --test {}", test_binary()),
        }
    }

    /// The switch by which `discover` writes nothing.
    #[must_use]
    pub fn dry_run(&self) -> &'static str {
        match self {
            Self::Program => "--dry-run",
            Self::Repository | Self::Package(_) => "DRY_RUN",
        }
    }

    /// Advice for somebody whose filter matches no case.
    #[must_use]
    pub fn other_tests(&self) -> &'static str {
        match self {
            Self::Program => "a filter is a part of <criterion>::<service>.toml",
            Self::Repository | Self::Package(_) => {
                "a filter for another test binary goes with `cargo test --test <name>`"
            }
        }
    }

    /// The command that writes a manifest for the monorepo in a directory.
    #[must_use]
    pub fn discover(&self, root: &str) -> String {
        match self {
            Self::Program => format!("{PROGRAM_NAME} discover {root}"),
            Self::Repository | Self::Package(_) => format!("make discover ROOT={root}"),
        }
    }
}

/// The name that the program is installed by.
pub const PROGRAM_NAME: &str = "migration-harness";

/// The test binary's name, without the hash that cargo appends.
fn test_binary() -> String {
    let tests = PROGRAM.get().is_none();
    let exe = env::current_exe().ok().filter(|_| tests);
    let name = exe.as_deref().and_then(Path::file_stem);
    let name = name.map_or_else(|| "services".into(), |name| name.to_string_lossy());
    // Linux appends this where the binary was built anew meanwhile (proc_pid_exe(5)).
    let name = name.trim_end_matches(" (deleted)");
    let without_hash = name.rsplit_once('-').filter(|(_, hash)| {
        hash.len() == 16 && hash.bytes().all(|letter| letter.is_ascii_hexdigit())
    });
    without_hash.map_or(name, |(name, _)| name).to_owned()
}
