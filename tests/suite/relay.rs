//! The relay before an `existing` server lets one user into one database, whatever the
//! client does, and speaks to the server as the server wants it.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use migration_harness::postgres::{self, Database, Server};
use pretty_assertions::assert_eq;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde::Deserialize;
use serde_json::json;
use sqlx::{Connection, Executor, PgConnection};

use crate::judge::{python, repository};
use crate::monorepo::{ENV, Monorepo, PLAIN, table, upgrade};
use crate::postgres::{block_on, existing, host, local, open_dir};

/// A user who may do what the provider needs, and nothing else.
const GUEST: &str = "
CREATE ROLE guest LOGIN CREATEDB PASSWORD 'it''s a \"pass\\word\" of gästs';
GRANT SET ON PARAMETER migration_harness.token TO guest;
CREATE DATABASE precious OWNER guest";

/// The URL of a user of the same server.
fn as_guest(url: &str) -> String {
    let (_, place) = url.rsplit_once('@').unwrap();
    let place = place.split('/').next().unwrap();
    format!("postgresql://guest:it%27s%20a%20%22pass%5Cword%22%20of%20g%C3%A4sts@{place}/postgres")
}

/// Statements one by one: CREATE DATABASE runs in no block.
async fn run(url: &str, sql: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    for statement in sql.split(';') {
        let statement = sqlx::AssertSqlSafe(statement.to_owned());
        connection.execute(sqlx::raw_sql(statement)).await.unwrap();
    }
}

async fn ask<T>(connection: &mut PgConnection, sql: &'static str) -> T
where
    T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
{
    sqlx::query_scalar(sql).fetch_one(connection).await.unwrap()
}

/// A server with a user's data on it, and a service's database beside that.
async fn guest_of(host: &Server, url: &str) -> (Server, Database) {
    // New in 15.
    assert!(
        host.version
            .split('.')
            .next()
            .unwrap()
            .parse::<u32>()
            .unwrap()
            >= 15
    );
    run(url, GUEST).await;
    let server = postgres::start(&existing(&as_guest(url)), "ways")
        .await
        .unwrap();
    let database = server.create_database().await.unwrap();
    (server, database)
}

#[derive(Deserialize)]
struct Tried {
    /// The error that each way ran into; `None` where it led to the other database.
    ways: BTreeMap<String, Option<String>>,
    /// The database that each driver found where it may be.
    own: BTreeMap<String, String>,
}

fn try_all(given: &serde_json::Value) -> Tried {
    let python = python();
    let mut child = Command::new(python)
        .arg(repository().join("tests/suite/relay_ways.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(given.to_string().as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn no_way_leads_to_another_database() {
    let home = open_dir();
    block_on(async {
        let (host, url) = host().await;
        let (server, database) = guest_of(&host, &url).await;
        let programs = postgres::binaries::find(&local()).await.unwrap().0;
        let place = url.rsplit_once('@').unwrap().1;
        let port = place.split(['/', ':']).nth(1).unwrap();
        // As a superuser would have set it up; not every installation has it.
        let own = format!("{}/{}", url.rsplit_once('/').unwrap().0, database.name);
        let mut admin = PgConnection::connect(&own).await.unwrap();
        let _ = admin.execute("CREATE EXTENSION dblink").await;
        admin.close().await.unwrap();

        let tried = try_all(&json!({
            "host": database.host, "port": database.port, "user": database.user,
            "password": database.password(), "own": database.name, "other": "precious",
            "server": port, "bin": programs.bin, "home": home.path(),
        }));
        assert!(tried.ways.len() >= 40, "{}", tried.ways.len());
        for (way, outcome) in &tried.ways {
            assert!(outcome.is_some(), "{way} leads to another database");
            println!("{way}: {}", outcome.as_deref().unwrap_or_default());
        }
        // They failed because of what stands before the server, not for another reason.
        for (way, says) in [
            ("psycopg", "a service may use the database"),
            ("asyncpg", "a service may use the database"),
            ("psql in a script", "a service may use the database"),
            ("psycopg, replication", "may not replicate"),
            ("psycopg, encrypted", "does not support SSL"),
            (
                "psycopg.pq, as somebody else",
                "may connect as \"guest\" only",
            ),
            ("a packet, the database twice", "stands twice"),
            (
                "the server itself, psycopg",
                "password authentication failed",
            ),
        ] {
            let outcome = tried.ways[way].as_deref().unwrap_or_default();
            assert!(outcome.contains(says), "{way}: {outcome}");
        }
        for (driver, found) in &tried.own {
            assert_eq!(*found, database.name, "{driver}");
        }
        let mut precious = PgConnection::connect(&as_guest(&url).replace("/postgres", "/precious"))
            .await
            .unwrap();
        let tables: i64 = ask(
            &mut precious,
            "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace",
        )
        .await;
        let leaked: i64 = ask(
            &mut precious,
            "SELECT count(*) FROM pg_database WHERE datname = 'leaked'",
        )
        .await;
        assert_eq!((tables, leaked), (0, 0));
        server.stop().await.unwrap();
        host.stop().await.unwrap();
    });
}

#[test]
fn what_a_relay_opened_is_closed_with_its_server() {
    block_on(async {
        let (host, url) = host().await;
        let (server, database) = guest_of(&host, &url).await;
        let port = database.port;
        let mut silent = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        let mut session = PgConnection::connect(&database.url("")).await.unwrap();
        let ours = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'guest'";
        let mut admin = PgConnection::connect(&url).await.unwrap();
        assert!(ask::<i64>(&mut admin, ours).await >= 3);

        server.stop().await.unwrap();
        assert_eq!(silent.read(&mut [0]).unwrap_or(0), 0);
        assert!(session.ping().await.is_err());
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
        let mut left = 1;
        for _ in 0..100 {
            left = ask::<i64>(&mut admin, ours).await;
            if left == 0 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(left, 0);
        host.stop().await.unwrap();
    });
}

#[test]
fn what_migrations_do_to_the_whole_server_is_put_back() {
    let monorepo = Monorepo::new();
    let stray = "op.execute(\"ALTER ROLE CURRENT_USER SET work_mem = '9MB'\")\n\
                 op.execute(\"ALTER DATABASE precious SET work_mem = '9MB'\")\n\
                 with op.get_context().autocommit_block():\n    \
                 op.execute('CREATE DATABASE stray')";
    monorepo.service("stray", PLAIN, ENV, &[&table("a"), &upgrade(stray)]);
    let loud = "import os\n\
                password = 'it\\'s a \"pass\\\\word\" of gästs'\n\
                print(password, repr(password), ascii(password), flush=True)\n\
                raise RuntimeError(password + repr([password]) + os.environ['DATABASE_URL'])";
    monorepo.service("loud", PLAIN, ENV, &[&table("a"), &upgrade(loud)]);
    block_on(async {
        let (host, url) = host().await;
        run(&url, GUEST).await;
        let mut admin = PgConnection::connect(&url).await.unwrap();
        let all = "SELECT concat_ws(' ', (SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database),
            (SELECT string_agg(setconfig::text, ' ') FROM pg_db_role_setting),
            (SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles))";
        let before: String = ask(&mut admin, all).await;
        let judged = monorepo.judge(
            &["upgrade_head"],
            &[
                ("POSTGRES_PROVIDER", "existing"),
                ("HARNESS_DATABASE_URL", &as_guest(&url)),
            ],
        );
        let results = judged.results();
        assert_eq!(
            results["upgrade_head::stray.toml"],
            "ok",
            "{}",
            judged.all()
        );
        assert_eq!(
            results["upgrade_head::loud.toml"],
            "FAILED",
            "{}",
            judged.all()
        );
        assert_eq!(ask::<String>(&mut admin, all).await, before);
        assert!(
            judged
                .text("upgrade_head::loud.toml")
                .contains("***['***']"),
            "{}",
            judged.all()
        );
        for part in ["word\\\" of g", "word\" of g", "g\\xe4sts", "gästs"] {
            assert!(!judged.all().contains(part), "{part}: {}", judged.all());
        }
        host.stop().await.unwrap();
    });
}

#[test]
fn a_child_that_is_refused_in_silence_is_spoken_of() {
    let monorepo = Monorepo::new();
    let silent = "import os, subprocess, sys\n\
                  code = \"import os, psycopg\\n\"\\\n    \
                  \"url = 'postgresql:' + os.environ['DATABASE_URL'].partition(':')[2]\\n\"\\\n    \
                  \"psycopg.connect(url.rpartition('/')[0] + '/precious')\"\n\
                  subprocess.run([sys.executable, '-c', code], stderr=subprocess.DEVNULL)";
    monorepo.service("silent", PLAIN, ENV, &[&table("a"), &upgrade(silent)]);
    block_on(async {
        let (host, url) = host().await;
        run(&url, GUEST).await;
        let judged = monorepo.judge(
            &["upgrade_head"],
            &[
                ("POSTGRES_PROVIDER", "existing"),
                ("HARNESS_DATABASE_URL", &as_guest(&url)),
            ],
        );
        let all = judged.all();
        assert_eq!(judged.results()["upgrade_head::silent.toml"], "ok", "{all}");
        let said = "upgrade head: a connection was refused: a service may use the database";
        assert!(
            all.contains(said) && all.contains("not \"precious\""),
            "{all}"
        );
        host.stop().await.unwrap();
    });
}

/// An authority, a certificate that it signed for 127.0.0.1 and another name, and one for
/// a user.
struct Certificates {
    authority: String,
    server: (String, String),
    client: (String, String),
}

impl Certificates {
    fn new() -> Self {
        let authority = KeyPair::generate().unwrap();
        let mut about = CertificateParams::default();
        about.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(about, authority).unwrap();
        let signed = |names: &[&str], who: &str| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let mut about = CertificateParams::new(names).unwrap();
            about.distinguished_name.push(DnType::CommonName, who);
            let key = KeyPair::generate().unwrap();
            let certificate = about.signed_by(&key, &authority).unwrap();
            (certificate.pem(), key.serialize_pem())
        };
        Self {
            server: signed(&["127.0.0.1"], "a server"),
            client: signed(&[], "guest"),
            authority: authority.pem(),
        }
    }

    /// One certificate for all.
    fn alone() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut about = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        about.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = about.self_signed(&key).unwrap().pem();
        let pair = (pem.clone(), key.serialize_pem());
        Self {
            authority: pem,
            server: pair.clone(),
            client: pair,
        }
    }

    /// Has a server of ours encrypt with them, as a superuser of it may.
    async fn install(&self, url: &str) {
        let mut admin = PgConnection::connect(url).await.unwrap();
        for (file, text) in [
            ("server.crt", &self.server.0),
            ("server.key", &self.server.1),
            ("root.crt", &self.authority),
        ] {
            let lines = text.trim().replace('\n', "','");
            let copy = format!(
                "COPY (SELECT unnest(ARRAY['{lines}'])) TO PROGRAM 'umask 077 && cat > {file}'"
            );
            admin
                .execute(sqlx::raw_sql(sqlx::AssertSqlSafe(copy)))
                .await
                .unwrap();
        }
        for setting in ["ssl_ca_file = 'root.crt'", "ssl = on"] {
            let set = format!("ALTER SYSTEM SET {setting}");
            admin.execute(sqlx::AssertSqlSafe(set)).await.unwrap();
        }
        admin.execute("SELECT pg_reload_conf()").await.unwrap();
    }

    fn write(&self, directory: &Path) {
        for (file, text) in [
            ("root.crt", &self.authority),
            ("client.crt", &self.client.0),
            ("client.key", &self.client.1),
        ] {
            std::fs::write(directory.join(file), text).unwrap();
        }
    }
}

#[test]
fn the_server_is_reached_as_its_url_says() {
    let directory = open_dir();
    let (trusted, strangers) = (Certificates::new(), Certificates::new());
    trusted.write(directory.path());
    let other = directory.path().join("strangers");
    std::fs::create_dir(&other).unwrap();
    strangers.write(&other);
    block_on(async {
        let (host, url) = host().await;
        run(&url, GUEST).await;
        let at = directory.path().display();
        let guest = as_guest(&url);
        // Before the server can encrypt.
        for (query, says) in [
            ("sslmode=prefer", ""),
            ("sslmode=require", "does not offer TLS"),
        ] {
            is(&format!("{guest}?{query}"), says, None).await;
        }
        trusted.install(&url).await;
        let by_name = guest.replace("127.0.0.1", "localhost");
        let roots = format!("sslrootcert={at}/root.crt");
        for (url, query, says, encrypted) in [
            (&guest, "sslmode=disable".to_owned(), "", false),
            (&guest, "sslmode=prefer".to_owned(), "", true),
            (&guest, String::new(), "", true),
            (
                &guest,
                "sslmode=require&channel_binding=require".to_owned(),
                "",
                true,
            ),
            (
                &guest,
                "sslmode=require&channel_binding=disable".to_owned(),
                "",
                true,
            ),
            (
                &guest,
                "sslmode=disable&channel_binding=require".to_owned(),
                "channel_binding",
                false,
            ),
            (&guest, format!("sslmode=verify-full&{roots}"), "", true),
            (&by_name, format!("sslmode=verify-ca&{roots}"), "", true),
            (
                &by_name,
                format!("sslmode=verify-full&{roots}"),
                "not valid for name",
                false,
            ),
            (
                &guest,
                format!("sslmode=verify-ca&sslrootcert={at}/strangers/root.crt"),
                "invalid peer certificate",
                false,
            ),
            (
                &guest,
                "sslmode=verify-full&sslrootcert=system".to_owned(),
                "invalid peer certificate",
                false,
            ),
            // The server shows who it is, and so does the client.
            (
                &guest,
                format!(
                    "sslmode=verify-full&{roots}&sslcert={at}/client.crt&sslkey={at}/client.key"
                ),
                "",
                true,
            ),
        ] {
            is(&format!("{url}?{query}"), says, Some(encrypted)).await;
        }
        // A certificate that signed itself, and is trusted by itself.
        let alone = Certificates::alone();
        alone.install(&url).await;
        alone.write(&other);
        let roots = format!("sslrootcert={at}/strangers/root.crt");
        is(
            &format!("{guest}?sslmode=verify-full&{roots}"),
            "",
            Some(true),
        )
        .await;
        let full = format!("{by_name}?sslmode=verify-full&{roots}");
        is(&full, "not valid for name", None).await;
        host.stop().await.unwrap();
    });
}

/// Asserts that a server can be had with this URL, or what is said why not; and whether the
/// way to it is encrypted.
async fn is(url: &str, says: &str, encrypted: Option<bool>) {
    let started = postgres::start(&existing(url), "tls").await;
    let server = match started {
        Ok(server) => server,
        Err(e) => {
            let said = format!("{} {}", e.message, e.details.join(" "));
            assert!(!says.is_empty() && said.contains(says), "{url}: {said}");
            return;
        }
    };
    assert_eq!(says, "", "{url}");
    let database = server.create_database().await.unwrap();
    // The service itself asks for nothing of it.
    let mut connection = PgConnection::connect(&database.url("")).await.unwrap();
    let ssl = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    if let Some(encrypted) = encrypted {
        assert_eq!(ask::<bool>(&mut connection, ssl).await, encrypted, "{url}");
    }
    let _ = connection.close().await;
    server.stop().await.unwrap();
}
