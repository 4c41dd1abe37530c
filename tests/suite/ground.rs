//! Objects that are prepared for a service, and what lies under its first revision.

use std::path::{Path, PathBuf};
use std::process::Command;

use pretty_assertions::assert_eq;
use sqlx::{Connection, Executor, PgConnection};
use tempfile::TempDir;

use crate::judge::{Judged, judge, python, repository};
use crate::postgres::{block_on, host, ours};

/// A manifest whose root is `root`, with one service of `tests/unusual`.
fn manifest(directory: &Path, root: &Path, postgres: &str, service: &str) -> PathBuf {
    let manifest = directory.join("manifest");
    std::fs::create_dir_all(manifest.join("services")).unwrap();
    let python = python();
    let waived = ["migration_notes", "deployed_schema", "outbox_indexes"];
    let waived: Vec<String> = waived
        .iter()
        .map(|id| format!("{id} = \"not here\""))
        .collect();
    let defaults = format!(
        "root = {:?}\npython = {:?}\n[postgres]\n{postgres}\n[not_applicable]\n{}\n",
        root.display().to_string(),
        python.display().to_string(),
        waived.join("\n")
    );
    std::fs::write(manifest.join("defaults.toml"), defaults).unwrap();
    let service =
        format!("path = \"baseline_of_tables\"\ndatabase_url_env = \"DATABASE_URL\"\n{service}\n");
    std::fs::write(manifest.join("services/essays.toml"), service).unwrap();
    manifest
}

fn git(directory: &Path, arguments: &[&str]) {
    let who = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
    let status = Command::new("git")
        .arg("-C")
        .arg(directory)
        .args(who)
        .args(arguments)
        .stdout(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "git {arguments:?}");
}

fn copied(name: &str, to: &Path) {
    let from = repository().join("tests/unusual").join(name);
    let status = Command::new("cp").arg("-R").arg(from).arg(to).status();
    assert!(status.unwrap().success());
}

/// A repository in which the tag `before` has models without the column that the first
/// revision adds, and without the outbox.
fn with_history() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("root");
    std::fs::create_dir(&root).unwrap();
    copied("baseline_of_tables", &root);
    copied("libs", &root);
    let models = root.join("baseline_of_tables/models_db.py");
    let now = std::fs::read_to_string(&models).unwrap();
    let before = now.replace("    pages: Mapped[int | None]\n", "").replace(
        "class EventOutbox(EventOutboxMixin, Base):",
        "class EventOutbox:",
    );
    assert_ne!(now, before);
    git(&root, &["init", "-q"]);
    std::fs::write(&models, before).unwrap();
    git(&root, &["add", "."]);
    git(&root, &["commit", "-qm", "before"]);
    git(&root, &["tag", "before"]);
    std::fs::write(&models, now).unwrap();
    directory
}

fn baseline(directory: &Path, commit: &str) -> Judged {
    let service = format!("baseline = {{ models = \"{commit}\" }}");
    let manifest = manifest(directory, &directory.join("root"), "", &service);
    judge(&manifest, &[], &[])
}

#[test]
fn a_baseline_is_what_the_models_of_a_commit_build() {
    let directory = with_history();
    let judged = baseline(directory.path(), "before");
    assert_eq!(judged.code, Some(0), "{}", judged.all());
    let root = directory.path().join("root");
    let status = Command::new("git")
        .arg("-C")
        .arg(&root)
        .args(["status", "--porcelain"])
        .output()
        .unwrap();
    let changed = String::from_utf8_lossy(&status.stdout).into_owned();
    let own: Vec<&str> = changed
        .lines()
        .filter(|line| !line.contains("__pycache__"))
        .collect();
    assert_eq!(own, [" M baseline_of_tables/models_db.py"]);
}

#[test]
fn a_baseline_without_its_commit_or_its_files_is_named() {
    let directory = with_history();
    let unknown = baseline(directory.path(), "never");
    let says = "baseline = { models = \"never\" }: never is no commit";
    assert!(unknown.all().contains(says), "{}", unknown.all());

    let root = directory.path().join("root");
    git(
        &root,
        &["rm", "-q", "--cached", "baseline_of_tables/alembic.ini"],
    );
    git(&root, &["commit", "-qm", "without"]);
    let without = baseline(directory.path(), "HEAD");
    let says = "that commit has no baseline_of_tables/alembic.ini";
    assert!(without.all().contains(says), "{}", without.all());
}

async fn asked(url: &str, question: &'static str) -> i64 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query_scalar(question)
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

#[test]
fn what_is_prepared_on_a_server_that_runs_goes_again() {
    block_on(async {
        let (_host, url) = host().await;
        let directory = tempfile::tempdir().unwrap();
        let prepare = "prepare = \"CREATE ROLE prepared_here; CREATE SCHEMA reports AUTHORIZATION prepared_here\"";
        let service = "baseline = { sql = \"baseline_of_tables/tables.sql\" }";
        let root = repository().join("tests/unusual");
        let on = [
            ("POSTGRES_PROVIDER", "existing"),
            ("HARNESS_DATABASE_URL", &*url),
        ];
        let roles = "SELECT count(*) FROM pg_roles WHERE rolname = 'prepared_here'";

        let green = judge(
            &manifest(directory.path(), &root, prepare, service),
            &[],
            &on,
        );
        assert_eq!(green.code, Some(0), "{}", green.all());
        assert_eq!(
            (asked(&url, roles).await, ours(&url, "essays").await),
            (0, 0)
        );

        let refused = prepare.replace("CREATE SCHEMA reports", "CREATE SCHEM reports");
        let red = judge(
            &manifest(directory.path(), &root, &refused, service),
            &[],
            &on,
        );
        let says = "the statement: CREATE SCHEM reports AUTHORIZATION prepared_here";
        assert!(red.all().contains(says), "{}", red.all());
        assert_eq!(
            (asked(&url, roles).await, ours(&url, "essays").await),
            (0, 0)
        );
    });
}

#[test]
fn what_a_server_that_runs_may_not_do_is_named() {
    block_on(async {
        let (_host, url) = host().await;
        let mut connection = PgConnection::connect(&url).await.unwrap();
        connection
            .execute(
                "CREATE ROLE guest LOGIN CREATEDB PASSWORD 'a-long-password';
                 GRANT SET ON PARAMETER migration_harness.token TO guest",
            )
            .await
            .unwrap();
        let rest = url.rsplit_once('@').unwrap().1;
        let guest = format!("postgresql://guest:a-long-password@{rest}");
        let on = [
            ("POSTGRES_PROVIDER", "existing"),
            ("HARNESS_DATABASE_URL", &*guest),
        ];
        let directory = tempfile::tempdir().unwrap();
        let root = repository().join("tests/unusual");
        let service = "baseline = { sql = \"baseline_of_tables/tables.sql\" }";
        let judged = |postgres: &str| {
            let manifest = manifest(directory.path(), &root, postgres, service);
            judge(&manifest, &["upgrade_head"], &on).all()
        };

        let role = judged("prepare = \"CREATE ROLE prepared_here\"");
        for part in [
            "the statement: CREATE ROLE prepared_here",
            "42501",
            "the user guest of HARNESS_DATABASE_URL may not do this",
        ] {
            assert!(role.contains(part), "{part}\n{role}");
        }
        let setting = judged("settings = { max_locks_per_transaction = 4711 }");
        let says = "has max_locks_per_transaction = 64, and [postgres.settings] wants 4711";
        assert!(setting.contains(says), "{setting}");
        let same = judged("settings = { max_locks_per_transaction = 64 }");
        assert!(
            same.contains("test upgrade_head::essays.toml ... ok"),
            "{same}"
        );
    });
}
