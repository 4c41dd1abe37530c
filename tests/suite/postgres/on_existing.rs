//! An existing server.

use pretty_assertions::assert_eq;

use super::*;
use migration_harness::postgres::MigrateAs;

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
        let mut touched = ClusterObjects::default();
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

        let as_owner = |url: &str| Settings {
            migrate_as: MigrateAs::Owner,
            ..existing(url)
        };
        let e = postgres::start(&as_owner(&url), "x").await.unwrap_err();
        assert!(said(&e).contains("is a superuser on"), "{}", said(&e));

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
            let url = format!("postgresql://humble:secret@{place}");
            let server = postgres::start(&as_owner(&url), "x").await.unwrap();
            let database = server.create_database().await.unwrap();
            assert_eq!(database.user, "humble");
            server.stop().await.unwrap();
        }
        host.stop().await.unwrap();
    });
}
