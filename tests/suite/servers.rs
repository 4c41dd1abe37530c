//! A server that one service had serves the next one, as long as nothing tells them apart.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use migration_harness::postgres::{ClusterObjects, Database, Server, Servers, Settings};
use pretty_assertions::{assert_eq, assert_ne};
use rstest::rstest;
use sqlx::{Connection, Executor, PgConnection};

use crate::judge::{judge, repository};
use crate::postgres::{block_on, container, containers_run, existing, host, local};

async fn started(servers: &Servers, settings: &Settings, service: &str) -> (Server, Database) {
    let server = servers.start(settings, service, drop).await.unwrap();
    let database = server.create_database().await.unwrap();
    (server, database)
}

/// All that a service can find out about its server, apart from when what was made.
const FACTS: &str = "
SELECT concat_ws(E'\\t', name, reset_val, source, sourcefile) FROM pg_settings
UNION ALL SELECT 'database ' || datname FROM pg_database WHERE datname <> current_database()
UNION ALL SELECT concat_ws(' ', 'role', oid, rolname, rolsuper, rolconnlimit, rolconfig) FROM pg_roles
UNION ALL SELECT 'setting ' || s::text FROM pg_db_role_setting s WHERE setdatabase = 0
UNION ALL SELECT 'tablespace ' || spcname FROM pg_tablespace
UNION ALL SELECT 'session ' || coalesce(datname, '') || application_name FROM pg_stat_activity
  WHERE backend_type = 'client backend'
UNION ALL SELECT concat_ws(' ', 'relation', oid, relname, relacl) FROM pg_class
UNION ALL SELECT concat_ws(' ', 'remark', s::text) FROM pg_shdescription s
ORDER BY 1";

async fn facts(database: &Database) -> Vec<String> {
    let mut connection = database.connect().await.unwrap();
    let facts: Vec<String> = sqlx::query_scalar(FACTS)
        .fetch_all(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let name = |fact: String| fact.replace(&database.name, "(database)");
    facts.into_iter().map(name).collect()
}

async fn is_handed_on_as_new(settings: &Settings) {
    let servers = Servers::new(true);
    let (server, first) = started(&servers, settings, "first").await;
    assert_eq!(server.after, None);
    let new = facts(&first).await;
    assert!(new.len() > 600, "{new:?}");
    let mut connection = first.connect().await.unwrap();
    connection
        .execute(
            "CREATE SCHEMA s; CREATE TYPE s.mood AS ENUM ('sad'); CREATE TABLE t (m s.mood);
             CREATE EXTENSION IF NOT EXISTS plpgsql;
             CREATE ROLE for_a_while; DROP ROLE for_a_while; SELECT pg_advisory_lock(7)",
        )
        .await
        .unwrap();
    // The session stays open: it must not be in the way.
    let again = server
        .recreate_database(&first, &ClusterObjects::default())
        .await
        .unwrap();
    servers.give_back(server).await.unwrap();

    let (server, second) = started(&servers, settings, "second").await;
    assert_eq!(server.after.as_deref(), Some("first"));
    assert_eq!((&second.host, second.port), (&first.host, first.port));
    assert!(second.name.starts_with("migration_harness_second_"));
    assert_ne!(second.token, first.token);
    assert_ne!(second.password(), first.password());
    assert_eq!(facts(&second).await, new);
    for gone in [&first, &again] {
        let here = PgConnection::connect(&gone.url("")).await.unwrap_err();
        assert!(here.to_string().contains("password"), "{here}");
    }
    servers.give_back(server).await.unwrap();

    let (server, third) = started(&servers, settings, "third").await;
    assert_eq!(server.after.as_deref(), Some("second"));
    assert_eq!(facts(&third).await, new);
    servers.give_back(server).await.unwrap();
    servers.end().await.unwrap();
    assert!(third.connect().await.is_err());
}

#[test]
fn local_hands_a_server_on_as_new() {
    block_on(is_handed_on_as_new(&local()));
}

#[test]
fn container_hands_a_server_on_as_new() {
    block_on(async {
        if containers_run().await {
            is_handed_on_as_new(&container()).await;
        }
    });
}

#[rstest]
#[case::a_role("CREATE ROLE reader")]
#[case::a_remark_on_a_role("COMMENT ON ROLE postgres IS 'mine'")]
#[case::a_password("ALTER ROLE postgres PASSWORD 'mine'")]
#[case::a_limit("ALTER ROLE postgres CONNECTION LIMIT 50")]
#[case::a_membership("GRANT pg_monitor TO postgres")]
#[case::settings_of_a_role("ALTER ROLE postgres SET work_mem = '9MB'")]
#[case::settings_of_all("ALTER ROLE ALL SET work_mem = '9MB'")]
#[case::a_setting("ALTER SYSTEM SET work_mem = '9MB'")]
#[case::a_setting_in_memory(
    "ALTER SYSTEM SET work_mem = '9MB';\nSELECT pg_reload_conf();\n\
     SELECT pg_sleep(0.2);\nALTER SYSTEM RESET work_mem"
)]
#[case::a_grant_of_a_setting("GRANT SET ON PARAMETER work_mem TO pg_monitor")]
#[case::a_database("CREATE DATABASE stray")]
#[case::a_database_that_was_changed("ALTER DATABASE postgres CONNECTION LIMIT 3")]
#[case::a_remark_on_a_database("COMMENT ON DATABASE postgres IS 'mine'")]
#[case::a_tablespace(
    "SET allow_in_place_tablespaces = on;\nCREATE TABLESPACE elsewhere LOCATION ''"
)]
#[case::a_replication_slot("SELECT pg_create_physical_replication_slot('slot')")]
#[case::a_replication_origin("SELECT pg_replication_origin_create('origin')")]
#[case::who_may_connect(
    "DO $$ BEGIN EXECUTE format('COPY (SELECT ''local all all trust'') TO %L',
     current_setting('hba_file')); END $$"
)]
fn a_server_on_which_something_was_left_is_ended(#[case] migration: &'static str) {
    block_on(async {
        let servers = Servers::new(true);
        let (server, first) = started(&servers, &local(), "first").await;
        let mut connection = first.connect().await.unwrap();
        for statement in migration.split(";\n") {
            connection.execute(statement).await.unwrap();
        }
        servers.give_back(server).await.unwrap();
        assert!(first.connect().await.is_err(), "it was not ended");
        let (server, second) = started(&servers, &local(), "second").await;
        assert_eq!(server.after, None);
        assert_ne!(second.port, first.port);
        server.stop().await.unwrap();
    });
}

#[test]
fn a_server_with_a_session_in_another_database_is_ended() {
    block_on(async {
        let servers = Servers::new(true);
        let (server, first) = started(&servers, &local(), "first").await;
        let elsewhere = first.url("").replace(&first.name, "postgres");
        let session = PgConnection::connect(&elsewhere).await.unwrap();
        servers.give_back(server).await.unwrap();
        assert!(first.connect().await.is_err(), "it was not ended");
        drop(session);
    });
}

#[test]
fn no_server_is_handed_on_that_may_not_be() {
    block_on(async {
        // Where nobody asked for it.
        let servers = Servers::new(false);
        let (server, first) = started(&servers, &local(), "first").await;
        servers.give_back(server).await.unwrap();
        assert!(first.connect().await.is_err());

        // One that is not ours alone, nor one of another kind; and that one does not stay.
        let servers = Servers::new(true);
        let (server, first) = started(&servers, &local(), "first").await;
        servers.give_back(server).await.unwrap();
        let (host, url) = host().await;
        for name in ["second", "third"] {
            let (server, _) = started(&servers, &existing(&url), name).await;
            assert_eq!(server.after, None);
            servers.give_back(server).await.unwrap();
        }
        assert!(first.connect().await.is_err(), "two at a time");

        // One that has died while nobody used it.
        let (server, first) = started(&servers, &local(), "first").await;
        let mut connection = first.connect().await.unwrap();
        let pid: String =
            sqlx::query_scalar("SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)")
                .fetch_one(&mut connection)
                .await
                .unwrap();
        servers.give_back(server).await.unwrap();
        let killed = std::process::Command::new("kill")
            .args(["-9", &pid])
            .status();
        assert!(killed.unwrap().success());
        crate::postgres::eventually("it dies", || {
            std::net::TcpStream::connect((first.host.as_str(), first.port)).is_err()
        });
        let (server, _) = started(&servers, &local(), "second").await;
        assert_eq!(server.after, None);
        server.stop().await.unwrap();

        // One that has died in use.
        let (server, first) = started(&servers, &local(), "first").await;
        let mut connection = first.connect().await.unwrap();
        let _ = connection
            .execute("COPY (SELECT 1) TO PROGRAM 'kill -9 $(head -n 1 postmaster.pid)'")
            .await;
        servers.give_back(server).await.unwrap();
        let (server, _) = started(&servers, &local(), "second").await;
        assert_eq!(server.after, None);
        servers.give_back(server).await.unwrap();
        servers.end().await.unwrap();
        host.stop().await.unwrap();
    });
}

/// The lines of a run on one thread about each server, in its order.
fn servers_of_a_run(variables: &[(&str, &str)]) -> Vec<String> {
    let services = (
        "ONLY",
        "autocommit_blocks cluster_wide_role commits_by_hand",
    );
    let local = ("POSTGRES_PROVIDER", "local");
    let judged = judge(
        &repository().join("tests/unusual/services-manifest"),
        &["upgrade_head", "--test-threads=1"],
        &[&[services, local], variables].concat(),
    );
    assert_eq!(judged.code, Some(0), "{}", judged.all());
    let output = judged.stdout.lines().chain(judged.stderr.lines());
    let ready = output.filter(|line| line.contains(" ready (local, "));
    let said = ready.filter_map(|line| Some(line.rsplit_once(", ")?.0.to_owned()));
    said.map(|line| line.replace(|letter: char| letter.is_ascii_digit() || letter == '.', ""))
        .collect()
}

#[test]
fn a_run_hands_servers_on_and_says_so() {
    let fresh = |service: &str| format!("{service}: PostgreSQL  ready (local");
    let fresh_ones = ["autocommit_blocks", "cluster_wide_role", "commits_by_hand"].map(fresh);
    let mut handed_on = fresh_ones.clone();
    handed_on[1] += ", after autocommit_blocks";
    // The role that the second one made keeps the third from getting its server.
    assert_eq!(servers_of_a_run(&[]), handed_on);
    assert_eq!(servers_of_a_run(&[("KEEP_SERVER", "1")]), fresh_ones);
}
