//! Each provider gives a fresh, empty server, and nothing of it is left.
//!
//! What happens when a process ends without warning is tried in a child: this
//! test binary again, asked for [`scene`] alone, with a temporary directory of
//! its own that can be looked at afterwards.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use migration_harness::error::HarnessError;
use migration_harness::postgres::{self, Choice, Server, Settings, Touched};
use migration_harness::process::supervisor::{Ending, Supervised, SupervisedSpec};
use pretty_assertions::assert_eq;
use rstest::rstest;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

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

/// Whether containers can be had; says so where not, and fails in CI.
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

/// What lies in the run directories under a temporary directory.
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

// ------------------------------------------------------- programs that fail ---

/// Fake programs in a directory of their own. `@bin@` stands for the real ones.
fn programs(initdb: &str, postgres: &str) -> tempfile::TempDir {
    let dir = open_dir();
    let real = block_on(postgres::binaries::find(&local())).unwrap().0.bin;
    for (name, text) in [("initdb", initdb), ("postgres", postgres)] {
        let version =
            "if [ \"$1\" = --version ]; then echo 'postgres (PostgreSQL) 15.99'; exit 0; fi";
        let text =
            format!("#!/bin/sh\n{version}\n{text}\n").replace("@bin@", real.to_str().unwrap());
        let path = dir.path().join(name);
        fs::write(&path, text.replace("@dir@", dir.path().to_str().unwrap())).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    }
    dir
}

const INITDB: &str = "exec @bin@/initdb \"$@\"";

#[rstest]
#[case::initdb_fails(
    "hold",
    "echo 'initdb: no space left on device' >&2; exit 1",
    "",
    "no space left on device"
)]
#[case::initdb_makes_nothing("hold", "exit 0", "", "made no data directory")]
#[case::postgres_ends(
    "hold",
    INITDB,
    "echo 'FATAL:  out of everything' >&2; exit 3",
    "out of everything"
)]
#[case::postgres_is_late("late", INITDB, "echo 'LOG:  thinking' >&2; sleep 600", "thinking")]
#[case::no_port_is_free(
    "hold",
    INITDB,
    "echo 'could not bind IPv4 address \"127.0.0.1\"' >&2; exit 1",
    "ports"
)]
fn a_start_that_fails_says_why_and_leaves_nothing(
    #[case] scene: &str,
    #[case] initdb: &str,
    #[case] postgres: &str,
    #[case] expected: &str,
) {
    let (tmp, programs) = (open_dir(), programs(initdb, postgres));
    let output = stage(
        scene,
        tmp.path(),
        &[("POSTGRES_BIN", programs.path().to_str().unwrap())],
    );
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && text.contains(expected),
        "{text}"
    );
    assert_eq!(remains(tmp.path()), NOTHING);
    assert_eq!(processes(tmp.path()), NOTHING);
    let cache = fs::read_dir(tmp.path())
        .unwrap()
        .flatten()
        .flat_map(|base| fs::read_dir(base.path().join("cache")).unwrap().flatten());
    let drafts: Vec<_> = cache
        .filter(|e| e.file_name().to_string_lossy().ends_with(".draft"))
        .collect();
    assert!(drafts.is_empty(), "{drafts:?}");
}

#[test]
fn another_port_is_taken_when_one_is_in_use() {
    let postgres = "if [ ! -e @dir@/once ]; then : >@dir@/once; \
        echo 'LOG:  could not bind IPv4 address \"127.0.0.1\": Address already in use' >&2; exit 1; fi; exec @bin@/postgres \"$@\"";
    let (tmp, programs) = (open_dir(), programs(INITDB, postgres));
    let output = stage(
        "stop",
        tmp.path(),
        &[("POSTGRES_BIN", programs.path().to_str().unwrap())],
    );
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(programs.path().join("once").exists());
}

#[test]
fn a_directory_without_programs_is_an_error_that_names_it() {
    let settings = Settings {
        binaries: Some("/nowhere/bin".into()),
        ..local()
    };
    let e = block_on(postgres::start(&settings, "x")).unwrap_err();
    assert!(
        said(&e).contains("POSTGRES_BIN=/nowhere/bin"),
        "{}",
        said(&e)
    );
}

#[test]
fn another_major_version_is_said() {
    let chosen = block_on(postgres::choose(&Settings {
        version: "11".to_owned(),
        ..local()
    }))
    .unwrap();
    assert!(
        chosen
            .notes
            .iter()
            .any(|note| note.contains("wanted postgresql 11")),
        "{chosen:?}"
    );
}

// ------------------------------------------------------------ what is given ---

/// What every provider promises, whoever it is.
async fn is_fresh_and_can_be_made_fresh_again(server: &Server) {
    let database = server.create_database().await.unwrap();
    assert!(
        database.name.starts_with("migration_harness_") && database.name.len() <= 63,
        "{}",
        database.name
    );
    assert!(!format!("{database:?} {server:?}").contains(database.password()));
    assert!(database.url("asyncpg").starts_with("postgresql+asyncpg://"));

    let mut connection = database.connect().await.unwrap();
    assert_eq!(
        one::<i64>(
            &mut connection,
            "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        )
        .await,
        0
    );
    assert_eq!(
        one::<String>(
            &mut connection,
            "SELECT current_setting('migration_harness.token')"
        )
        .await,
        database.token
    );
    assert_eq!(
        one::<String>(&mut connection, "SHOW server_encoding").await,
        "UTF8"
    );
    let version: String = one(&mut connection, "SHOW server_version").await;
    assert!(version.starts_with(&server.version));
    connection.execute("CREATE TABLE t (id int)").await.unwrap();

    // The session is still there: it must not be in the way.
    let again = server
        .recreate_database(&database, &Touched::default())
        .await
        .unwrap();
    assert_eq!(
        (&again.name, &again.host, again.port),
        (&database.name, &database.host, database.port)
    );
    assert_ne!(again.token, database.token);
    let mut connection = again.connect().await.unwrap();
    assert_eq!(
        one::<bool>(&mut connection, "SELECT to_regclass('t') IS NULL").await,
        true
    );
    assert_eq!(
        one::<String>(
            &mut connection,
            "SELECT current_setting('migration_harness.token')"
        )
        .await,
        again.token
    );
    connection.close().await.unwrap();
}

#[test]
fn local_gives_a_fresh_server() {
    block_on(async {
        let server = postgres::start(&local(), "Läuft-gut.service")
            .await
            .unwrap();
        assert_eq!(server.provider, "local");
        is_fresh_and_can_be_made_fresh_again(&server).await;
        assert!(server.log_tail(5).iter().all(|line| !line.is_empty()));
        // Two at once do not know each other.
        let other = postgres::start(&local(), "other").await.unwrap();
        let (a, b) = (
            server.create_database().await.unwrap(),
            other.create_database().await.unwrap(),
        );
        assert!(a.port != b.port && a.password() != b.password());
        assert_eq!(a.url("").contains('%'), false);
        server.stop().await.unwrap();
        assert!(other.is_alive());
        other.stop().await.unwrap();
        assert!(a.connect().await.is_err());
    });
}

#[test]
fn what_migrations_change_for_the_whole_server_is_put_back() {
    block_on(async {
        let server = postgres::start(&local(), "roles").await.unwrap();
        let database = server.create_database().await.unwrap();
        let mut connection = database.connect().await.unwrap();
        for statement in [
            "CREATE ROLE \"App \"\"Owner\" LOGIN",
            "CREATE ROLE reader IN ROLE \"App \"\"Owner\"",
            "CREATE TABLE t (id int)",
            "ALTER TABLE t OWNER TO reader",
            "GRANT CONNECT ON DATABASE postgres TO reader",
            "ALTER ROLE reader SET search_path = x",
            "ALTER ROLE postgres SET search_path = 'a b', c",
            "ALTER ROLE ALL SET statement_timeout = '7s'",
            "GRANT pg_read_all_data TO postgres WITH ADMIN OPTION",
            "ALTER SYSTEM SET work_mem = '9MB'",
            "SELECT pg_reload_conf()",
            "CREATE DATABASE stray OWNER reader",
            "SELECT pg_create_logical_replication_slot('slot', 'pgoutput')",
        ] {
            if let Err(e) = connection.execute(statement).await {
                assert!(statement.contains("slot"), "{statement}: {e}"); // needs wal_level = logical
            }
        }
        let again = server
            .recreate_database(&database, &Touched::default())
            .await
            .unwrap();
        let mut connection = again.connect().await.unwrap();
        assert_eq!(
            one::<i64>(
                &mut connection,
                "SELECT count(*) FROM pg_roles WHERE rolname !~ '^pg_'"
            )
            .await,
            1
        );
        assert_eq!(
            one::<i64>(
                &mut connection,
                "SELECT count(*) FROM pg_auth_members WHERE member = 10"
            )
            .await,
            0
        );
        assert_eq!(
            one::<i64>(
                &mut connection,
                "SELECT count(*) FROM pg_database WHERE datname = 'stray'"
            )
            .await,
            0
        );
        assert_eq!(
            one::<i64>(
                &mut connection,
                "SELECT count(*) FROM pg_db_role_setting WHERE setdatabase = 0"
            )
            .await,
            0
        );
        assert_eq!(one::<String>(&mut connection, "SHOW work_mem").await, "4MB");
        server.stop().await.unwrap();
    });
}

#[test]
fn lists_of_names_are_put_back_name_by_name() {
    block_on(async {
        let mut server = postgres::start(&local(), "lists").await.unwrap();
        let ground = server.create_database().await.unwrap();
        let mut connection = ground.connect().await.unwrap();
        for statement in [
            "CREATE ROLE reader".to_owned(),
            "ALTER ROLE reader SET search_path = '$user', \"a, b\", public".to_owned(),
            "ALTER ROLE ALL SET temp_tablespaces = ''".to_owned(),
            format!("ALTER DATABASE {} SET search_path = ''", ground.name),
        ] {
            connection.execute(AssertSqlSafe(statement)).await.unwrap();
        }
        drop(connection);
        let question = "SELECT string_agg(line, ' | ' ORDER BY line) FROM pg_db_role_setting, unnest(setconfig) line
             WHERE line !~ '^migration_harness' AND setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))";
        let template = server.make_template(ground).await.unwrap();
        let database = server.create_database_from(Some(&template)).await.unwrap();
        let mut connection = database.connect().await.unwrap();
        let before = one::<String>(&mut connection, question).await;
        assert!(before.contains("search_path=\"\""), "{before}");
        for statement in [
            "ALTER ROLE reader RESET search_path",
            "ALTER ROLE ALL SET temp_tablespaces = pg_default",
            "ALTER SYSTEM SET session_preload_libraries = 'a', 'b'",
        ] {
            connection.execute(statement).await.unwrap();
        }
        let again = server
            .recreate_database(&database, &Touched::default())
            .await
            .unwrap();
        let mut connection = again.connect().await.unwrap();
        assert_eq!(one::<String>(&mut connection, question).await, before);
        server.stop().await.unwrap();
    });
}

#[test]
fn what_cannot_be_put_back_is_named() {
    block_on(async {
        let server = postgres::start(&local(), "stubborn").await.unwrap();
        let database = server.create_database().await.unwrap();
        let other = server.create_database().await.unwrap();
        database
            .connect()
            .await
            .unwrap()
            .execute("CREATE ROLE keeper")
            .await
            .unwrap();
        // An object in another database holds the role.
        let mut elsewhere = other.connect().await.unwrap();
        elsewhere
            .execute("CREATE TABLE t (id int); ALTER TABLE t OWNER TO keeper")
            .await
            .unwrap();
        let e = server
            .recreate_database(&database, &Touched::default())
            .await
            .unwrap_err();
        assert!(
            said(&e).contains("the role keeper is still there"),
            "{}",
            said(&e)
        );
        server.stop().await.unwrap();
    });
}

#[test]
fn a_maintenance_connection_that_was_ended_is_made_anew() {
    block_on(async {
        let server = postgres::start(&local(), "ended").await.unwrap();
        let database = server.create_database().await.unwrap();
        let mut connection = database.connect().await.unwrap();
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()").await.unwrap();
        server
            .recreate_database(&database, &Touched::default())
            .await
            .unwrap();
        server.stop().await.unwrap();
    });
}

#[test]
fn activity_says_who_waits_for_whom() {
    block_on(async {
        let server = postgres::start(&local(), "waiting").await.unwrap();
        let database = server.create_database().await.unwrap();
        let (mut holder, mut waiter) = (
            database.connect().await.unwrap(),
            database.connect().await.unwrap(),
        );
        holder
            .execute("CREATE TABLE wanted (id int)")
            .await
            .unwrap();
        holder.execute("BEGIN; LOCK TABLE wanted").await.unwrap();
        let waiting = tokio::spawn(async move {
            waiter
                .execute("ALTER TABLE wanted ADD COLUMN x int")
                .await
                .map(drop)
        });
        let deadline = Instant::now() + Duration::from_secs(20);
        let text = loop {
            let activity = server.activity(&database).await;
            let text = activity.sessions.join("\n");
            if !activity.waits.is_empty() || Instant::now() > deadline {
                break text;
            }
        };
        for part in [
            "ALTER TABLE wanted ADD COLUMN x int",
            "blocked by pid",
            "waits for AccessExclusiveLock on wanted",
            "idle in transaction",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        holder.execute("COMMIT").await.unwrap();
        waiting.await.unwrap().unwrap();
        server.stop().await.unwrap();
    });
}

#[test]
fn a_server_that_was_killed_is_not_alive_and_stops_all_the_same() {
    let tmp = open_dir();
    drop(tmp);
    block_on(async {
        let server = postgres::start(&local(), "killed").await.unwrap();
        let database = server.create_database().await.unwrap();
        let mut connection = database.connect().await.unwrap();
        let data: String = one(&mut connection, "SHOW data_directory").await;
        let pid = fs::read_to_string(Path::new(&data).join("postmaster.pid")).unwrap();
        assert!(
            Command::new("kill")
                .args(["-KILL", pid.lines().next().unwrap()])
                .status()
                .unwrap()
                .success()
        );
        let deadline = Instant::now() + Duration::from_secs(20);
        while server.is_alive() {
            assert!(Instant::now() < deadline);
        }
        assert!(!server.activity(&database).await.sessions.is_empty());
        server.stop().await.unwrap();
        assert!(!Path::new(&data).exists());
    });
}

// ----------------------------------------------------------------- existing ---

/// A server that stands for one of the user's, and a URL of it.
pub async fn host() -> (Server, String) {
    let host = postgres::start(&local(), "host").await.unwrap();
    let url = host.create_database().await.unwrap().url("");
    (host, url)
}

pub fn existing(url: &str) -> Settings {
    Settings {
        provider: Choice::Existing,
        existing_url: Some(url.to_owned()),
        ..Settings::default()
    }
}

pub async fn ours(url: &str, service: &str) -> i64 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let pattern = format!("migration_harness_{service}_%");
    sqlx::query_scalar("SELECT count(*) FROM pg_database WHERE datname LIKE $1")
        .bind(pattern)
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

#[test]
fn existing_gives_databases_and_takes_them_away() {
    block_on(async {
        let (host, url) = host().await;
        let server = postgres::start(&existing(&url), "guest").await.unwrap();
        assert_eq!(server.provider, "existing");
        is_fresh_and_can_be_made_fresh_again(&server).await;
        assert_eq!(ours(&url, "guest").await, 1);

        // Only what a migration created or named is touched.
        let mut touched = Touched::default();
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let late = server.create_database().await.unwrap();
        connection
            .execute("CREATE ROLE made; CREATE ROLE bystander")
            .await
            .unwrap();
        connection.execute("CREATE DATABASE made").await.unwrap();
        connection
            .execute("CREATE DATABASE bystander")
            .await
            .unwrap();
        connection
            .execute("ALTER ROLE postgres SET work_mem = '9MB'; ALTER ROLE bystander SET work_mem = '9MB'")
            .await
            .unwrap();
        for statement in [
            "CREATE ROLE made",
            "CREATE DATABASE made",
            "ALTER ROLE current_user SET work_mem = '9MB'",
        ] {
            touched.note(statement, "postgres");
        }
        server.recreate_database(&late, &touched).await.unwrap();
        let left: String = one(&mut connection, "SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles WHERE rolname !~ '^pg_'").await;
        assert_eq!(left, "bystander postgres");
        let left: String = one(&mut connection, "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE datname !~ '^migration_harness_'").await;
        assert_eq!(left, "bystander postgres template0 template1");
        let left: String = one(&mut connection, "SELECT string_agg(setrole::regrole::text, ' ') FROM pg_db_role_setting WHERE setdatabase = 0").await;
        assert_eq!(left, "bystander");

        server.stop().await.unwrap();
        assert_eq!(ours(&url, "guest").await, 0);
        host.stop().await.unwrap();
    });
}

#[test]
fn databases_on_an_existing_server_are_dropped_after_a_panic_and_those_of_a_killed_run_by_the_next()
{
    let tmp = open_dir();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let (host, url) = runtime.block_on(host());
    let env = |service| [("EXISTING", url.as_str()), ("SERVICE", service)];
    let count = |service| runtime.block_on(ours(&url, service));

    assert_eq!(
        stage("panic", tmp.path(), &env("panics")).status.code(),
        Some(101)
    );
    assert_eq!(count("panics"), 0);

    let (mut alive, _) = holding(tmp.path(), &env("alive"));
    let (mut dead, _) = holding(tmp.path(), &env("dead"));
    dead.kill().unwrap();
    dead.wait().unwrap();
    assert_eq!((count("alive"), count("dead")), (1, 1));
    // Its session ends a moment after it.
    eventually("the dead run's database is swept", || {
        assert!(stage("stop", tmp.path(), &env("next")).status.success());
        count("dead") == 0
    });
    assert_eq!((count("alive"), count("next")), (1, 0));
    alive.kill().unwrap();
    alive.wait().unwrap();
    runtime.block_on(host.stop()).unwrap();
}

#[test]
fn an_existing_server_that_cannot_be_used_says_why() {
    block_on(async {
        let (host, url) = host().await;
        let unset = Settings {
            provider: Choice::Existing,
            ..Settings::default()
        };
        let e = postgres::start(&unset, "x").await.unwrap_err();
        assert!(
            said(&e).contains("HARNESS_DATABASE_URL, which is not set"),
            "{}",
            said(&e)
        );

        let e = postgres::start(&existing("postgresql://u:secret@127.0.0.1:1/postgres"), "x")
            .await
            .unwrap_err();
        assert!(
            said(&e).contains("127.0.0.1:1") && !said(&e).contains("secret"),
            "{}",
            said(&e)
        );

        let mut connection = PgConnection::connect(&url).await.unwrap();
        connection
            .execute("CREATE ROLE humble LOGIN PASSWORD 'secret'")
            .await
            .unwrap();
        let (_, place) = url.rsplit_once('@').unwrap();
        let e = postgres::start(
            &existing(&format!("postgresql://humble:secret@{place}")),
            "x",
        )
        .await
        .unwrap_err();
        assert!(
            said(&e).contains("humble may not create databases"),
            "{}",
            said(&e)
        );

        connection
            .execute("ALTER ROLE humble CREATEDB")
            .await
            .unwrap();
        let able = |driver: &str| existing(&format!("postgresql{driver}://humble:secret@{place}"));
        let e = postgres::start(&able("+psycopg"), "x").await.unwrap_err();
        assert!(said(&e).contains("GRANT SET ON PARAMETER"), "{}", said(&e));

        // With both rights, and no others, everything works (new in 15).
        if connection
            .execute("GRANT SET ON PARAMETER migration_harness.token TO humble")
            .await
            .is_ok()
        {
            let server = postgres::start(&able("+asyncpg"), "x").await.unwrap();
            is_fresh_and_can_be_made_fresh_again(&server).await;
            server.stop().await.unwrap();
        }
        host.stop().await.unwrap();
    });
}

// ---------------------------------------------------------------- container ---

/// Names of containers of a service, running or not.
pub fn containers_of(service: &str) -> Vec<String> {
    let filter = format!("name=migration-harness-{service}-");
    let output = Command::new("docker")
        .args(["ps", "-a", "--format", "{{.Names}}", "--filter", &filter])
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(str::to_owned)
        .collect()
}

#[test]
fn container_gives_a_fresh_server() {
    block_on(async {
        if !containers_run().await {
            return;
        }
        let server = postgres::start(&container(), "boxed").await.unwrap();
        assert_eq!(server.provider, "container");
        is_fresh_and_can_be_made_fresh_again(&server).await;
        assert_eq!(containers_of("boxed").len(), 1);
        assert!(server.is_alive() && !server.log_tail(5).is_empty());
        server.stop().await.unwrap();
        assert_eq!(containers_of("boxed"), NOTHING);
    });
}

#[rstest]
#[case::panic("panic")]
#[case::exit("exit")]
#[case::killed("kill")]
fn nothing_is_left_of_a_container(#[case] scene: &str) {
    if !block_on(containers_run()) {
        return;
    }
    let tmp = open_dir();
    let service = format!("boxed{scene}");
    let env = [("CONTAINER", "1"), ("SERVICE", service.as_str())];
    if scene == "kill" {
        let (mut child, _) = holding(tmp.path(), &env);
        assert_eq!(containers_of(&service).len(), 1);
        child.kill().unwrap();
        child.wait().unwrap();
    } else {
        let output = stage(scene, tmp.path(), &env);
        assert!(!String::from_utf8_lossy(&output.stderr).contains("cannot"));
    }
    eventually("no container is left", || {
        containers_of(&service).is_empty()
    });
    eventually("no process is left", || processes(tmp.path()).is_empty());
}

#[test]
fn containers_without_a_command_line_program_are_removed_too() {
    if !block_on(containers_run()) {
        return;
    }
    let tmp = open_dir();
    let env = [
        ("CONTAINER", "1"),
        ("SERVICE", "boxednocli"),
        ("PATH", "/usr/bin:/bin"),
    ];
    if ["/usr/bin/docker", "/bin/docker", "/usr/bin/podman"]
        .iter()
        .any(|p| Path::new(p).exists())
    {
        println!("not run: the program cannot be taken off PATH here");
        return;
    }
    assert_eq!(stage("panic", tmp.path(), &env).status.code(), Some(101));
    assert_eq!(containers_of("boxednocli"), NOTHING);

    let (mut child, _) = holding(tmp.path(), &env);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(containers_of("boxednocli").len(), 1);
    // By the next run; a live run's container stays.
    let (mut alive, _) = holding(tmp.path(), &[("CONTAINER", "1"), ("SERVICE", "boxedalive")]);
    assert_eq!(containers_of("boxednocli"), NOTHING);
    assert!(
        stage(
            "stop",
            tmp.path(),
            &[("CONTAINER", "1"), ("SERVICE", "boxednext")]
        )
        .status
        .success()
    );
    assert_eq!(containers_of("boxedalive").len(), 1);
    alive.kill().unwrap();
    alive.wait().unwrap();
    eventually("no container is left", || {
        containers_of("boxedalive").is_empty()
    });
}

#[test]
fn a_container_that_cannot_start_says_why_and_leaves_nothing() {
    block_on(async {
        if !containers_run().await {
            return;
        }
        let settings = Settings {
            ready_within: Duration::from_millis(1),
            ..container()
        };
        let e = postgres::start(&settings, "boxedlate").await.unwrap_err();
        assert!(
            said(&e).contains("did not answer within 1ms"),
            "{}",
            said(&e)
        );
        assert_eq!(containers_of("boxedlate"), NOTHING);
    });
}

#[test]
fn auto_prefers_containers_and_says_why_not() {
    block_on(async {
        let nowhere = Settings {
            image: "migration-harness/no-such-image".to_owned(),
            ..Settings::default()
        };
        let chosen = postgres::choose(&nowhere).await.unwrap();
        assert_eq!(chosen.provider, "local");
        assert!(
            chosen
                .notes
                .iter()
                .any(|note| note.starts_with("not container:")),
            "{chosen:?}"
        );
        if containers_run().await {
            let settings = Settings {
                provider: Choice::Auto,
                ..container()
            };
            assert_eq!(
                postgres::choose(&settings).await.unwrap().provider,
                "container"
            );
        }
        let none = Settings {
            binaries: Some("/nowhere".into()),
            ..nowhere
        };
        let e = postgres::choose(&none).await.unwrap_err();
        for part in [
            "not container:",
            "not local:",
            "POSTGRES_BIN",
            "HARNESS_DATABASE_URL",
        ] {
            assert!(said(&e).contains(part), "{part}: {}", said(&e));
        }
    });
}

// --------------------------------------------------------------- supervised ---

fn shell(script: &str, ending: Ending) -> SupervisedSpec {
    SupervisedSpec::new("/bin/sh", "/", ending).args(["-c", script])
}

#[test]
fn a_supervised_child_reports_how_its_child_ended() {
    block_on(async {
        for (script, status) in [("exit 7", 7), ("kill -KILL $$", 137)] {
            let supervised = Supervised::spawn(shell(script, Ending::Kill))
                .await
                .unwrap();
            assert_eq!(
                supervised.exited(Duration::from_secs(20)).await,
                Some(status)
            );
            supervised.end().await.unwrap();
        }
        let supervised =
            Supervised::spawn(SupervisedSpec::new("/no/such/program", "/", Ending::Kill))
                .await
                .unwrap();
        assert_eq!(supervised.exited(Duration::from_secs(20)).await, Some(127));
        assert_eq!(supervised.exit_status(), Some(127));
        supervised.end().await.unwrap();
    });
}

#[test]
fn a_supervised_child_hands_over_input_descriptors_and_exactly_the_environment_given() {
    use std::io::{Read, Write};
    block_on(async {
        let (input, mut to_child) = std::io::pipe().unwrap();
        let (mut from_child, output) = std::io::pipe().unwrap();
        let mut spec = shell(
            "read line; echo \"$line $GIVEN ${HOME-none} $(ls /proc/self/fd | tr '\\n' ' ')\" >&4",
            Ending::Kill,
        );
        spec.stdin = input.into();
        spec.fds = vec![(output.into(), 4)];
        spec.env = Some(vec![
            ("GIVEN".into(), "value".into()),
            ("PATH".into(), "/usr/bin:/bin".into()),
        ]);
        let supervised = Supervised::spawn(spec).await.unwrap();
        to_child.write_all(b"hello\n").unwrap();
        let mut text = String::new();
        // Ends only if the supervisor does not hold the descriptor as well.
        from_child.read_to_string(&mut text).unwrap();
        assert!(text.starts_with("hello value none "), "{text}");
        // Neither its input a second time, nor the report, nor the lead.
        assert!(
            text.split_whitespace()
                .all(|word| !["7", "8", "9"].contains(&word)),
            "{text}"
        );
        supervised.end().await.unwrap();
    });
}

#[rstest]
#[case::group("sleep 600 & sleep 600")]
#[case::daemon("setsid sleep 600 & sleep 600")]
#[case::deaf("trap '' INT TERM QUIT HUP; sleep 600")]
fn a_supervised_child_ends_whatever_its_child_started(#[case] script: &str) {
    let dir = open_dir();
    let marked = dir.path().join("of-this-test");
    fs::create_dir(&marked).unwrap();
    block_on(async {
        let script = format!("cd {}; echo on >started; {script}", marked.display());
        let mut spec = shell(&script, Ending::Kill);
        spec.remove = Some(marked.clone());
        let supervised = Supervised::spawn(spec).await.unwrap();
        assert!(supervised.pid() > 1);
        let started = || marked.join("started").exists() && inside(&marked) > 1;
        let deadline = Instant::now() + Duration::from_secs(20);
        while !started() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        supervised.end().await.unwrap();
    });
    assert!(!marked.exists());
    eventually("nothing works there any more", || inside(&marked) == 0);
}

/// How many processes work in a directory, also one that is gone (Linux).
fn inside(dir: &Path) -> usize {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|e| fs::read_link(e.path().join("cwd")).ok())
        .filter(|cwd| {
            cwd.starts_with(dir) || cwd.to_string_lossy().starts_with(dir.to_str().unwrap())
        })
        .count()
}

#[test]
fn a_supervised_child_that_is_dropped_ends_its_child_too() {
    let dir = open_dir();
    let marked = dir.path().join("of-this-test");
    fs::create_dir(&marked).unwrap();
    block_on(async {
        let mut spec = shell("sleep 600", Ending::Quit);
        spec.cwd = marked.clone();
        spec.remove = Some(marked.clone());
        drop(Supervised::spawn(spec).await.unwrap());
    });
    eventually("its directory is gone", || !marked.exists());
    eventually("its child is gone", || inside(&marked) == 0);
}

#[test]
fn a_server_can_be_handed_from_thread_to_thread() {
    fn is<T: Send + Sync>() {}
    is::<Server>();
    is::<Supervised>();
}
