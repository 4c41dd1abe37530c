//! Runs the real `services` test binary and reads what it prints.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use once_cell::sync::Lazy;

/// The repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Cargo as a shell starts it. Build scripts are run anew where they see what cargo set for
/// this test binary, and then the binaries are replaced that other tests are running.
pub fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    for (name, _) in std::env::vars().filter(|(name, _)| is_of_package(name)) {
        cargo.env_remove(name);
    }
    cargo
}

/// The `services` test binary as cargo builds it.
pub static BINARY: Lazy<PathBuf> = Lazy::new(|| {
    let output = cargo()
        .args([
            "test",
            "--quiet",
            "--no-run",
            "--test",
            "services",
            "--message-format",
            "json",
        ])
        .current_dir(repository())
        .output()
        .expect("cargo starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == "services")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .expect("cargo names the executable")
});

/// Tells whether cargo sets this variable to tell a process which package it belongs to.
fn is_of_package(variable: &str) -> bool {
    ["CARGO_PKG", "CARGO_MANIFEST"]
        .iter()
        .any(|prefix| variable.starts_with(prefix))
}

/// Variables that would change a run here, set for the run around it.
const OURS: &[&str] = &[
    "ONLY",
    "FAIL_FAST",
    "ACCEPT",
    "UPDATE_SCHEMAS",
    "BASE_REF",
    "CI",
    "KEEP_SERVER",
    "GITHUB_ACTIONS",
    "ANNOTATIONS",
    "GITHUB_STEP_SUMMARY",
    "CLICOLOR_FORCE",
    "FORCE_COLOR",
];

/// The interpreter of the shipped monorepo.
pub fn python() -> PathBuf {
    repository().join("tests/monorepo/.venv/bin/python")
}

/// Runs pip, by the words of its command line and the directory that these end with.
pub fn pip(words: &[&str], directory: &Path, packages: &[&str]) -> std::io::Result<Output> {
    let mut pip = Command::new(python());
    pip.args(["-I", "-m", "pip", "--quiet", "--disable-pip-version-check"]);
    pip.args(words).arg(directory).args(packages).output()
}

/// Packages in a directory of the build of this name, in which a path is to be there then.
pub fn packages(name: &str, path: &str, all: &[&str]) -> Result<PathBuf, String> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if !directory.join(path).exists() {
        let install = ["install", "--no-deps", "--target"];
        let done = pip(&install, &directory, all).map_err(|cause| cause.to_string())?;
        if !done.status.success() || !directory.join(path).exists() {
            return Err(format!("{done:?}"));
        }
    }
    Ok(directory)
}

/// The directory for the reports that nobody looks at.
pub fn reports() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("report")
}

/// The output of one run.
pub struct Judged {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A command that does not see what the surrounding run set for itself.
fn without_ours(mut command: Command) -> Command {
    for (name, _) in std::env::vars() {
        if name.starts_with("NEXTEST") || OURS.contains(&name.as_str()) {
            command.env_remove(name);
        }
    }
    command
}

/// The program as somebody has it who installed it, without cargo.
pub fn program(subcommand: &str) -> Command {
    let mut command = without_ours(Command::new(env!("CARGO_BIN_EXE_migration-harness")));
    command.arg(subcommand).env_remove("CARGO_PKG_NAME");
    command
}

/// Runs `services` on a manifest with some more arguments and variables. What the
/// surrounding run set for itself does not reach it.
pub fn judge(manifest: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Judged {
    let command = without_ours(Command::new(&*BINARY));
    judge_by(command, manifest, arguments, variables)
}

/// The same by a command that is another way to the cases.
pub fn judge_by(
    mut command: Command,
    manifest: &Path,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> Judged {
    let output = command
        .args(arguments)
        .env("SERVICES_MANIFEST", manifest)
        // The report of the run that the user sees stays.
        .env("REPORT_DIR", reports())
        .envs(variables.iter().copied())
        .current_dir(repository())
        .output()
        .expect("the services binary starts");
    Judged {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Judged {
    /// Everything, for a failing assertion.
    pub fn all(&self) -> String {
        format!(
            "exit status {:?}\n--- stdout\n{}\n--- stderr\n{}",
            self.code, self.stdout, self.stderr
        )
    }

    /// The result of each case: `criterion::service.toml` to `ok` or `FAILED`.
    pub fn results(&self) -> BTreeMap<String, String> {
        self.stdout
            .lines()
            .filter_map(|line| line.strip_prefix("test ")?.split_once(" ... "))
            .map(|(name, result)| (name.trim().to_owned(), result.trim().to_owned()))
            .collect()
    }

    /// The line that counts them.
    pub fn results_line(&self) -> &str {
        let mut lines = self.stdout.lines();
        lines
            .find(|line| line.starts_with("test result: "))
            .unwrap_or_default()
    }

    /// The text of one red case.
    pub fn text(&self, case: &str) -> String {
        let start = format!("---- {case} ----\n");
        let Some((_, rest)) = self.stdout.split_once(&start) else {
            return String::new();
        };
        let end = rest
            .find("\n---- ")
            .or(rest.find("\n\nfailures:\n"))
            .unwrap_or(rest.len());
        rest[..end].to_owned()
    }
}
