//! However a run ends, nothing of it is left at the latest when the next one starts,
//! nothing of anyone else's was touched, and the next one works.
//!
//! A run is ended at random moments. `CRASHES=100` tries that many of each kind instead
//! of a few, and `CRASHES_SEED` another sequence of them; a failure names its seed.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;
use rstest::rstest;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::judge::{BINARY, cargo, repository};
use crate::monorepo::{ENV, Monorepo, PLAIN, table, upgrade};
use crate::postgres::{
    NOTHING, block_on, containers_of, containers_run, eventually, host, open_dir, ours, remains,
};

/// One of the processes of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    /// The test binary, or the runner that starts it.
    Runner,
    Interpreter,
    Server,
    Supervisor,
}

/// A way to end a run.
#[derive(Debug, Clone, Copy)]
struct Blow {
    after: Duration,
    part: Part,
    signal: Signal,
}

/// A sequence that is the same for the same seed (Knuth's MMIX generator).
struct Moments(u64);

impl Moments {
    fn new() -> Self {
        let seed = std::env::var("CRASHES_SEED").ok();
        Self(seed.map_or(7, |seed| seed.parse().expect("CRASHES_SEED is a number")))
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    /// The parts in turn, each at a moment that nobody chose.
    fn blow(&mut self, turn: usize) -> Blow {
        const BLOWS: [(Part, Signal); 6] = [
            (Part::Runner, Signal::KILL),
            (Part::Interpreter, Signal::KILL),
            (Part::Server, Signal::KILL),
            (Part::Supervisor, Signal::KILL),
            (Part::Runner, Signal::INT),
            (Part::Runner, Signal::TERM),
        ];
        let (part, signal) = BLOWS[turn % BLOWS.len()];
        let after = Duration::from_millis(self.below(3000));
        Blow {
            after,
            part,
            signal,
        }
    }
}

/// The processes that were started with this path in their environment or on their
/// command line, and what each is.
fn processes(directory: &Path) -> Vec<(Pid, Part, String)> {
    let needle = directory.to_str().unwrap();
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let found = entries.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let text = |file: &str| {
            let bytes = fs::read(entry.path().join(file)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).replace('\0', " ")
        };
        let line = text("cmdline");
        if pid == std::process::id().cast_signed() || line.is_empty() {
            return None; // this test, or what has ended
        }
        let ours = line.contains(needle) || text("environ").contains(needle);
        let part = match &*line {
            line if line.contains("migration-harness-supervisor") => Part::Supervisor,
            line if line.contains("worker.py") => Part::Interpreter,
            line if line.contains("/postgres ") || line.starts_with("postgres:") => Part::Server,
            _ => Part::Runner,
        };
        let shown = line.chars().take(120).collect();
        ours.then_some((Pid::from_raw(pid)?, part, shown))
    });
    found.collect()
}

/// The same, to be read.
pub fn left(directory: &Path) -> Vec<String> {
    let all = processes(directory).into_iter();
    all.map(|(pid, part, line)| format!("{pid:?} {part:?}: {line}"))
        .collect()
}

/// The surroundings of a run.
struct Scene {
    monorepo: Monorepo,
    tmp: tempfile::TempDir,
    provider: &'static str,
    nextest: bool,
    existing: String,
}

impl Scene {
    fn new(provider: &'static str, nextest: bool, existing: String) -> Self {
        let monorepo = Monorepo::new();
        let slow = upgrade("op.execute('SELECT pg_sleep(0.2)')");
        for name in ["crash_a", "crash_b"] {
            let revisions = [&*table("essays"), &*slow, &*table("more")];
            monorepo.service(name, PLAIN, ENV, &revisions);
        }
        Self {
            monorepo,
            tmp: open_dir(),
            provider,
            nextest,
            existing,
        }
    }

    /// Starts a run in a process group of its own, as a terminal does.
    fn start(&self) -> Child {
        let mut command = if self.nextest {
            let mut command = cargo();
            command.args(["nextest", "run", "--test", "services", "--no-fail-fast"]);
            command
        } else {
            Command::new(&*BINARY)
        };
        for (name, _) in std::env::vars() {
            if name.starts_with("NEXTEST") || ["ONLY", "FAIL_FAST"].contains(&&*name) {
                command.env_remove(name);
            }
        }
        command
            .arg("upgrade_head")
            .env("SERVICES_MANIFEST", self.monorepo.manifest())
            .env("TMPDIR", self.tmp.path())
            .env("POSTGRES_PROVIDER", self.provider)
            .env("HARNESS_DATABASE_URL", &self.existing)
            .current_dir(repository())
            .stdout(self.said().try_clone().unwrap())
            .stderr(self.said())
            .process_group(0)
            .spawn()
            .unwrap()
    }

    /// The file that all runs of this scene print to.
    fn said(&self) -> fs::File {
        let file = self.monorepo.path().join("said");
        fs::File::options()
            .create(true)
            .append(true)
            .open(file)
            .unwrap()
    }

    fn succeeds(&self, mut run: Child) {
        let status = run.wait().unwrap();
        let said = fs::read_to_string(self.monorepo.path().join("said"));
        assert!(status.success(), "{status}\n{}", said.unwrap_or_default());
    }

    /// Starts a run and ends a part of it; the run is over afterwards, in time.
    fn strike(&self, blow: Blow) {
        let mut child = self.start();
        let runner = Pid::from_child(&child);
        match (blow.part, blow.signal) {
            (Part::Runner, signal) => {
                std::thread::sleep(blow.after);
                // Ctrl-C goes to everything in the terminal's group.
                let _ = match signal {
                    Signal::INT => kill_process_group(runner, signal),
                    _ => kill_process(runner, signal),
                };
            }
            (part, _) if self.provider != "local" && part == Part::Server => {
                // The server is somebody else's, or the engine's.
                let _ = kill_process(runner, Signal::KILL);
            }
            (part, signal) => {
                let victim = || {
                    let all = processes(self.tmp.path()).into_iter();
                    all.rev().find(|(_, is, _)| *is == part)
                };
                while victim().is_none() && child.try_wait().unwrap().is_none() {
                    std::thread::sleep(Duration::from_millis(5));
                }
                std::thread::sleep(blow.after / 3);
                if let Some((pid, _, _)) = victim() {
                    let _ = kill_process(pid, signal);
                }
            }
        }
        let deadline = Instant::now() + Duration::from_secs(90);
        while child.try_wait().unwrap().is_none() {
            assert!(
                Instant::now() < deadline,
                "{blow:?}: {:?}",
                left(self.tmp.path())
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// A run that nobody disturbs.
    fn works(&self) {
        self.succeeds(self.start());
    }

    fn nothing_is_left(&self) {
        let over = Instant::now() + Duration::from_secs(30);
        while !left(self.tmp.path()).is_empty() && Instant::now() < over {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(left(self.tmp.path()), NOTHING);
        // Transcripts are kept for a day on purpose; servers and their directories are not.
        let servers = remains(self.tmp.path()).into_iter();
        let servers: Vec<_> = servers
            .filter(|run| !run.contains("/migration-harness/") && !run.contains("-harness-runs-"))
            .collect();
        assert_eq!(servers, NOTHING);
        if self.provider == "existing" {
            assert_eq!(block_on(ours(&self.existing, "crash")), 0);
        }
        if self.provider == "container" {
            let left = containers_of("crash_a").len() + containers_of("crash_b").len();
            assert_eq!(left, 0);
        }
    }
}

fn has_nextest() -> bool {
    let version = cargo().args(["nextest", "--version"]).output();
    version.is_ok_and(|output| output.status.success())
}

#[rstest]
#[case::local("local", false, 6)]
#[case::local_under_nextest("local", true, 2)]
#[case::existing("existing", false, 2)]
#[case::container("container", false, 2)]
fn a_run_that_is_ended_at_any_moment_leaves_nothing(
    #[case] provider: &'static str,
    #[case] nextest: bool,
    #[case] few: usize,
) {
    if provider == "container" && !block_on(containers_run()) {
        return;
    }
    if nextest && !has_nextest() {
        println!("not run: cargo-nextest is not installed");
        return;
    }
    // Somebody else's: a server with a database, and a process.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (bystander, url) = runtime.block_on(host());
    let mut sleeper = Command::new("sleep").arg("3600").spawn().unwrap();

    let scene = Scene::new(provider, nextest, url.clone());
    let many = std::env::var("CRASHES").ok();
    let many = many.map_or(few, |many| many.parse().expect("CRASHES is a number"));
    let mut moments = Moments::new();
    for turn in 0..many {
        let blow = moments.blow(turn);
        println!("{provider}: {blow:?}");
        scene.strike(blow);
    }
    scene.works();
    scene.nothing_is_left();

    assert!(sleeper.try_wait().unwrap().is_none());
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
    assert_eq!(runtime.block_on(ours(&url, "host")), 1);
    runtime.block_on(bystander.stop()).unwrap();
}

/// A dead run of the same user is swept by each of those that start at once, and none
/// of them takes another's for dead.
#[rstest]
#[case::two(2)]
#[case::five(5)]
fn runs_at_once_do_not_meet(#[case] runs: usize) {
    let scene = Scene::new("local", false, String::new());
    scene.strike(Blow {
        after: Duration::from_millis(1500),
        part: Part::Runner,
        signal: Signal::KILL,
    });
    let mut running: Vec<Child> = (0..runs).map(|_| scene.start()).collect();
    // One of five is killed in the middle.
    let killed = (runs > 2).then(|| {
        std::thread::sleep(Duration::from_secs(2));
        let mut child = running.pop().unwrap();
        child.kill().unwrap();
        child.wait().unwrap()
    });
    for run in running {
        scene.succeeds(run);
    }
    if killed.is_some() {
        scene.works();
    }
    scene.nothing_is_left();
}

// ------------------------------------------------- machines that lack something ---

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Runs the services binary after a shell has set the scene in namespaces of its own,
/// which takes root; says so where there is none.
fn in_namespaces(scene: &Scene, set_up: &str) -> Option<(Option<i32>, String)> {
    if !is_root() {
        println!("not run: only root can make the namespaces");
        return None;
    }
    let script = format!("set -e; {set_up}; exec \"$@\"");
    let mut child = Command::new("unshare");
    child.args(["--mount", "--net", "--", "sh", "-c", &script, "sh"]);
    let output = child
        .arg(&*BINARY)
        .arg("upgrade_head")
        .env("SERVICES_MANIFEST", scene.monorepo.manifest())
        .env("TMPDIR", scene.tmp.path())
        .env("SCENE_TMP", scene.tmp.path())
        .env("REPOSITORY", repository())
        .env("MONOREPO", scene.monorepo.path())
        .env("POSTGRES_PROVIDER", scene.provider)
        .env_remove("NEXTEST_RUN_ID")
        .current_dir(repository())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    Some((output.status.code(), text.into_owned()))
}

const LOOPBACK: &str = "ip link set lo up";

#[test]
fn a_full_disk_is_an_error_that_says_so_and_leaves_nothing() {
    let scene = Scene::new("local", false, String::new());
    // Room for the directories and the socket files of a run, not for a server.
    let full = format!("{LOOPBACK}; mount -t tmpfs -o size=8m,mode=777 none \"$SCENE_TMP\"");
    let Some((code, text)) = in_namespaces(&scene, &full) else {
        return;
    };
    assert_eq!(code, Some(101), "{text}");
    assert!(text.contains("harness error[postgres]"), "{text}");
    assert!(text.to_lowercase().contains("no space left"), "{text}");
    eventually("no process is left", || left(scene.tmp.path()).is_empty());
    scene.works();
    scene.nothing_is_left();
}

#[test]
fn a_checkout_that_cannot_be_written_is_judged_all_the_same() {
    let scene = Scene::new("local", false, String::new());
    let read_only = format!(
        "{LOOPBACK}; for place in \"$REPOSITORY\" \"$MONOREPO\"; do \
         mount --bind \"$place\" \"$place\"; mount -o remount,bind,ro \"$place\"; done"
    );
    let Some((code, text)) = in_namespaces(&scene, &read_only) else {
        return;
    };
    assert_eq!(code, Some(0), "{text}");
}

#[test]
fn a_machine_without_a_free_port_is_an_error_that_says_so() {
    let scene = Scene::new("local", false, String::new());
    // Two ports, both taken.
    let none = format!(
        "{LOOPBACK}; echo 40000 40001 >/proc/sys/net/ipv4/ip_local_port_range; \
         /usr/bin/python3 -c 'import socket, time\n\
         held = [socket.create_server((\"127.0.0.1\", port)) for port in (40000, 40001)]\n\
         print(\"held\", flush=True); time.sleep(30)' >\"$MONOREPO/held\" & \
         until grep -q held \"$MONOREPO/held\"; do sleep 0.1; done; trap 'kill %1' EXIT"
    );
    let none = none.replace("exec", "");
    let Some((code, text)) = in_namespaces(&scene, &none) else {
        return;
    };
    assert_eq!(code, Some(101), "{text}");
    assert!(text.contains("harness error[postgres]"), "{text}");
    assert!(text.contains("port"), "{text}");
    scene.works();
    scene.nothing_is_left();
}

const NOBODY: [&str; 3] = ["--reuid=nobody", "--regid=65534", "--clear-groups"];

/// The system's interpreter, which every user can run, and the packages of the shipped
/// monorepo, if it can use them: they may be of another version of Python.
fn python_for_everyone() -> (&'static str, Option<PathBuf>) {
    let python = "/usr/bin/python3";
    let lib = repository().join("tests/monorepo/.venv/lib");
    let packages = fs::read_dir(lib).into_iter().flatten().flatten();
    let usable = packages
        .map(|entry| entry.path().join("site-packages"))
        .find(|packages| {
            Command::new("setpriv")
                .args(NOBODY)
                .args([python, "-c", "import psycopg, sqlalchemy, alembic"])
                .env("PYTHONPATH", packages)
                .current_dir("/")
                .status()
                .is_ok_and(|status| status.success())
        });
    (python, usable)
}

/// Root's run and an ordinary user's, in the same temporary directory.
#[test]
fn a_run_as_root_beside_one_as_a_user() {
    if !is_root() {
        println!("not run: only root can be root and somebody else");
        return;
    }
    let scene = Scene::new("local", false, String::new());
    let (python, packages) = python_for_everyone();
    let Some(packages) = packages else {
        println!("not run: {python} cannot use the packages of the virtual environment");
        return;
    };
    scene.monorepo.write(
        "services-manifest/defaults.toml",
        &format!(
            "root = \"..\"\npython = {python:?}\ndriver = \"psycopg\"\n[env]\nPYTHONPATH = {packages:?}\n"
        ),
    );
    fs::set_permissions(
        scene.tmp.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o1777),
    )
    .unwrap();
    let place = tempfile::tempdir().unwrap();
    fs::set_permissions(
        place.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let home = tempfile::tempdir().unwrap();
    std::os::unix::fs::chown(home.path(), Some(65534), Some(65534)).unwrap();
    let user_binary: PathBuf = place.path().join("services");
    fs::copy(&*BINARY, &user_binary).unwrap();
    let root = scene.start();
    let user = Command::new("setpriv")
        .args(NOBODY)
        .arg(&user_binary)
        .arg("upgrade_head")
        .env("SERVICES_MANIFEST", scene.monorepo.manifest())
        .env("TMPDIR", scene.tmp.path())
        // Its reports are kept there, and are not left behind.
        .env("HOME", home.path())
        .env("POSTGRES_PROVIDER", "local")
        .env_remove("NEXTEST_RUN_ID")
        .current_dir("/")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&user.stdout) + String::from_utf8_lossy(&user.stderr);
    assert!(user.status.success(), "{text}");
    scene.succeeds(root);
    scene.nothing_is_left();
}
