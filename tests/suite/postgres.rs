//! Each provider gives a fresh, empty server, and nothing of it is left.
//!
//! Processes that end without warning are tried in a child: this
//! test binary again, asked for [`scene`] alone, with a temporary directory of
//! its own that can be looked at afterwards.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod failing;
mod given;
mod in_container;
mod on_existing;
mod supervised;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use migration_harness::error::HarnessError;
use migration_harness::postgres::{self, Choice, ClusterObjects, Server, Settings};
use migration_harness::process::supervisor::{Ending, SupervisedProcess, SupervisedSpec};
use pretty_assertions::assert_eq;
use rstest::rstest;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

pub use given::is_fresh_and_can_be_made_fresh_again;
pub use in_container::containers_of;
pub use on_existing::{existing, host, ours};

/// A runtime as the harness has one.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

pub fn local() -> Settings {
    Settings {
        provider: Choice::Local,
        ..Settings::default()
    }
}

pub fn container() -> Settings {
    let image = std::env::var("POSTGRES_IMAGE").unwrap_or_else(|_| "postgres".to_owned());
    Settings {
        provider: Choice::Container,
        image,
        ..Settings::default()
    }
}

/// Tells whether containers can be had; says so where not, and fails in CI.
pub async fn containers_run() -> bool {
    match postgres::choose(&container()).await {
        Ok(_) => true,
        Err(e) if std::env::var("CI").is_ok_and(|ci| ci == "true") => {
            panic!("in CI there must be containers: {}", said(&e))
        }
        Err(e) => {
            println!("not run: no container engine: {}", said(&e));
            false
        }
    }
}

/// A temporary directory that the servers' user can enter too.
pub fn open_dir() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o777)).unwrap();
    dir
}

/// An error whole, as the report would have it.
fn said(e: &HarnessError) -> String {
    format!(
        "{}\n{}\n{}",
        e.message,
        e.details.join("\n"),
        e.help.clone().unwrap_or_default()
    )
}

async fn one<T>(connection: &mut PgConnection, sql: &'static str) -> T
where
    T: Send + Unpin + sqlx::Type<sqlx::Postgres> + for<'r> sqlx::Decode<'r, sqlx::Postgres>,
{
    sqlx::query_scalar(sql).fetch_one(connection).await.unwrap()
}

/// Polls until `done` or half a minute has passed.
pub fn eventually(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Command lines of living processes that mention `needle` (Linux).
pub fn processes(needle: &Path) -> Vec<String> {
    let needle = needle.to_str().unwrap();
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(needle))
        .collect()
}

pub const NOTHING: [String; 0] = [];

/// The files in the run directories under a temporary directory.
pub fn remains(tmp: &Path) -> Vec<String> {
    let bases = fs::read_dir(tmp)
        .unwrap()
        .flatten()
        .map(|entry| entry.path());
    let runs = bases.filter_map(|base| fs::read_dir(base.join("runs")).ok());
    runs.flatten()
        .flatten()
        .map(|entry| entry.path().display().to_string())
        .collect()
}

// ---------------------------------------------------------------- scenes ---

/// Runs [`scene`] in a process of its own.
fn play(name: &str, tmp: &Path, env: &[(&str, &str)]) -> Command {
    let (_, module) = module_path!().split_once("::").unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            &format!("{module}::scene"),
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env("SCENE", name)
        .env("TMPDIR", tmp)
        .envs(env.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn stage(name: &str, tmp: &Path, env: &[(&str, &str)]) -> Output {
    play(name, tmp, env).output().unwrap()
}

/// Starts a scene that holds a server, and returns once it has one, with the
/// URL it printed.
fn holding(tmp: &Path, env: &[(&str, &str)]) -> (Child, String) {
    let mut child = play("hold", tmp, env).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let url = lines
        .map_while(Result::ok)
        .find_map(|line| line.split_once("HOLDING ").map(|(_, url)| url.to_owned()));
    (child, url.expect("the scene holds a server"))
}

/// Not a test: what the other tests run in a process of its own.
#[test]
#[ignore = "a part of other tests"]
fn scene() {
    let Ok(scene) = std::env::var("SCENE") else {
        return;
    };
    let settings = match std::env::var("EXISTING").ok() {
        Some(url) => Settings {
            provider: Choice::Existing,
            existing_url: Some(url),
            ..Settings::default()
        },
        None if std::env::var("CONTAINER").is_ok() => container(),
        None => Settings {
            binaries: std::env::var_os("POSTGRES_BIN").map(Into::into),
            ..local()
        },
    };
    let service = std::env::var("SERVICE").unwrap_or_else(|_| "scene".to_owned());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let settings = Settings {
        ready_within: if scene == "late" {
            Duration::from_millis(300)
        } else {
            settings.ready_within
        },
        ..settings
    };
    let (server, database) = runtime.block_on(async {
        let server = postgres::start(&settings, &service)
            .await
            .unwrap_or_else(|e| panic!("{}", said(&e)));
        let database = server.create_database().await.unwrap();
        (server, database)
    });
    match scene.as_str() {
        "stop" => runtime.block_on(server.stop()).unwrap(),
        // On a thread outside of the runtime, while unwinding.
        "panic" => panic!("with {server:?} at hand"),
        "exit" => std::process::exit(0),
        _ => {
            println!("HOLDING {}", database.url(""));
            std::thread::sleep(Duration::from_secs(600));
        }
    }
}

#[rstest]
#[case::orderly("stop", 0)]
#[case::panic("panic", 101)]
#[case::exit("exit", 0)]
fn nothing_is_left_of_a_local_server(#[case] scene: &str, #[case] status: i32) {
    let tmp = open_dir();
    let output = stage(scene, tmp.path(), &[]);
    assert_eq!(
        output.status.code(),
        Some(status),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    if scene == "stop" {
        assert_eq!(remains(tmp.path()), NOTHING);
    }
    eventually("no process is left", || processes(tmp.path()).is_empty());
    // At the latest the next run leaves nothing at all.
    assert!(stage("stop", tmp.path(), &[]).status.success());
    assert_eq!(remains(tmp.path()), NOTHING);
}

#[test]
fn a_killed_run_takes_its_local_server_along() {
    let tmp = open_dir();
    let (mut child, _) = holding(tmp.path(), &[]);
    assert!(!processes(tmp.path()).is_empty());
    child.kill().unwrap();
    child.wait().unwrap();
    eventually("no process is left", || processes(tmp.path()).is_empty());
    let servers = |run: &String| {
        fs::read_dir(run).map_or(0, |servers| {
            servers
                .flatten()
                .filter(|server| server.path().join("data/base").exists())
                .count()
        })
    };
    eventually("no data is left", || {
        remains(tmp.path()).iter().all(|run| servers(run) == 0)
    });
    assert!(stage("stop", tmp.path(), &[]).status.success());
    assert_eq!(remains(tmp.path()), NOTHING);
}

#[test]
fn a_server_whose_supervisor_was_killed_too_is_swept_by_the_next_run_and_a_live_one_is_not() {
    let tmp = open_dir();
    let (mut alive, url) = holding(tmp.path(), &[]);
    let (mut dead, _) = holding(tmp.path(), &[]);
    let group = |child: &Child| {
        // The supervisors are the child's children.
        let id = child.id();
        fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default()
            + &threads_children(id)
    };
    let supervisors = group(&dead);
    assert!(!supervisors.trim().is_empty());
    for pid in supervisors
        .split_whitespace()
        .collect::<std::collections::BTreeSet<_>>()
    {
        // The supervisor's watcher first, or it would end the server.
        let watchers =
            fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        let watchers = watchers.split_whitespace().filter(|p| {
            fs::read(format!("/proc/{p}/cmdline")).is_ok_and(|c| c.starts_with(b"/bin/sh"))
        });
        let all: Vec<&str> = watchers.chain([pid]).collect();
        assert!(
            Command::new("kill")
                .arg("-STOP")
                .args(&all)
                .status()
                .unwrap()
                .success()
        );
        assert!(
            Command::new("kill")
                .arg("-KILL")
                .args(&all)
                .status()
                .unwrap()
                .success()
        );
    }
    dead.kill().unwrap();
    dead.wait().unwrap();
    assert!(
        processes(tmp.path())
            .iter()
            .filter(|line| line.contains("bin/postgres"))
            .count()
            >= 2
    );

    assert!(stage("stop", tmp.path(), &[]).status.success());
    let left: Vec<_> = processes(tmp.path())
        .into_iter()
        .filter(|line| line.contains("bin/postgres"))
        .collect();
    assert!(
        !left.is_empty() && remains(tmp.path()).len() == 2,
        "{left:?}"
    );
    block_on(async {
        PgConnection::connect(&url)
            .await
            .unwrap()
            .close()
            .await
            .unwrap()
    });
    alive.kill().unwrap();
    alive.wait().unwrap();
    eventually("no process is left", || processes(tmp.path()).is_empty());
}

/// Children of every thread of a process: they belong to the thread that made
/// them.
fn threads_children(pid: u32) -> String {
    let tasks = fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten();
    tasks
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .collect::<Vec<_>>()
        .join(" ")
}
