//! `KEEP_SERVER=1` leaves the server of a red service running, says how it is opened
//! and removed, and nothing else stays.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use pretty_assertions::assert_eq;
use sqlx::{Connection, PgConnection};

use crate::judge::{Judged, judge, repository};
use crate::postgres::{
    block_on, containers_of, containers_run, host, open_dir, processes, remains,
};

const RED: &str = "downgrade_leaves_enum_type";
const NOTHING: [String; 0] = [];

/// A run on one fault, with a temporary directory of its own.
fn keep(tmp: &Path, keep: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Judged {
    let tmp = tmp.to_str().unwrap();
    let fixed = [("TMPDIR", tmp), ("KEEP_SERVER", keep), ("ONLY", RED)];
    let variables: Vec<(&str, &str)> = fixed.into_iter().chain(variables.iter().copied()).collect();
    judge(
        &repository().join("tests/broken/services-manifest"),
        arguments,
        &variables,
    )
}

/// The rest of the line that begins with `= open: ` or `= remove: ` in the text of a red case.
fn line(judged: &Judged, word: &str) -> String {
    let start = format!("= {word}: ");
    let lines = judged
        .stdout
        .lines()
        .filter_map(|line| line.trim().strip_prefix(&start));
    lines
        .map(str::to_owned)
        .next()
        .unwrap_or_else(|| panic!("no {word}\n{}", judged.all()))
}

fn sh(command: &str) -> Output {
    Command::new("sh").args(["-c", command]).output().unwrap()
}

/// The answer of the kept database.
fn ask(open: &str, query: &str) -> String {
    let output = sh(&format!("{open} -X -A -t -c \"{query}\""));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    said + &String::from_utf8_lossy(&output.stderr)
}

/// The directories of kept servers.
fn records(tmp: &Path) -> Vec<PathBuf> {
    let bases = fs::read_dir(tmp)
        .unwrap()
        .flatten()
        .map(|entry| entry.path().join("kept"));
    bases
        .filter_map(|kept| fs::read_dir(kept).ok())
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect()
}

/// Opens and removes what one run kept, with a run in between that must leave it alone.
fn is_opened_and_removed(tmp: &Path, variables: &[(&str, &str)]) {
    let judged = keep(tmp, "1", &[], variables);
    assert_eq!(judged.code, Some(101), "{}", judged.all());
    let (open, remove) = (line(&judged, "open"), line(&judged, "remove"));
    assert!(open.ends_with(" service=up_and_down"), "{open}");
    assert_eq!(
        ask(&open, "SELECT typname FROM pg_type WHERE typtype = 'e'").trim(),
        "essay_status"
    );
    let at_head = open.replace("up_and_down", "upgrade_head");
    assert_eq!(
        ask(&at_head, "SELECT version_num FROM alembic_version").trim(),
        "20250707_0001"
    );

    let [record] = &records(tmp)[..] else {
        panic!("{:?}", records(tmp))
    };
    let services = record.join("service.conf");
    assert_eq!(
        fs::metadata(&services).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let text = fs::read_to_string(&services).unwrap();
    let password = text
        .lines()
        .find_map(|line| line.strip_prefix("password="))
        .unwrap();
    assert!(!judged.all().contains(password), "{}", judged.all());
    for file in ["remove", "gone", "about"] {
        assert!(
            !fs::read_to_string(record.join(file))
                .unwrap()
                .contains(password),
            "{file}"
        );
    }

    let next = keep(tmp, "0", &["upgrade_head"], variables);
    assert_eq!(next.code, Some(0), "{}", next.all());
    assert!(
        next.stderr
            .contains(&format!("kept by KEEP_SERVER: {RED}, PostgreSQL ")),
        "{}",
        next.all()
    );
    assert!(
        next.stderr.contains(&format!("remove it: {remove}")),
        "{}",
        next.all()
    );
    assert_eq!(ask(&open, "SELECT 1").trim(), "1");

    let removed = sh(&remove);
    assert!(
        removed.status.success(),
        "{}",
        String::from_utf8_lossy(&removed.stderr)
    );
    assert_eq!(records(tmp), Vec::<PathBuf>::new());
    assert!(!ask(&open, "SELECT 1").starts_with('1'));
}

#[test]
fn a_local_server_is_kept_and_removed() {
    let tmp = open_dir();
    is_opened_and_removed(tmp.path(), &[("POSTGRES_PROVIDER", "local")]);
    assert_eq!(processes(tmp.path()), NOTHING);
    assert_eq!(remains(tmp.path()), NOTHING);
}

#[test]
fn a_container_is_kept_and_removed() {
    if !block_on(containers_run()) {
        return;
    }
    let tmp = open_dir();
    is_opened_and_removed(tmp.path(), &[("POSTGRES_PROVIDER", "container")]);
    assert_eq!(containers_of(RED), NOTHING);
    let left: Vec<String> = remains(tmp.path())
        .into_iter()
        .filter(|path| !path.ends_with(".lock"))
        .collect();
    for run in left {
        assert!(fs::read_dir(&run).unwrap().next().is_none(), "{run}");
    }
}

#[test]
fn databases_on_an_existing_server_are_kept_and_removed() {
    let tmp = open_dir();
    block_on(async {
        let (server, url) = host().await;
        let variables = [
            ("POSTGRES_PROVIDER", "existing"),
            ("HARNESS_DATABASE_URL", url.as_str()),
        ];
        is_opened_and_removed(tmp.path(), &variables);
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let left: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_database WHERE datname LIKE 'migration_harness_downgrade%'",
        )
        .fetch_one(&mut connection)
        .await
        .unwrap();
        assert_eq!(left, 0);
        server.stop().await.unwrap();
    });
}

/// A role belongs to the server: left there, it would be in the way of the next run.
#[test]
fn what_created_roles_on_an_existing_server_is_not_kept() {
    let tmp = open_dir();
    let unusual = repository().join("tests/unusual");
    let manifest = tmp.path().join("manifest");
    fs::create_dir_all(manifest.join("services")).unwrap();
    let defaults = fs::read_to_string(unusual.join("services-manifest/defaults.toml")).unwrap();
    let root = format!("root = \"{}\"", unusual.display());
    fs::write(
        manifest.join("defaults.toml"),
        defaults.replace("root = \"..\"", &root),
    )
    .unwrap();
    let file = "services/cluster_wide_role.toml";
    let service = fs::read_to_string(unusual.join("services-manifest").join(file)).unwrap();
    let red = "\n[downgrade.one_way]\n\"no_such_revision\" = \"makes the service red\"\n";
    fs::write(manifest.join(file), service + red).unwrap();
    block_on(async {
        let (server, url) = host().await;
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let roles = "SELECT array_agg(rolname::text ORDER BY rolname) FROM pg_roles";
        let before: Vec<String> = sqlx::query_scalar(roles)
            .fetch_one(&mut connection)
            .await
            .unwrap();
        let judged = judge(
            &manifest,
            &["downgrade"],
            &[
                ("TMPDIR", tmp.path().to_str().unwrap()),
                ("KEEP_SERVER", "1"),
                ("POSTGRES_PROVIDER", "existing"),
                ("HARNESS_DATABASE_URL", &url),
            ],
        );
        assert_eq!(judged.code, Some(101), "{}", judged.all());
        let said = "KEEP_SERVER: not kept: its migrations changed roles, databases";
        assert!(judged.stderr.contains(said), "{}", judged.all());
        let after: Vec<String> = sqlx::query_scalar(roles)
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(after, before);
        server.stop().await.unwrap();
    });
    assert_eq!(records(tmp.path()), Vec::<PathBuf>::new());
}

#[test]
fn nothing_is_kept_of_a_green_service_and_a_kept_server_that_died_is_forgotten() {
    let tmp = open_dir();
    let local = [("POSTGRES_PROVIDER", "local")];
    let green = keep(tmp.path(), "1", &["upgrade_head"], &local);
    assert_eq!(green.code, Some(0), "{}", green.all());
    assert_eq!(records(tmp.path()), Vec::<PathBuf>::new());
    assert_eq!(processes(tmp.path()), NOTHING);

    let red = keep(tmp.path(), "1", &["downgrade"], &local);
    assert_eq!(records(tmp.path()).len(), 1, "{}", red.all());
    // As after the machine was started anew.
    let data = remains(tmp.path())
        .into_iter()
        .filter_map(|run| fs::read_dir(run).ok())
        .flatten()
        .flatten();
    let data: Vec<PathBuf> = data
        .map(|entry| entry.path().join("data/postmaster.pid"))
        .filter(|file| file.exists())
        .collect();
    let pid = fs::read_to_string(&data[0])
        .unwrap()
        .lines()
        .next()
        .unwrap()
        .to_owned();
    assert!(
        sh(&format!(
            "kill -KILL {pid}; while kill -0 {pid} 2>/dev/null; do sleep 0.1; done"
        ))
        .status
        .success()
    );
    let next = keep(tmp.path(), "0", &["upgrade_head"], &local);
    assert!(
        !next.stderr.contains("kept by KEEP_SERVER"),
        "{}",
        next.all()
    );
    assert_eq!(records(tmp.path()), Vec::<PathBuf>::new());
    assert_eq!(processes(tmp.path()), NOTHING);
}

/// Under cargo-nextest the case that gathers is another process than the one that is red.
#[test]
fn a_red_case_names_the_server_that_another_process_kept() {
    let tmp = open_dir();
    let run = format!("keep-{}", std::process::id());
    let alone = |criterion: &str| {
        let case = format!("{criterion}::{RED}.toml");
        let variables = [
            ("POSTGRES_PROVIDER", "local"),
            ("NEXTEST", "1"),
            ("NEXTEST_RUN_ID", run.as_str()),
        ];
        keep(tmp.path(), "1", &["--exact", &case], &variables)
    };
    let green = alone("upgrade_head");
    assert_eq!(green.code, Some(0), "{}", green.all());
    assert_eq!(records(tmp.path()).len(), 1, "{}", green.all());
    let red = alone("downgrade");
    assert_eq!(red.code, Some(101), "{}", red.all());
    assert_eq!(records(tmp.path()).len(), 1, "{}", red.all());
    assert_eq!(ask(&line(&red, "open"), "SELECT 1").trim(), "1");
    assert!(sh(&line(&red, "remove")).status.success());
    assert_eq!(processes(tmp.path()), NOTHING);
}
