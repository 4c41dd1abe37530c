//! Everything else that is found out about a service.

use std::fs;

use pretty_assertions::assert_eq;
use rstest::rstest;

use super::{INI, discovered, monorepo};
use crate::discover::Sure;

#[rstest]
#[case::url(
    "DATABASE_URL = 'postgresql+psycopg2://a'\nurl = os.getenv('DATABASE_URL', DATABASE_URL)",
    "create_engine(url)",
    "",
    "psycopg2"
)]
#[case::asynchronous("", "create_async_engine(os.environ['DATABASE_URL'])", "", "asyncpg")]
#[case::asynchronous_psycopg(
    "",
    "create_async_engine(os.environ['DATABASE_URL'])",
    "psycopg[binary]>=3",
    "psycopg"
)]
#[case::listed(
    "",
    "create_engine(os.environ['DATABASE_URL'])",
    "psycopg2-binary==2.9\nasyncpg",
    "psycopg2"
)]
#[case::listed_3(
    "",
    "create_engine(os.environ['DATABASE_URL'])",
    "psycopg==3.2",
    "psycopg"
)]
#[case::replaced(
    "",
    "create_async_engine(os.environ['DATABASE_URL'].replace('postgresql://', 'postgresql+asyncpg://'))",
    "",
    "asyncpg"
)]
fn finds_the_driver(
    #[case] before: &str,
    #[case] engine: &str,
    #[case] requirements: &str,
    #[case] driver: &str,
) {
    let env = format!("from alembic import context\nimport os\n{before}\n{engine}\n");
    let directory = monorepo(&[
        ("orders/alembic.ini", INI),
        ("orders/alembic/env.py", &env),
        ("orders/requirements.txt", requirements),
    ]);
    assert_eq!(
        discovered(directory.path()).services[0].driver.value,
        driver
    );
}

/// SQLAlchemy names psycopg from 2.0 on.
#[rstest]
#[case::first("", "psycopg2")]
#[case::second("psycopg.py", "psycopg")]
fn finds_a_driver_that_the_installed_sqlalchemy_has(#[case] dialect: &str, #[case] driver: &str) {
    let site = "orders/.venv/lib/python3.11/site-packages";
    let dialect = format!("{site}/sqlalchemy/dialects/postgresql/{dialect}");
    let known = format!("{site}/sqlalchemy/dialects/postgresql/psycopg2.py");
    let engine =
        "from alembic import context\nimport os\ncreate_engine(os.environ['DATABASE_URL'])\n";
    let mut files = vec![
        ("orders/alembic.ini", INI),
        ("orders/alembic/env.py", engine),
        ("orders/requirements.txt", "psycopg\npsycopg2\n"),
        ("orders/.venv/bin/python", ""),
        (&*known, ""),
    ];
    if !dialect.ends_with('/') {
        files.push((&dialect, ""));
    }
    let directory = monorepo(&files);
    assert_eq!(
        discovered(directory.path()).services[0].driver.value,
        driver
    );
}

#[rstest]
#[case::own(&["orders/.venv"], &[], &["orders/.venv/bin/python"], Sure::Certain)]
#[case::root(&[".venv"], &[], &[".venv/bin/python"], Sure::Certain)]
#[case::uv(&[], &["uv.lock"], &["uv", "run", "python"], Sure::Likely)]
#[case::poetry(&[], &["orders/poetry.lock"], &["poetry", "run", "python"], Sure::Likely)]
#[case::environment_before_lock(&["orders/.venv"], &["orders/uv.lock"], &["orders/.venv/bin/python"], Sure::Certain)]
#[case::nothing(&[], &[], &["python3"], Sure::Unsure)]
fn finds_the_interpreter(
    #[case] environments: &[&str],
    #[case] files: &[&str],
    #[case] python: &[&str],
    #[case] sure: Sure,
) {
    let directory = monorepo(&[
        ("orders/alembic.ini", INI),
        ("orders/alembic/env.py", "from alembic import context\n"),
    ]);
    let touch = |name: String| {
        let file = directory.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "").unwrap();
    };
    for environment in environments {
        touch(format!("{environment}/pyvenv.cfg"));
        touch(format!("{environment}/bin/python"));
        touch(format!(
            "{environment}/lib/python3.11/site-packages/alembic/__init__.py"
        ));
    }
    files.iter().for_each(|file| touch((*file).to_owned()));
    let found = discovered(directory.path()).services.remove(0);
    assert_eq!(found.python.value, python);
    assert_eq!(found.python.sure, sure);
}

#[test]
fn an_ini_elsewhere_says_where_alembic_is_run() {
    let directory = monorepo(&[
        (
            "shop/db/alembic.ini",
            "[alembic]\nscript_location = db/scripts\n",
        ),
        ("shop/db/scripts/env.py", "from alembic import context\n"),
    ]);
    let found = discovered(directory.path()).services.remove(0);
    assert_eq!((found.name.as_str(), found.path.as_str()), ("shop", "shop"));
    assert_eq!(found.environment.ini, "db/alembic.ini");
}

#[test]
fn a_compose_file_says_which_postgresql() {
    let directory = monorepo(&[
        ("backend/alembic.ini", INI),
        ("backend/alembic/env.py", "from alembic import context\n"),
        (
            "docker-compose.yml",
            "services:\n  db:\n    image: postgres:17\n",
        ),
    ]);
    let discovery = discovered(directory.path());
    assert!(
        discovery.files[0].text.contains("version = \"17\""),
        "{}",
        discovery.files[0].text
    );
    assert_eq!(discovery.services[0].name, "backend");
}

/// Of two images, the one whose extension the revisions create, or that stands nearest.
#[test]
fn a_service_has_the_image_that_compose_has_for_it() {
    let compose = "  db:\n    image: postgres:16\n  maps:\n    image: postgis/postgis:16-3.4\n  \
        search:\n    image: pgvector/pgvector:pg16\n";
    let revision = "revision = 'a'\ndown_revision = None\ndef upgrade():\n    \
        op.execute('CREATE EXTENSION IF NOT EXISTS vector')\n";
    let env = "from alembic import context\n";
    let directory = monorepo(&[
        ("compose.yaml", compose),
        ("orders/alembic.ini", INI),
        ("orders/alembic/env.py", env),
        ("search/alembic.ini", INI),
        ("search/alembic/env.py", env),
        ("search/alembic/versions/a.py", revision),
        ("legacy/alembic.ini", INI),
        ("legacy/alembic/env.py", env),
        ("legacy/compose.yaml", "  db:\n    image: postgres:13\n"),
    ]);
    let files = discovered(directory.path()).files;
    let [defaults, legacy, orders, search] = &*files else {
        panic!("{files:?}")
    };
    let table = |text: &str| text.split("[postgres]").nth(1).map(str::to_owned);
    assert!(
        table(&defaults.text)
            .unwrap()
            .contains("version = \"16\"\n\n"),
        "{}",
        defaults.text
    );
    assert_eq!(table(&legacy.text).unwrap(), "\nversion = \"13\"\n");
    assert_eq!(table(&orders.text), None);
    let kept = "\nversion = \"16\"\nimage = \"pgvector/pgvector:pg16\"\n";
    assert_eq!(table(&search.text).unwrap(), kept);
}

#[test]
fn sections_are_services_of_their_own() {
    let ini = "[DEFAULT]\nscript_location = alembic\n[orders]\nversion_locations = alembic/orders\n\
        [users]\nversion_locations = alembic/users\n[loggers]\nkeys = root\n";
    let directory = monorepo(&[
        ("a/alembic.ini", ini),
        ("a/alembic/env.py", "from alembic import context\n"),
    ]);
    let discovery = discovered(directory.path());
    let names: Vec<&str> = discovery
        .services
        .iter()
        .map(|found| &*found.name)
        .collect();
    assert_eq!(names, ["orders", "users"]);
    assert_eq!(discovery.services[0].environment.section, "orders");
}

#[test]
fn two_ini_files_of_one_environment_are_one_service() {
    let directory = monorepo(&[
        ("a/alembic.ini", INI),
        ("a/alembic_test.ini", INI),
        ("a/alembic/env.py", "from alembic import context\n"),
    ]);
    let discovery = discovered(directory.path());
    assert_eq!(discovery.services.len(), 1);
    assert_eq!(discovery.services[0].environment.ini, "alembic.ini");
    assert_eq!(
        discovery.services[0].environment.others,
        ["alembic_test.ini"]
    );
}

#[test]
fn of_two_ini_files_that_lie_elsewhere_the_higher_one_is_taken() {
    let ini = "[alembic]\nscript_location = shop:migrations\n";
    let directory = monorepo(&[
        ("shop/__init__.py", ""),
        ("shop/models.py", ""),
        ("shop/events/sqlite/alembic.ini", ini),
        (
            "shop/migrations/env.py",
            "from alembic import context\nfrom shop.models import metadata\n",
        ),
        ("shop_postgres/alembic.ini", ini),
    ]);
    let discovery = discovered(directory.path());
    assert_eq!(discovery.services.len(), 1);
    let environment = &discovery.services[0].environment;
    assert_eq!(environment.ini, "shop_postgres/alembic.ini");
    assert_eq!(environment.others, ["shop/events/sqlite/alembic.ini"]);
}

#[test]
fn what_alembic_alone_cannot_run_is_left_out_with_the_reason() {
    let directory = monorepo(&[
        ("a/alembic.ini", INI),
        ("a/alembic/env.py", "from alembic import context\n"),
        ("b/migrations/alembic.ini", "[alembic]\n"),
        ("b/migrations/env.py", "from alembic import context\n"),
        ("c/migrations/env.py", "from alembic import context\n"),
    ]);
    let discovery = discovered(directory.path());
    let left_out: Vec<(&str, bool)> = discovery
        .left_out
        .iter()
        .map(|(path, why)| (path.as_str(), why.contains("no section")))
        .collect();
    assert_eq!(
        left_out,
        [
            ("b/migrations/alembic.ini", true),
            ("c/migrations/env.py", false)
        ]
    );
}

#[rstest]
#[case::latin_1(b"# caf\xe9\nfrom alembic import context\n")]
#[case::python_2(b"from alembic import context\nprint 'a'\n")]
#[case::nul(b"from alembic import context\n\0")]
#[case::nested(&[b'('; 100_000])]
#[case::imports_itself(b"from env import *\nfrom alembic import context\nurl = url or url\n")]
fn an_odd_env_py_is_unsure_and_no_panic(#[case] env: &[u8]) {
    let directory = monorepo(&[("a/alembic.ini", INI), ("a/alembic/env.py", "")]);
    fs::write(directory.path().join("a/alembic/env.py"), env).unwrap();
    assert_eq!(
        discovered(directory.path()).services[0].url.sure,
        Sure::Unsure
    );
}

#[test]
fn the_outbox_that_services_share_becomes_the_convention() {
    let revision = |down: &str, body: &str| {
        format!(
            "revision = 'r{down}'\ndown_revision = {down}\nT = 'event_outbox'\ndef upgrade():\n{body}"
        )
    };
    let table = "    op.create_table('event_outbox', sa.Column('id'))\n";
    let due = "    op.create_index(op.f('due'), T, ['published_at', sa.text('id DESC')], \
               unique=False, postgresql_where=sa.text('published_at IS NULL'))\n";
    let old = "    op.create_index('old', 'event_outbox', ['id'])\n    op.drop_index('old')\n";
    let sql = "    op.execute('CREATE INDEX due ON event_outbox (published_at, id DESC) WHERE published_at IS NULL')\n";
    let one = revision("None", &format!("{table}{old}{due}"));
    let two = revision("None", &format!("{table}{sql}"));
    let three = revision("None", "    pass\n");
    let mut files = Vec::new();
    for (name, text) in [("one", &one), ("two", &two), ("three", &three)] {
        files.push((format!("{name}/alembic.ini"), INI));
        files.push((
            format!("{name}/alembic/env.py"),
            "from alembic import context\n",
        ));
        files.push((format!("{name}/alembic/versions/a.py"), text.as_str()));
    }
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (name.as_str(), *text))
        .collect();
    let discovery = discovered(monorepo(&files).path());
    let text = |name: &str| {
        let mut files = discovery.files.iter();
        files
            .find(|written| written.file.ends_with(name))
            .unwrap()
            .text
            .clone()
    };
    let convention = text("conventions/outbox.toml");
    assert!(
        convention.contains("table = \"event_outbox\""),
        "{convention}"
    );
    assert!(convention.contains("# In 2 of 2 services."), "{convention}");
    assert!(
        convention.contains(
            "columns = [\"published_at\", \"id DESC\"]\npredicate = \"published_at IS NULL\""
        ),
        "{convention}"
    );
    assert!(!convention.contains("old"), "{convention}");
    assert!(text("services/three.toml").contains("outbox_indexes = \"no revision creates"));
    assert!(!text("services/one.toml").contains("outbox_indexes ="));
}
