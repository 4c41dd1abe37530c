//! A forked interpreter is what a fresh one is, ends as surely, and is missed by nobody.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;
use serde_json::Value;

use crate::judge::{BINARY, Judged, judge, repository};

const SERVICES: [&str; 2] = ["first", "second"];

fn manifest() -> PathBuf {
    repository().join("tests/forked/services-manifest")
}

/// Judges both services with their own processes as they come, or all fresh.
fn run(home: &Path, fork: &str) -> Judged {
    let home = home.to_str().unwrap();
    let variables = [
        ("HOME", home),
        ("HARNESS_FORK", fork),
        ("HARNESS_LOG", "debug"),
    ];
    let judged = judge(&manifest(), &["upgrade_head"], &variables);
    assert_eq!(judged.code, Some(0), "{}", judged.all());
    judged
}

fn observed(home: &Path, service: &str) -> BTreeMap<String, Value> {
    let text = std::fs::read_to_string(home.join(format!("{service}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_service_observes_the_same_in_a_fork_and_in_a_fresh_interpreter() {
    let home = tempfile::tempdir().unwrap();
    let fresh = run(home.path(), "0");
    let before = SERVICES.map(|service| observed(home.path(), service));
    let forked = run(home.path(), "1");
    for (service, before) in SERVICES.into_iter().zip(before) {
        let said = |how: &str| format!("{service}: the interpreter is a {how}");
        assert!(
            fresh
                .stderr
                .contains(&said("fresh process: HARNESS_FORK=0"))
        );
        assert!(forked.stderr.contains(&said("fork")), "{}", forked.all());
        for (what, value) in observed(home.path(), service) {
            assert_eq!(Some(&value), before.get(&what), "{service}: {what}");
        }
    }
    let random = |service: &str| std::fs::read(home.path().join(format!("{service}.random")));
    assert_ne!(random("first").unwrap(), random("second").unwrap());
}

/// The imports that are kept of a service hold for as long as its files do: those of the
/// harness itself are others in each run.
#[test]
fn the_files_of_a_run_are_no_imports_of_a_service() {
    let home = tempfile::tempdir().unwrap();
    run(home.path(), "0");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let records = target.join("migration-harness/imports");
    let entries = std::fs::read_dir(records).unwrap().flatten();
    let records = entries.filter_map(|entry| std::fs::read(entry.path().join("first.json")).ok());
    let mut records = records.map(|bytes| serde_json::from_slice::<Value>(&bytes).unwrap());
    let service = manifest().join("services/first.toml");
    let record = records.find(|record| record["service"].as_str() == service.to_str());
    let record = record.expect("the imports are kept");
    let files: Vec<&String> = record["files"].as_object().unwrap().keys().collect();
    assert!(
        files.iter().any(|file| file.ends_with("env.py")),
        "{files:?}"
    );
    assert!(
        !files.iter().any(|file| file.contains("/runs/")),
        "{files:?}"
    );
}

#[test]
fn a_service_that_is_judged_alone_is_forked_too() {
    let home = tempfile::tempdir().unwrap();
    run(home.path(), "0");
    let alone = [
        ("HOME", home.path().to_str().unwrap()),
        ("HARNESS_LOG", "debug"),
        ("ONLY", "first"),
    ];
    let judged = judge(&manifest(), &["upgrade_head"], &alone);
    assert_eq!(judged.code, Some(0), "{}", judged.all());
    let fork = "first: the interpreter is a fork";
    assert!(judged.stderr.contains(fork), "{}", judged.all());
}

#[test]
fn a_service_that_no_parent_may_serve_waits_for_one_but_once() {
    let home = tempfile::tempdir().unwrap();
    let manifest = home.path().join("services-manifest");
    std::fs::create_dir_all(manifest.join("services")).unwrap();
    let (root, python) = (
        repository().join("tests/forked"),
        "../monorepo/.venv/bin/python",
    );
    let defaults = format!("root = {root:?}\npython = {python:?}\ndriver = \"asyncpg\"\n");
    std::fs::write(manifest.join("defaults.toml"), defaults).unwrap();
    let service = "path = \"first\"\ndatabase_url_env = \"DATABASE_URL\"\n[env]\nSERVICE = \"first\"\n\
                   DISABLE_SQLALCHEMY_CEXT_RUNTIME = \"\"\n";
    std::fs::write(manifest.join("services/first.toml"), service).unwrap();
    let why = "first: the interpreter is a fresh process: a shared package reads \
               DISABLE_SQLALCHEMY_CEXT_RUNTIME when it is imported";
    let earlier = format!("{why} (found in an earlier run)");
    for (known, asked) in [(false, true), (false, true), (true, false)] {
        let variables = [
            ("HOME", home.path().to_str().unwrap()),
            ("HARNESS_LOG", "debug"),
        ];
        let judged = judge(&manifest, &["upgrade_head"], &variables);
        assert_eq!(judged.code, Some(0), "{}", judged.all());
        assert_eq!(judged.stderr.contains(&earlier), known, "{}", judged.all());
        assert_eq!(
            judged.stderr.contains(why) && !known,
            asked,
            "{}",
            judged.all()
        );
    }
}

/// A service whose packages are those of `site`, an interpreter made for it.
fn service_with_a_package(home: &Path, name: &str, text: &str) -> PathBuf {
    let shipped = repository().join("tests/monorepo/.venv");
    let venv = home.join("venv");
    let made = Command::new(shipped.join("bin/python"))
        .args(["-m", "venv", "--without-pip"])
        .arg(&venv)
        .status();
    assert!(made.unwrap().success());
    let libraries = std::fs::read_dir(venv.join("lib")).unwrap().flatten();
    let site = libraries.last().unwrap().path().join("site-packages");
    let theirs = shipped.join(site.strip_prefix(&venv).unwrap());
    for entry in std::fs::read_dir(theirs).unwrap().flatten() {
        std::os::unix::fs::symlink(entry.path(), site.join(entry.file_name())).unwrap();
    }
    std::fs::write(site.join(format!("{name}.py")), text).unwrap();
    let files = [
        (
            "services-manifest/defaults.toml",
            "root = \"..\"\npython = \"venv/bin/python\"\ndriver = \"psycopg2\"\n".to_owned(),
        ),
        (
            "services-manifest/services/one.toml",
            "path = \"one\"\ndatabase_url_env = \"URL\"\n".to_owned(),
        ),
        (
            "one/alembic.ini",
            "[alembic]\nscript_location = alembic\n".to_owned(),
        ),
        (
            "one/alembic/versions/a.py",
            "revision = \"a\"\ndown_revision = None\ndef upgrade(): pass\n".to_owned(),
        ),
        (
            "one/alembic/env.py",
            format!(
                "import os\nimport {name}\nfrom alembic import context\nfrom sqlalchemy import create_engine\n\
             assert {name}.here\n\
             with create_engine(os.environ[\"URL\"]).connect() as connection:\n    \
             context.configure(connection=connection)\n    \
             with context.begin_transaction():\n        context.run_migrations()\n"
            ),
        ),
    ];
    for (file, text) in files {
        let file = home.join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    home.join("services-manifest")
}

#[test]
fn a_package_that_leaves_a_thread_is_left_out_and_the_rest_shared() {
    let home = tempfile::tempdir().unwrap();
    let text = "import threading, time\nhere = True\n\
                threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n";
    let manifest = service_with_a_package(home.path(), "leaves_a_thread", text);
    let variables = [("HARNESS_LOG", "debug")];
    let judged = judge(&manifest, &["upgrade_head"], &variables);
    assert_eq!(judged.code, Some(0), "{}", judged.all());
    assert!(
        judged.stderr.contains("one: the interpreter is a fork"),
        "{}",
        judged.all()
    );
}

#[test]
fn a_package_that_reads_a_variable_of_the_service_is_not_shared_with_it() {
    let home = tempfile::tempdir().unwrap();
    let text = "import os\nhere = \"URL\" in os.environ and os.environ[\"URL\"].startswith(\"postgresql\")\n";
    let manifest = service_with_a_package(home.path(), "reads_the_url", text);
    let judged = judge(&manifest, &["upgrade_head"], &[("HARNESS_LOG", "debug")]);
    assert_eq!(judged.code, Some(0), "{}", judged.all());
    let why = "a shared package reads URL when it is imported";
    assert!(judged.stderr.contains(why), "{}", judged.all());
}

/// A run whose services wait in `env.py`, forked, until `wait` is removed.
struct Waiting {
    home: tempfile::TempDir,
    harness: Child,
}

impl Waiting {
    fn begin() -> Self {
        let home = tempfile::tempdir().unwrap();
        run(home.path(), "0");
        std::fs::write(home.path().join("wait"), "").unwrap();
        for service in SERVICES {
            std::fs::remove_file(home.path().join(format!("{service}.pid"))).unwrap();
        }
        let harness = Command::new(&*BINARY)
            .args(["upgrade_head", "--test-threads=2"])
            .env("SERVICES_MANIFEST", manifest())
            .env("HOME", home.path())
            .env_remove("NEXTEST_RUN_ID")
            .current_dir(repository())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let waiting = Self { home, harness };
        let pid = |service: &str| waiting.home.path().join(format!("{service}.pid"));
        within(60, || SERVICES.iter().all(|service| pid(service).exists()));
        waiting
    }

    /// The processes with this run's `HOME`, other than the harness itself.
    fn processes(&self) -> BTreeMap<i32, String> {
        let wanted = format!("HOME={}\0", self.home.path().display());
        let mut found = BTreeMap::new();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let read = |name| std::fs::read(entry.path().join(name)).unwrap_or_default();
            let environ = String::from_utf8_lossy(&read("environ")).into_owned();
            let pid = entry.file_name().to_string_lossy().parse();
            if let (true, Ok(pid)) = (environ.contains(&wanted), pid) {
                found.insert(
                    pid,
                    String::from_utf8_lossy(&read("cmdline")).replace('\0', " "),
                );
            }
        }
        found.remove(&self.harness.id().cast_signed());
        found
    }
}

fn within(seconds: u64, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    while !done() {
        assert!(Instant::now() < deadline, "not within {seconds} s");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn kill(pid: i32) {
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[test]
fn a_killed_run_takes_its_forks_and_their_parent_along() {
    let mut waiting = Waiting::begin();
    let parents = waiting.processes();
    let parent = parents
        .values()
        .filter(|line| line.contains("worker.py fork"));
    assert!(parent.count() >= 1, "{parents:?}");
    waiting.harness.kill().unwrap();
    waiting.harness.wait().unwrap();
    within(20, || waiting.processes().is_empty());
}

#[test]
fn a_parent_that_dies_is_missed_by_none_of_its_forks() {
    let mut waiting = Waiting::begin();
    let forks = SERVICES.map(|service| {
        let text = std::fs::read_to_string(waiting.home.path().join(format!("{service}.pid")));
        text.unwrap().parse::<i32>().unwrap()
    });
    // Both run the same command line: the parent is what is no fork's supervisor.
    let supervisors = forks.map(parent_of);
    let parent = parent_of(supervisors[0]);
    assert_eq!(parent, parent_of(supervisors[1]));
    kill(parent);
    std::fs::remove_file(waiting.home.path().join("wait")).unwrap();
    assert_eq!(waiting.harness.wait().unwrap().code(), Some(0));
    within(20, || waiting.processes().is_empty());
}

#[test]
fn a_fork_whose_supervisor_is_killed_ends_with_the_run() {
    let mut waiting = Waiting::begin();
    let text = std::fs::read_to_string(waiting.home.path().join("first.pid")).unwrap();
    kill(parent_of(text.parse().unwrap()));
    std::fs::remove_file(waiting.home.path().join("wait")).unwrap();
    waiting.harness.wait().unwrap();
    within(20, || waiting.processes().is_empty());
}

fn parent_of(pid: i32) -> i32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    fields.split_whitespace().nth(1).unwrap().parse().unwrap()
}
