//! Each driver that SQLAlchemy lists for PostgreSQL migrates, and what a revision gives to
//! a driver itself is recorded with its place, once.

use std::path::PathBuf;

use pretty_assertions::assert_eq;

use crate::judge::packages;
use crate::monorepo::{ASYNC_ENV, ENV, Monorepo, upgrade};
use crate::postgres::{block_on, host};

/// Drivers that the services of `tests/monorepo` do not need, in a directory of the build:
/// a service that has pg8000 has its password hashed 4,096 times.
const EXTRA: &[&str] = &[
    "pg8000==1.31.6",
    "scramp==1.5.0",
    "asn1crypto==1.5.1",
    "python-dateutil==2.9.0.post0",
    "six==1.17.0",
];

pub fn extra() -> PathBuf {
    packages("drivers", "pg8000", EXTRA).unwrap()
}

/// A revision of a service: by which driver, and what it does.
struct Scene {
    name: &'static str,
    driver: &'static str,
    /// The third revision, of which line 7 has the statement.
    raw: &'static str,
    /// The words of `upgrade_head` or `enum_types`; none where all is green.
    says: &'static [&'static str],
}

const TWICE: &[&str] = &[
    "type \"mood\" is created twice",
    "r2.py:6",
    "r3.py:7",
    "first created here",
];
const COPIED: &[&str] = &["invalid input syntax for type integer", "r3.py:7", "COPY t"];

const SCENES: &[Scene] = &[
    Scene {
        name: "psycopg_cursor",
        driver: "psycopg",
        raw: "cursor = op.get_bind().connection.cursor()\n\
              cursor.execute(\"CREATE TYPE mood AS ENUM ('b')\")",
        says: TWICE,
    },
    Scene {
        name: "psycopg_connection",
        driver: "psycopg",
        raw: "driver = op.get_bind().connection.driver_connection\n\
              driver.execute(\"CREATE TYPE mood AS ENUM ('b')\")",
        says: TWICE,
    },
    Scene {
        name: "psycopg_copy",
        driver: "psycopg",
        raw: "cursor = op.get_bind().connection.cursor()\n\
              with cursor.copy(\"COPY t FROM STDIN\") as copy:\n    copy.write_row([\"one\"])",
        says: COPIED,
    },
    Scene {
        name: "psycopg_async_cursor",
        driver: "psycopg_async",
        raw: "cursor = op.get_bind().connection.cursor()\n\
              cursor.execute(\"CREATE TYPE mood AS ENUM ('b')\")",
        says: TWICE,
    },
    Scene {
        name: "psycopg2_cursor",
        driver: "psycopg2",
        raw: "cursor = op.get_bind().connection.cursor()\n\
              cursor.execute(\"CREATE TYPE mood AS ENUM ('b')\")",
        says: TWICE,
    },
    Scene {
        name: "psycopg2_cursor_of_another_kind",
        driver: "psycopg2",
        raw: "from psycopg2.extras import DictCursor\n\
              op.get_bind().connection.cursor(cursor_factory=DictCursor).execute(\"CREATE TYPE mood AS ENUM ('b')\")",
        says: TWICE,
    },
    Scene {
        name: "psycopg2_copy",
        driver: "psycopg2",
        raw: "import io\n\
              op.get_bind().connection.cursor().copy_expert(\"COPY t FROM STDIN\", io.StringIO(\"one\"))",
        says: COPIED,
    },
    Scene {
        name: "asyncpg_cursor",
        driver: "asyncpg",
        raw: "cursor = op.get_bind().connection.cursor()\n\
              cursor.execute(\"CREATE TYPE mood AS ENUM ('b')\")",
        says: TWICE,
    },
    Scene {
        name: "asyncpg_connection",
        driver: "asyncpg",
        raw: "adapted = op.get_bind().connection.dbapi_connection\n\
              adapted.run_async(lambda driver: driver.execute(\"CREATE TYPE mood AS ENUM ('b')\"))",
        says: TWICE,
    },
    Scene {
        name: "asyncpg_copy",
        driver: "asyncpg",
        raw: "import io; adapted = op.get_bind().connection.dbapi_connection\n\
              adapted.run_async(lambda driver: driver.copy_to_table(\"t\", source=io.BytesIO(b\"one\")))",
        says: &["invalid input syntax for type integer", "r3.py:7", "COPY"],
    },
    Scene {
        name: "pg8000_cursor",
        driver: "pg8000",
        raw: "cursor = op.get_bind().connection.cursor()\n\
              cursor.execute(\"CREATE TYPE mood AS ENUM ('b')\")",
        says: TWICE,
    },
    Scene {
        name: "pg8000_beside_psycopg",
        driver: "psycopg",
        raw: "import os, pg8000.native as pg; from sqlalchemy import make_url; url = make_url(os.environ[\"DATABASE_URL\"])\n\
              pg.Connection(url.username, host=\"localhost\", port=url.port, database=url.database, password=url.password).run(\"SELECT 1\")",
        says: &[],
    },
];

#[test]
fn what_a_revision_gives_to_a_driver_is_seen() {
    every_driver_migrates(&[("POSTGRES_PROVIDER", "local")]);
}

/// The relay there asks for a password in the clear, which each driver has to offer.
#[test]
fn the_same_is_seen_on_a_server_that_runs() {
    block_on(async {
        let (host, url) = host().await;
        every_driver_migrates(&[
            ("POSTGRES_PROVIDER", "existing"),
            ("HARNESS_DATABASE_URL", &url),
        ]);
        host.stop().await.unwrap();
    });
}

fn every_driver_migrates(server: &[(&str, &str)]) {
    let monorepo = Monorepo::new();
    let extra = extra();
    for Scene {
        name, driver, raw, ..
    } in SCENES
    {
        let env = match *driver {
            "asyncpg" | "psycopg_async" => ASYNC_ENV,
            _ => ENV,
        };
        let path = match name.starts_with("pg8000") {
            true => format!("[env]\nPYTHONPATH = {extra:?}\n"),
            false => String::new(),
        };
        let manifest = format!(
            "path = \"{name}\"\ndriver = \"{driver}\"\ndatabase_url_env = \"DATABASE_URL\"\n{path}"
        );
        let revisions = [
            upgrade("op.execute(\"CREATE TABLE t (id integer)\")"),
            upgrade("op.execute(\"CREATE TYPE mood AS ENUM ('a')\")")
                .replace("import sqlalchemy as sa\n\n", ""),
            upgrade(raw).replace("import sqlalchemy as sa\n\n", ""),
        ];
        monorepo.service(
            name,
            &manifest,
            env,
            &revisions.each_ref().map(String::as_str),
        );
    }
    let judged = monorepo.judge(&[], server);
    let mut wrong = Vec::new();
    for Scene { name, says, .. } in SCENES {
        let cases = ["upgrade_head", "enum_types"].map(|id| format!("{id}::{name}.toml"));
        let results = judged.results();
        if says.is_empty() && cases.iter().all(|case| results[case] == "ok") {
            continue;
        }
        let texts = cases.each_ref().map(|case| judged.text(case));
        let red = texts.iter().find(|text| text.starts_with("error["));
        if !says.is_empty() && red.is_some_and(|text| says.iter().all(|part| text.contains(part))) {
            continue;
        }
        wrong.push(format!(
            "{name} does not say {says:?}\n{}",
            texts.join("\n")
        ));
    }
    assert_eq!(wrong.join("\n"), "", "{}", judged.all());
}
