//! The password of a database is in no output, no process list, no report, and in no
//! file that others can read, however loudly a service says it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use migration_harness::postgres::{self, Choice, Settings};
use rstest::rstest;

use crate::monorepo::{ENV, Monorepo, PLAIN, table, upgrade};
use crate::postgres::containers_run;

/// Every command line that is to be seen until `stop`.
fn command_lines(stop: &AtomicBool) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    while !stop.load(Ordering::Relaxed) {
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            if let Ok(line) = fs::read(entry.path().join("cmdline")) {
                seen.insert(String::from_utf8_lossy(&line).replace('\0', " "));
            }
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    seen
}

/// Ends the thread that reads command lines.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Files below `directory` that hold `secret` and that others can read, as far as the
/// directories above them let them.
fn readable_with(directory: &Path, secret: &str, open: bool) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let Ok(about) = fs::symlink_metadata(entry.path()) else {
            continue; // another test's, and gone
        };
        let open = open && about.mode() & 0o077 != 0;
        if about.is_dir() {
            found.extend(readable_with(&entry.path(), secret, open));
        } else if open && about.is_file() && about.len() < 8 << 20 {
            let text = fs::read(entry.path()).unwrap_or_default();
            if String::from_utf8_lossy(&text).contains(secret) {
                found.push(entry.path().display().to_string());
            }
        }
    }
    found
}

#[rstest]
#[case::local("local")]
#[case::existing("existing")]
#[case::container("container")]
fn a_password_is_nowhere_that_others_can_read(#[case] provider: &str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if provider == "container" && !runtime.block_on(containers_run()) {
        return;
    }
    let host = runtime.block_on(async {
        let settings = Settings {
            provider: Choice::Local,
            ..Settings::default()
        };
        let host = postgres::start(&settings, "host").await.unwrap();
        let url = host.create_database().await.unwrap().url("");
        (host, url)
    });
    let monorepo = Monorepo::new();
    let witness = monorepo.path().join("witness");
    // Says it in every way: in its output, in an exception, as it ends.
    let loud = "
import os, sys
url = os.environ['DATABASE_URL']
open(os.environ['WITNESS'], 'w').write(url)
print(url, os.environ)
print(url, file=sys.stderr, flush=True)
";
    let raises = format!("{loud}\nop.execute(f\"SELECT '{{url}}'\")\nraise RuntimeError(url)");
    let ends = format!("{loud}\nos._exit(3)");
    let manifest = format!("{PLAIN}[env]\nWITNESS = {witness:?}\n");
    monorepo.service("raises", &manifest, ENV, &[&table("a"), &upgrade(&raises)]);
    monorepo.service("ends", &manifest, ENV, &[&table("a"), &upgrade(&ends)]);

    let stop = AtomicBool::new(false);
    let run = format!("credentials-{provider}-{}", std::process::id());
    let (judged, seen) = std::thread::scope(|scope| {
        let seen = scope.spawn(|| command_lines(&stop));
        // A panic would wait for that thread.
        let _stopped = Stop(&stop);
        let judged = monorepo.judge(
            &[],
            &[
                ("POSTGRES_PROVIDER", provider),
                ("HARNESS_DATABASE_URL", &host.1),
                ("NEXTEST_RUN_ID", &run),
                ("TMPDIR", monorepo.path().to_str().unwrap()),
            ],
        );
        stop.store(true, Ordering::Relaxed);
        (judged, seen.join().unwrap())
    });
    let url = fs::read_to_string(&witness).unwrap();
    let (_, rest) = url.split_once("://").unwrap();
    let (user, password) = rest.split_once('@').unwrap().0.split_once(':').unwrap();
    assert!(user == "postgres" && password.len() >= 12, "{user}");
    fs::remove_file(&witness).unwrap();
    runtime.block_on(host.0.stop()).unwrap();

    // What it printed is shown, without the password.
    let text = judged.text("upgrade_head::raises.toml") + &judged.text("upgrade_head::ends.toml");
    assert!(text.matches("***@").count() >= 2, "{}", judged.all());
    assert!(!judged.all().contains(password), "{}", judged.all());
    let listed: Vec<_> = seen.iter().filter(|line| line.contains(password)).collect();
    assert!(!seen.is_empty() && listed.is_empty(), "{listed:?}");
    let target = migration_harness::report::directory();
    let own = target.join("runs").join(&run);
    assert!(own.join("raises/evidence.json").exists() && own.join("raises/output.txt").exists());
    for directory in [target.as_path(), monorepo.path()] {
        let readable = readable_with(directory, password, true);
        assert!(readable.is_empty(), "{readable:?}");
    }
    for file in ["evidence.json", "output.txt"] {
        let mode = fs::metadata(own.join("raises").join(file)).unwrap().mode();
        assert_eq!(mode & 0o077, 0, "{file}");
    }
    fs::remove_dir_all(own).unwrap();
}
