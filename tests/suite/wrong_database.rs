//! A service reaches the disposable database and no other, whatever its settings
//! fall back to. Decoy servers listen where they would; their log is the witness.

mod decoy;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use migration_harness::postgres::{self, Choice, Settings};
use migration_harness::process::account::{Account, give};
use migration_harness::process::supervisor::{Ending, SupervisedProcess, SupervisedSpec};
use pretty_assertions::assert_eq;

use decoy::Decoy;

use crate::monorepo::{ENV, Monorepo, table, upgrade};

/// The outcome that a run on a service must have.
enum Expectation {
    /// Green: the settings read the right variable after all.
    Green,
    /// A harness error that says all of this.
    Refused(&'static [&'static str]),
    /// A verdict or an error that says all of this.
    Red(&'static [&'static str]),
}
use Expectation::{Green, Red, Refused};

/// One service: its manifest's further lines, env.py, its second revision.
struct Scene {
    manifest: &'static str,
    env: &'static str,
    revision: &'static str,
    wanted: Expectation,
}

/// Reads `ESSAYS_URL` as settings do that have a default, or whatever `{url}` says.
const FALLS_BACK: &str = r#"
import os
os.environ["DATABASE_URL"] = os.environ.get("ESSAYS_URL") or "{decoy}/essays_dev"
"#;

/// A cache that a module does without where it cannot be reached.
const CACHE: &str = r#"
import socket
try:
    socket.create_connection(("redis.internal", 6379), timeout=1)
except OSError:
    pass
try:
    socket.socket().connect(("127.0.0.1", 6379))
except OSError:
    pass
"#;

const PLAIN: &str = "database_url_env = \"DATABASE_URL\"\n";

fn scenes() -> BTreeMap<&'static str, Scene> {
    let env = |manifest, env, wanted| Scene {
        manifest,
        env,
        revision: "pass",
        wanted,
    };
    let revision = |revision, wanted| Scene {
        manifest: PLAIN,
        env: "",
        revision,
        wanted,
    };
    const DEV: &[&str] = &["host 127.0.0.1", "port {port}", "database essays_dev"];
    BTreeMap::from([
        (
            "variable_missing",
            env(
                "database_url_ini = true\n",
                FALLS_BACK,
                Refused(&["port {port}", "database essays_dev", "sqlalchemy.url"]),
            ),
        ),
        (
            "variable_empty",
            env(
                "database_url_env = \"OTHER_URL\"\n[env]\nESSAYS_URL = \"\"\n",
                FALLS_BACK,
                Refused(&["port {port}", "database essays_dev", "OTHER_URL"]),
            ),
        ),
        (
            "variable_misspelt",
            env(
                "database_url_env = \"ESSAY_URL\"\n",
                FALLS_BACK,
                Refused(&[
                    "port {port}",
                    "essays_dev",
                    "ESSAY_URL",
                    "variable_misspelt.toml",
                ]),
            ),
        ),
        (
            "env_file_above",
            env(
                PLAIN,
                "from dotenv import load_dotenv, find_dotenv\n\
                 assert load_dotenv(find_dotenv(), override=True)\n",
                Refused(&["port {port}", "database essays_staging", "DATABASE_URL"]),
            ),
        ),
        (
            // The shell's DATABASE_URL would win, and does not get here.
            "shell_url",
            env(
                "database_url_env = \"ESSAYS_URL\"\n",
                "import os\nos.environ[\"DATABASE_URL\"] = os.environ.get(\"DATABASE_URL\") or os.environ[\"ESSAYS_URL\"]\n",
                Green,
            ),
        ),
        (
            "shell_pghost",
            env(
                PLAIN,
                "import os\nos.environ[\"DATABASE_URL\"] = \"postgresql+psycopg:///essays_dev\"\n",
                Refused(&["host (not named)", "database essays_dev", "DATABASE_URL"]),
            ),
        ),
        (
            "manifest_pghost",
            env(
                "database_url_env = \"OTHER_URL\"\n[env]\nPGHOST = \"127.0.0.1\"\nPGPORT = \"{port}\"\nPGDATABASE = \"essays_dev\"\n",
                "import os\nos.environ[\"DATABASE_URL\"] = \"postgresql+psycopg://\"\n",
                Refused(&[
                    "host 127.0.0.1",
                    "port {port}",
                    "database essays_dev",
                    "OTHER_URL",
                ]),
            ),
        ),
        (
            "service_file",
            env(
                "database_url_env = \"OTHER_URL\"\n[env]\nPGSERVICE = \"decoy\"\nPGSERVICEFILE = \"{root}/pg_service.conf\"\n",
                "import os\nos.environ[\"DATABASE_URL\"] = \"postgresql+psycopg://\"\n",
                Refused(&["host (not named)", "OTHER_URL"]),
            ),
        ),
        (
            "environment_switch",
            env(
                "database_url_env = \"DATABASE_URL\"\n[env]\nENVIRONMENT = \"production\"\n",
                "import os\nif os.environ.get(\"ENVIRONMENT\") == \"production\":\n    os.environ[\"DATABASE_URL\"] = \"{decoy}/essays_dev\"\n",
                Refused(DEV),
            ),
        ),
        (
            "asyncpg_falls_back",
            env(
                "driver = \"asyncpg\"\ndatabase_url_env = \"OTHER_URL\"\n",
                r#"
import asyncio
from sqlalchemy.ext.asyncio import create_async_engine
async def read():
    engine = create_async_engine("{decoy}/essays_dev".replace("psycopg", "asyncpg"))
    async with engine.connect() as connection:
        await connection.exec_driver_sql("SELECT 'leaked'")
asyncio.run(read())
"#,
                Refused(DEV),
            ),
        ),
        (
            "engine_before_the_worker",
            env(
                "database_url_env = \"DATABASE_URL\"\n[env]\nPYTHONPATH = \"{service}/early\"\n",
                "import builtins\nbuiltins.early.connect().exec_driver_sql(\"SELECT 'leaked'\")\n",
                Refused(DEV),
            ),
        ),
        (
            "second_engine",
            revision(
                "sa.create_engine('{decoy}/essays_dev').connect().exec_driver_sql(\"SELECT 'leaked'\")",
                Refused(DEV),
            ),
        ),
        (
            "engine_with_creator",
            revision(
                "import psycopg\ncreator = lambda: psycopg.connect(host='127.0.0.1', port={port}, user='postgres', dbname='essays_dev')\nsa.create_engine('postgresql+psycopg://', creator=creator).connect()",
                Refused(DEV),
            ),
        ),
        (
            "raw_asyncpg",
            revision(
                r#"
import asyncio, asyncpg, threading
async def read():
    await (await asyncpg.connect("{plain}/essays_dev")).execute("SELECT 'leaked'")
asyncio.run(read())
"#,
                Refused(DEV),
            ),
        ),
        (
            "raw_psycopg",
            revision(
                "import psycopg\npsycopg.connect('{plain}/essays_dev').execute(\"SELECT 'leaked'\")",
                Refused(DEV),
            ),
        ),
        (
            "raw_psycopg_hostaddr",
            revision(
                "import os, psycopg\nfrom sqlalchemy import make_url\nours = make_url(os.environ['DATABASE_URL'])\n\
                 psycopg.connect(host=ours.host, hostaddr='127.0.0.1', port='{port}', dbname=ours.database, user='postgres')",
                Refused(&["port {port}"]),
            ),
        ),
        (
            "raw_psycopg2",
            revision(
                "import psycopg2\npsycopg2.connect('{plain}/essays_dev').cursor().execute(\"SELECT 'leaked'\")",
                Refused(DEV),
            ),
        ),
        (
            // Neither SQLAlchemy nor a wrapped function: the kernel alone is left.
            "libpq_itself",
            revision(
                "from psycopg import pq\nconnection = pq.PGconn.connect(b'{plain}/essays_dev')\nassert connection.status == pq.ConnStatus.OK, connection.error_message.decode()\nconnection.exec_(b\"SELECT 'leaked'\")",
                Red(&["127.0.0.1", "port {port}", "Permission denied"]),
            ),
        ),
        (
            "libpq_itself_on_a_socket",
            revision(
                "from psycopg import pq\nconnection = pq.PGconn.connect(b'host={sockets} port={port} user=postgres')\nassert connection.status == pq.ConnStatus.OK, connection.error_message.decode()\nconnection.exec_(b\"SELECT 'leaked'\")",
                Red(&["AssertionError"]),
            ),
        ),
        (
            "fast_open",
            revision(
                "import socket\nsocket.socket().sendto(b'leaked', socket.MSG_FASTOPEN, ('127.0.0.1', {port}))",
                Refused(&["revision r2 connects to 127.0.0.1:{port}, and does not go on"]),
            ),
        ),
        (
            "fast_open_in_c",
            revision(
                "import ctypes, socket, struct\n\
                 address = struct.pack('=HH4s8x', socket.AF_INET, socket.htons({port}), socket.inet_aton('127.0.0.1'))\n\
                 assert ctypes.CDLL(None).sendto(socket.socket().fileno(), b'leaked', 6, socket.MSG_FASTOPEN, address, 16) == 6",
                Red(&["AssertionError"]),
            ),
        ),
        (
            "multipath_tcp_in_a_child",
            revision(
                "import subprocess, sys\nsubprocess.run([sys.executable, '-c', \"import socket; socket.socket(proto=262).connect(('127.0.0.1', {port}))\"], check=True)",
                Red(&["CalledProcessError"]),
            ),
        ),
        (
            "socket_engine",
            revision(
                "sa.create_engine('postgresql+psycopg://postgres@/essays_dev?host={sockets}&port={port}').connect()",
                Refused(&["host {sockets}", "port {port}", "database essays_dev"]),
            ),
        ),
        (
            "socket_asyncpg",
            revision(
                "import asyncio, asyncpg\nasyncio.run(asyncpg.connect(host='{sockets}', port={port}, user='postgres', database='essays_dev'))",
                Refused(&["database essays_dev"]),
            ),
        ),
        (
            "psql",
            revision(
                "import subprocess\nsubprocess.run(['psql', '-h', '127.0.0.1', '-p', '{port}', '-U', 'postgres', '-d', 'essays_dev', '-c', \"SELECT 'leaked'\"], check=True)",
                Refused(&[
                    "with psql",
                    "host 127.0.0.1",
                    "port {port}",
                    "database essays_dev",
                ]),
            ),
        ),
        (
            "psql_in_a_shell",
            revision(
                "import os\nos.system(\"psql '{plain}/essays_dev' -c 'SELECT 1' </dev/null\")",
                Refused(&[
                    "with psql",
                    "host 127.0.0.1",
                    "port {port}",
                    "database essays_dev",
                ]),
            ),
        ),
        (
            "psql_in_a_script",
            revision(
                "import subprocess\nopen('migrate.sh', 'w').write(\"psql '{plain}/essays_dev' -c 'SELECT 1'\")\nsubprocess.run(['sh', 'migrate.sh'], check=True)",
                Red(&["CalledProcessError"]),
            ),
        ),
        (
            "another_interpreter",
            revision(
                "import subprocess, sys\nsubprocess.run([sys.executable, '-c', \"import psycopg; psycopg.connect('{plain}/essays_dev')\"], check=True)",
                Red(&["CalledProcessError"]),
            ),
        ),
        (
            // A program that fails quietly: green, and still nothing arrived.
            "swallowed",
            revision(
                "import subprocess, sys\nsubprocess.run([sys.executable, '-c', \"import psycopg; psycopg.connect('{plain}/essays_dev')\"])",
                Green,
            ),
        ),
        (
            "another_database_of_our_server",
            revision(
                "import os, psycopg\nfrom sqlalchemy import make_url\nours = make_url(os.environ['DATABASE_URL'])\n\
                 psycopg.connect(host=ours.host, port=ours.port, dbname='postgres', user=ours.username, password=ours.password)",
                Refused(&["database postgres", "DATABASE_URL", "op.get_bind()"]),
            ),
        ),
        (
            "localhost_is_our_server",
            env(
                PLAIN,
                "import os\nos.environ[\"DATABASE_URL\"] = os.environ[\"DATABASE_URL\"].replace(\"127.0.0.1\", \"localhost\")\n",
                Green,
            ),
        ),
        (
            "localhost_of_raw_drivers",
            revision(
                r#"
import asyncio, asyncpg, os, psycopg, psycopg2
url = os.environ["DATABASE_URL"].replace("127.0.0.1", "localhost").replace("+psycopg", "")
for driver in (psycopg, psycopg2):
    driver.connect(url).close()
async def read():
    await (await asyncpg.connect(url)).close()
asyncio.run(read())
"#,
                Green,
            ),
        ),
        (
            "localhost_on_another_port",
            revision(
                "import psycopg\npsycopg.connect('postgresql://postgres@localhost:{port}/essays_dev')",
                Refused(&[
                    "revision r2 connects to another database",
                    "host localhost",
                    "r2.py:",
                ]),
            ),
        ),
        (
            // What a module goes on without explains nothing.
            "cache_caught",
            Scene {
                manifest: PLAIN,
                env: CACHE,
                revision: "op.execute('SELECT 1/0')",
                wanted: Red(&["error[upgrade_head]", "division by zero", "127.0.0.1:6379"]),
            },
        ),
        ("cache_caught_and_all_is_well", env(PLAIN, CACHE, Green)),
        (
            "cache_required",
            env(
                PLAIN,
                "import socket\nsocket.create_connection((\"127.0.0.1\", 6379))\n",
                Refused(&[
                    "env.py connects to 127.0.0.1:6379, and does not go on without it",
                    "env.py:",
                    "[env]",
                ]),
            ),
        ),
        (
            "given_in_parts",
            env(
                "[env]\nDB_HOST = \"{database_host}\"\nDB_NAME = \"{database_name}\"\n",
                "import os\nos.environ[\"DATABASE_URL\"] = \"{decoy}/essays_dev\"\n",
                Refused(&[
                    "port {port}",
                    "DB_HOST = \"{database_host}\"",
                    "these parts in [env]",
                ]),
            ),
        ),
        (
            "token_dropped",
            revision(
                "name = op.get_bind().engine.url.database\nop.execute(f'ALTER DATABASE \"{name}\" RESET ALL')\nwith op.get_context().autocommit_block():\n    pass\nop.get_bind().engine.connect()",
                Refused(&[
                    "removed the setting migration_harness.token",
                    "ALTER DATABASE",
                ]),
            ),
        ),
    ])
}

#[test]
fn no_statement_of_a_service_reaches_a_decoy() {
    let decoy = Decoy::start();
    let monorepo = Monorepo::new();
    let (port, sockets) = (
        decoy.port.to_string(),
        decoy.sockets().display().to_string(),
    );
    let plain = format!("postgresql://postgres@127.0.0.1:{port}");
    let fill = |text: &str| {
        text.replace(
            "{decoy}",
            &plain.replace("postgresql:", "postgresql+psycopg:"),
        )
        .replace("{plain}", &plain)
        .replace("{sockets}", &sockets)
        .replace("{port}", &port)
    };
    let staging = fill("DATABASE_URL={decoy}/essays_staging\n");
    monorepo.write("env_file_above/.env", &staging);
    monorepo.write(
        "pg_service.conf",
        &fill("[decoy]\nhost=127.0.0.1\nport={port}\nuser=postgres\n"),
    );
    monorepo.write(
        "engine_before_the_worker/early/sitecustomize.py",
        &fill("import builtins, sqlalchemy\nbuiltins.early = sqlalchemy.create_engine('{decoy}/essays_dev')\n"),
    );
    let scenes = scenes();
    for (name, scene) in &scenes {
        monorepo.service(
            name,
            &fill(&format!("path = \"{name}\"\n{}", scene.manifest)),
            &fill(&format!("{}\n{ENV}", scene.env)),
            &[&table("essays"), &upgrade(&fill(scene.revision))],
        );
    }
    let shell = fill("{decoy}/essays_dev");
    let judged = monorepo.judge(
        &["upgrade_head"],
        &[
            ("POSTGRES_PROVIDER", "local"),
            ("DATABASE_URL", &shell),
            ("PGHOST", "127.0.0.1"),
            ("PGPORT", &port),
            ("PGDATABASE", "essays_dev"),
            ("PGUSER", "postgres"),
        ],
    );

    let results = judged.results();
    assert_eq!(results.len(), scenes.len(), "{}", judged.all());
    for (name, scene) in &scenes {
        let case = format!("upgrade_head::{name}.toml");
        let text = judged.text(&case);
        let (green, opening, says): (_, _, &[&str]) = match scene.wanted {
            Green => (true, "", &[]),
            Refused(says) => (false, "harness error[alembic]: ", says),
            Red(says) => (false, "", says),
        };
        assert_eq!(results[&case] == "ok", green, "{name}\n{}", judged.all());
        assert!(text.starts_with(opening), "{name}\n{text}");
        for part in says {
            assert!(
                text.contains(&fill(part)),
                "{name} does not say {part}\n{text}"
            );
        }
    }
    assert_eq!(decoy.witnessed(), Vec::<String>::new());
    // The witness is awake.
    let open = std::net::TcpStream::connect(("127.0.0.1", decoy.port)).unwrap();
    drop(open);
    let deadline = Instant::now() + Duration::from_secs(10);
    while decoy.witnessed().is_empty() {
        assert!(Instant::now() < deadline, "{}", decoy.log());
        std::thread::sleep(Duration::from_millis(10));
    }
}
