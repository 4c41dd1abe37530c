//! Promises of a schema's text: it says all that a catalog holds, and builds it again;
//! and how one is accepted.

use std::path::{Path, PathBuf};

use migration_harness::evidence::Catalog;
use migration_harness::postgres::{self, Choice, Database, Server, Settings};
use migration_harness::schema;
use pretty_assertions::assert_eq;
use rstest::rstest;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::judge::{Judged, judge, repository};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.enable_all().build().unwrap().block_on(future)
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap()
}

async fn server() -> Server {
    let settings = Settings {
        provider: Choice::Local,
        ..Settings::default()
    };
    postgres::start(&settings, "schema").await.unwrap()
}

async fn catalog(database: &Database) -> Catalog {
    let mut connection = database.connect().await.unwrap();
    Catalog::read(&mut connection, false).await.unwrap()
}

async fn run(connection: &mut PgConnection, sql: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(connection)
        .await
        .map(drop)
}

/// Loads a text object by object, then once more what failed; what still fails is an error.
async fn load_twice(database: &Database, text: &str) {
    let mut connection = database.connect().await.unwrap();
    run(&mut connection, "SET check_function_bodies = false")
        .await
        .unwrap();
    let mut failed = Vec::new();
    for block in schema::read(text).unwrap() {
        if run(&mut connection, &block.sql).await.is_err() {
            failed.push(block);
        }
    }
    for block in failed {
        let again = run(&mut connection, &block.sql).await;
        assert!(again.is_ok(), "{}: {again:?}", block.title());
    }
}

#[test]
fn a_text_builds_the_catalog_that_it_was_written_from() {
    let objects = repository().join("tests/unusual/objects_of_many_kinds/alembic/objects.sql");
    block_on(async {
        let server = server().await;
        let (first, second) = (
            server.create_database().await.unwrap(),
            server.create_database().await.unwrap(),
        );
        run(&mut first.connect().await.unwrap(), &read(&objects))
            .await
            .unwrap();
        let built = catalog(&first).await;
        let text = schema::text("a_service", &built);
        load_twice(&second, &text).await;
        assert_eq!(catalog(&second).await, built);
        server.stop().await.unwrap();
    });
}

/// The criterion compares them with what the migrations build; so this is the same catalog.
#[rstest]
fn a_shipped_schema_loads_as_it_stands(#[files("services-manifest/schemas/*.sql")] file: PathBuf) {
    let text = read(&file);
    let service = file.file_stem().unwrap().to_string_lossy().into_owned();
    block_on(async {
        let server = server().await;
        let database = server.create_database().await.unwrap();
        run(&mut database.connect().await.unwrap(), &text)
            .await
            .unwrap();
        assert_eq!(schema::text(&service, &catalog(&database).await), text);
        server.stop().await.unwrap();
    });
}

/// A manifest of one service below a temporary directory.
struct Copied {
    directory: tempfile::TempDir,
}

impl Copied {
    fn of(service: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = repository().join("tests/broken");
        let defaults = read(&root.join("services-manifest/defaults.toml"));
        let defaults = defaults.replace("root = \"..\"", &format!("root = {root:?}"));
        let copied = Self { directory };
        std::fs::create_dir(copied.path("services")).unwrap();
        std::fs::write(copied.path("defaults.toml"), defaults).unwrap();
        let file = format!("services/{service}.toml");
        std::fs::copy(
            root.join("services-manifest").join(&file),
            copied.path(&file),
        )
        .unwrap();
        std::fs::create_dir(copied.path("conventions")).unwrap();
        copied
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn judge(&self, variables: &[(&str, &str)]) -> Judged {
        judge(self.directory.path(), &["deployed_schema"], variables)
    }
}

#[test]
fn a_schema_is_accepted_on_request_and_compared_from_then_on() {
    let copied = Copied::of("schema_column_dropped");
    let file = copied.path("schemas/schema_column_dropped.sql");
    let update = [("UPDATE_SCHEMAS", "1")];

    let first = copied.judge(&update);
    assert_eq!(first.code, Some(0), "{}", first.all());
    assert!(
        first
            .stderr
            .contains("schema_column_dropped.sql: written, new\n"),
        "{}",
        first.all()
    );
    let text = read(&file);
    assert!(text.contains("CREATE TABLE public.essays ("), "{text}");

    let again = copied.judge(&update);
    assert!(
        again
            .stderr
            .contains("schema_column_dropped.sql: unchanged\n"),
        "{}",
        again.all()
    );
    assert_eq!(copied.judge(&[]).code, Some(0));

    std::fs::write(
        &file,
        text.replace("    title ", "    content text,\n    title "),
    )
    .unwrap();
    assert_eq!(copied.judge(&[]).code, Some(101));
    let third = copied.judge(&update);
    let says = "written; destructive where it is deployed: table public.essays\n";
    assert!(third.stderr.contains(says), "{}", third.all());
    assert_eq!(read(&file), text);
}

#[test]
fn no_schema_is_accepted_in_ci() {
    let copied = Copied::of("schema_never_accepted");
    let judged = copied.judge(&[("UPDATE_SCHEMAS", "1"), ("CI", "true")]);
    assert_eq!(judged.code, Some(101), "{}", judged.all());
    assert!(
        judged.stderr.contains("UPDATE_SCHEMAS is set where CI is"),
        "{}",
        judged.all()
    );
    assert!(!copied.path("schemas").exists());
}

#[test]
fn no_schema_is_accepted_of_a_migration_that_fails() {
    let copied = Copied::of("value_error_in_upgrade");
    let toml = copied.path("services/value_error_in_upgrade.toml");
    std::fs::write(
        &toml,
        read(&toml) + "\n[not_applicable]\ndeployed_schema = false\n",
    )
    .unwrap();
    let judged = copied.judge(&[("UPDATE_SCHEMAS", "1")]);
    assert_eq!(judged.code, Some(101), "{}", judged.all());
    assert!(
        judged
            .stdout
            .contains("blocked[deployed_schema]: by upgrade_head"),
        "{}",
        judged.all()
    );
    assert!(
        judged
            .stderr
            .contains("not accepted, because of upgrade_head"),
        "{}",
        judged.all()
    );
    assert!(!copied.path("schemas").exists());
}

#[test]
fn a_schema_of_no_service_is_noticed() {
    let copied = Copied::of("schema_never_accepted");
    std::fs::create_dir(copied.path("schemas")).unwrap();
    std::fs::write(copied.path("schemas/old_name.sql"), "-- old\n").unwrap();
    let judged = copied.judge(&[]);
    assert!(
        judged
            .stdout
            .contains("was this one renamed? then move it: git mv "),
        "{}",
        judged.all()
    );
    assert!(
        judged
            .stderr
            .contains("schemas/old_name.sql: no service has this name"),
        "{}",
        judged.all()
    );
}
