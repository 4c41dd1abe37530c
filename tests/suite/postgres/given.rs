//! The server that a service is given.

use pretty_assertions::assert_eq;

use super::*;

/// Tries what every provider promises.
pub async fn is_fresh_and_can_be_made_fresh_again(server: &Server) {
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
        .recreate_database(&database, &ClusterObjects::default())
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
            .recreate_database(&database, &ClusterObjects::default())
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
            "ALTER ROLE ALL SET app.motto = E'one\\nwork_mem=two'".to_owned(),
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
            "ALTER ROLE ALL RESET app.motto",
            "ALTER SYSTEM SET session_preload_libraries = 'a', 'b'",
        ] {
            connection.execute(statement).await.unwrap();
        }
        let again = server
            .recreate_database(&database, &ClusterObjects::default())
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
            .recreate_database(&database, &ClusterObjects::default())
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
            .recreate_database(&database, &ClusterObjects::default())
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
