//! What is found out about services written in the ways that services are written in.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;

use pretty_assertions::assert_eq;
use rstest::rstest;
use tempfile::TempDir;

use super::service::Found;
use super::{Discovery, Request, Sure, discover};

const INI: &str = "[alembic]\nscript_location = alembic\nprepend_sys_path = .\n\
    sqlalchemy.url = driver://user:pass@localhost/dbname\n";

/// A monorepo of these files.
fn monorepo(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let file = directory.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }
    directory
}

fn discovered(directory: &Path) -> Discovery {
    let request = Request {
        root: directory.to_owned(),
        to: None,
        force: false,
        dry_run: true,
    };
    discover(&request).unwrap_or_else(|error| panic!("{error:?}"))
}

/// The one service of a monorepo whose `orders/alembic/env.py` and `orders/config.py`
/// these are.
fn orders(env: &str, config: &str) -> Found {
    let env = format!("from alembic import context\n{env}");
    let directory = monorepo(&[
        ("orders/alembic.ini", INI),
        ("orders/alembic/env.py", &env),
        ("orders/config.py", config),
    ]);
    let mut discovery = discovered(directory.path());
    assert_eq!(discovery.services.len(), 1, "{:?}", discovery.services);
    discovery.services.remove(0)
}

/// An `env.py` that makes its engine from `url`.
fn engine(url: &str) -> String {
    format!("from config import *\nimport config\nconnectable = create_engine({url})\n")
}

#[rstest]
#[case::environ("import os\nconnectable = create_engine(os.environ['X_URL'])")]
#[case::getenv("from os import getenv\nconnectable = create_engine(getenv('X_URL', 'sqlite://'))")]
#[case::environ_get(
    "from os import environ as e\nimport os\ncreate_engine(os.environ.get('X_URL') or 'a')"
)]
#[case::set_main_option(
    "import os\nconfig = context.config\n\
     config.set_main_option('sqlalchemy.url', os.environ['X_URL'].replace('%', '%%'))\n\
     e = engine_from_config(config.get_section(config.config_ini_section))"
)]
#[case::subscript(
    "import os\nsection = context.config.get_section('alembic')\n\
     section['sqlalchemy.url'] = os.environ['X_URL']\ne = engine_from_config(section)"
)]
#[case::merged_dict(
    "import os\nsection = context.config.get_section('alembic')\n\
     e = engine_from_config({**section, 'sqlalchemy.url': os.environ['X_URL']})"
)]
#[case::function(
    "import os\ndef get_url():\n    url = os.getenv('X_URL')\n    return url\ncreate_engine(get_url())"
)]
#[case::parameter(
    "import os\ndef migrate(name='Y'):\n    create_engine(os.environ[name])\nmigrate('X_URL')"
)]
#[case::parameter_default(
    "import os\ndef migrate(name='X_URL'):\n    create_engine(os.environ[name])\nmigrate()"
)]
#[case::nested(
    "import os\nasync def run():\n    e = create_async_engine(os.environ['X_URL'])\nimport asyncio\nasyncio.run(run())"
)]
#[case::only_offline(
    "import os\ndef run_offline():\n    context.configure(url=os.environ['X_URL'])\nrun_offline()"
)]
#[case::walrus(
    "import os\nif url := os.getenv('X_URL'):\n    context.config.set_main_option('sqlalchemy.url', url)"
)]
#[case::constant("import os\nNAME = 'X_URL'\ncreate_engine(os.environ[NAME])")]
#[case::with_arguments("import os\ncreate_engine(f\"{os.environ['X_URL']}?sslmode=disable\")")]
fn reads_env_py(#[case] env: &str) {
    let env = env.replace("X_URL", "X_DATABASE_URL");
    let found = orders(&env, "");
    assert_eq!(
        found.url.value.variables,
        ["X_DATABASE_URL"],
        "{:?}",
        found.url
    );
    assert_eq!(found.url.sure, Sure::Certain);
}

#[rstest]
#[case::plain(
    "class Settings(BaseSettings):\n    database_url: str\nsettings = Settings()",
    "settings.database_url",
    "DATABASE_URL"
)]
#[case::prefix(
    "class Settings(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix='ORDERS_')\n    database_url: str\nsettings = Settings()",
    "settings.database_url",
    "ORDERS_DATABASE_URL"
)]
#[case::prefix_of_version_1(
    "class Settings(BaseSettings):\n    database_url: str\n    class Config:\n        env_prefix = 'orders_'\nsettings = Settings()",
    "settings.database_url",
    "ORDERS_DATABASE_URL"
)]
#[case::prefix_dict(
    "class S(BaseSettings):\n    model_config = {'env_prefix': 'O_'}\n    database_url: str\nsettings = S()",
    "settings.database_url",
    "O_DATABASE_URL"
)]
#[case::prefix_keyword(
    "class S(BaseSettings, env_prefix='O_'):\n    database_url: str\nsettings = S()",
    "settings.database_url",
    "O_DATABASE_URL"
)]
#[case::prefix_inherited(
    "class Base(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix='O_')\nclass S(Base):\n    database_url: str\nsettings = S()",
    "settings.database_url",
    "O_DATABASE_URL"
)]
#[case::field_inherited(
    "class Base(BaseSettings):\n    database_url: str\nclass S(Base):\n    model_config = SettingsConfigDict(env_prefix='O_')\nsettings = S()",
    "settings.database_url",
    "O_DATABASE_URL"
)]
#[case::alias(
    "class S(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix='O_')\n    url: str = Field(alias='THE_DATABASE_URL')\nsettings = S()",
    "settings.url",
    "THE_DATABASE_URL"
)]
#[case::validation_alias(
    "class S(BaseSettings):\n    url: PostgresDsn = Field(..., validation_alias='THE_DATABASE_URL')\nsettings = S()",
    "str(settings.url)",
    "THE_DATABASE_URL"
)]
#[case::choices(
    "class S(BaseSettings):\n    url: str = Field(validation_alias=AliasChoices(AliasPath('url'), 'THE_DATABASE_URL'))\nsettings = S()",
    "settings.url",
    "THE_DATABASE_URL"
)]
#[case::annotated(
    "class S(BaseSettings):\n    url: Annotated[str, Field(alias='THE_DATABASE_URL')]\nsettings = S()",
    "settings.url",
    "THE_DATABASE_URL"
)]
#[case::env_of_version_1(
    "class S(BaseSettings):\n    url: str = Field('a', env='THE_DATABASE_URL')\nsettings = S()",
    "settings.url",
    "THE_DATABASE_URL"
)]
#[case::function(
    "class S(BaseSettings):\n    database_url: str = ''\n@lru_cache\ndef get_settings() -> S:\n    return S()",
    "get_settings().database_url",
    "DATABASE_URL"
)]
#[case::property(
    "class S(BaseSettings):\n    database_url: str\n    @property\n    def sync_url(self):\n        return self.database_url.replace('+asyncpg', '')\nsettings = S()",
    "settings.sync_url",
    "DATABASE_URL"
)]
#[case::secret(
    "class S(BaseSettings):\n    database_url: SecretStr\nsettings = S()",
    "settings.database_url.get_secret_value()",
    "DATABASE_URL"
)]
#[case::nested(
    "class Db(BaseModel):\n    url: str\nclass S(BaseSettings):\n    model_config = SettingsConfigDict(env_nested_delimiter='__')\n    database: Db\nsettings = S()",
    "settings.database.url",
    "DATABASE__URL"
)]
#[case::settings_in_settings(
    "class Db(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix='DB_')\n    url: str\nclass S(BaseSettings):\n    db: Db = Field(default_factory=Db)\nsettings = S()",
    "settings.db.url",
    "DB_URL"
)]
#[case::case_sensitive(
    "class S(BaseSettings):\n    model_config = SettingsConfigDict(case_sensitive=True)\n    database_url: str\nsettings = S()",
    "settings.database_url",
    "database_url"
)]
#[case::plain_class(
    "import os\nclass Config:\n    URI = os.environ.get('DATABASE_URL')",
    "Config.URI",
    "DATABASE_URL"
)]
#[case::module(
    "import os\nDATABASE_URL = os.environ['DATABASE_URL']",
    "config.DATABASE_URL",
    "DATABASE_URL"
)]
#[case::decouple(
    "from decouple import config as read\nURL = read('DATABASE_URL', default='')",
    "config.URL",
    "DATABASE_URL"
)]
#[case::starlette(
    "from starlette.config import Config\nread = Config('.env')\nURL = read('DATABASE_URL', cast=str)",
    "config.URL",
    "DATABASE_URL"
)]
#[case::environs(
    "from environs import Env\nenv = Env()\nenv.read_env()\nURL = env.str('DATABASE_URL')",
    "config.URL",
    "DATABASE_URL"
)]
#[case::dynaconf(
    "from dynaconf import Dynaconf\nsettings = Dynaconf(envvar_prefix='ORDERS')",
    "settings.database_url",
    "ORDERS_DATABASE_URL"
)]
#[case::engine_made_there(
    "import os\nengine = create_async_engine(os.environ['DATABASE_URL'])",
    "engine",
    "DATABASE_URL"
)]
fn reads_settings(#[case] config: &str, #[case] url: &str, #[case] variable: &str) {
    let found = orders(&engine(url), config);
    assert_eq!(found.url.value.variables, [variable], "{:?}", found.url);
}

#[test]
fn two_variables_are_both_given() {
    let env = "import os\ncreate_engine(os.getenv('A_DATABASE_URL') or os.getenv('DB_URL'))";
    let found = orders(env, "");
    assert_eq!(found.url.value.variables, ["A_DATABASE_URL", "DB_URL"]);
    assert_eq!(found.url.sure, Sure::Likely);
}

#[test]
fn the_ini_is_taken_where_env_py_reads_it() {
    let env = "config = context.config\ne = engine_from_config(config.get_section(config.config_ini_section))";
    let found = orders(env, "");
    assert!(found.url.value.ini && found.url.value.variables.is_empty());
    assert_eq!(found.url.sure, Sure::Certain);
}

#[test]
fn what_cannot_be_followed_is_said_with_what_may_be_meant() {
    let config =
        "import os\nA = os.environ.get('ORDERS_DB_URL')\nB = os.getenv('READ_DATABASE_URL')";
    let found = orders(
        "import config\nimport lib\ncreate_engine(lib.url())",
        config,
    );
    assert_eq!(found.url.sure, Sure::Unsure);
    assert_eq!(found.url.value.variables, ["ORDERS_DB_URL"]);
    assert_eq!(found.url.value.candidates, ["READ_DATABASE_URL"]);
    assert!(found.url.value.ini);
}

#[rstest]
#[case::called("config.set_main_option('sqlalchemy.url', lib.url())")]
#[case::subscript("section['sqlalchemy.url'] = lib.settings['url']")]
fn an_ini_that_env_py_overrides_is_not_taken_for_the_source(#[case] set: &str) {
    let env = format!(
        "import lib\nconfig = context.config\nsection = config.get_section('alembic')\n{set}\n\
         e = engine_from_config(section)"
    );
    let found = orders(&env, "");
    assert_eq!(found.url.sure, Sure::Unsure, "{:?}", found.url);
}

#[test]
fn a_path_of_sqlite_is_no_part_of_a_url_of_postgresql() {
    let env = "import os\ncreate_engine(f\"sqlite:///{os.environ['ORDERS_FILE']}\")";
    let found = orders(env, "");
    assert_eq!(found.url.value.parts, []);
    assert_eq!(found.url.sure, Sure::Unsure, "{:?}", found.url);
}

const PARTS: [(&str, &str); 5] = [
    ("PG_HOST", "{database_host}"),
    ("PG_NAME", "{database_name}"),
    ("PG_PASSWORD", "{database_password}"),
    ("PG_PORT", "{database_port}"),
    ("PG_USER", "{database_user}"),
];

#[rstest]
#[case::f_string(
    "import os\ne = os.environ\ncreate_engine(f\"postgresql://{os.environ['PG_USER']}:{os.environ['PG_PASSWORD']}@{os.environ['PG_HOST']}:{os.environ['PG_PORT']}/{os.environ['PG_NAME']}\")",
    ""
)]
#[case::percent(
    "import os\ng = os.getenv\ncreate_engine('postgresql://%s:%s@%s:%s/%s' % (os.getenv('PG_USER'), os.getenv('PG_PASSWORD'), os.getenv('PG_HOST'), os.getenv('PG_PORT'), os.getenv('PG_NAME')))",
    ""
)]
#[case::format(
    "import os\ncreate_engine('postgresql://{}:{}@{}:{}/{}'.format(os.getenv('PG_USER'), os.getenv('PG_PASSWORD'), os.getenv('PG_HOST'), os.getenv('PG_PORT'), os.getenv('PG_NAME')))",
    ""
)]
#[case::url_create(
    "from sqlalchemy import URL\nimport os\ncreate_engine(URL.create('postgresql+psycopg', username=os.getenv('PG_USER'), password=os.getenv('PG_PASSWORD'), host=os.getenv('PG_HOST'), port=int(os.getenv('PG_PORT')), database=os.getenv('PG_NAME')))",
    ""
)]
#[case::settings(
    "from config import settings\ncreate_engine(str(settings.dsn))",
    "class S(BaseSettings):\n    PG_USER: str\n    PG_PASSWORD: str\n    PG_HOST: str\n    PG_PORT: int\n    PG_NAME: str\n    @computed_field\n    @property\n    def dsn(self) -> PostgresDsn:\n        return MultiHostUrl.build(scheme='postgresql+psycopg', username=self.PG_USER, password=self.PG_PASSWORD, host=self.PG_HOST, port=self.PG_PORT, path=self.PG_NAME)\nsettings = S()"
)]
fn puts_a_url_together(#[case] env: &str, #[case] config: &str) {
    let mut found = orders(env, config);
    found.url.value.parts.sort();
    let parts: Vec<(&str, &str)> = found
        .url
        .value
        .parts
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(parts, PARTS, "{:?}", found.url);
    assert_eq!(found.url.sure, Sure::Likely);
}

#[rstest]
#[case::no_port(
    "f\"postgresql://{os.environ['U']}@{os.environ['H']}/{os.environ['N']}\"",
    "H",
    "{database_host}:{database_port}"
)]
#[case::port(
    "f\"postgresql://{os.environ['U']}@{os.environ['H']}:5432/{os.environ['N']}\"",
    "H",
    "{database_host}"
)]
fn a_host_takes_the_port_where_there_is_none(
    #[case] url: &str,
    #[case] name: &str,
    #[case] placeholder: &str,
) {
    let found = orders(&format!("import os\ncreate_engine({url})"), "");
    let expected = (name.to_owned(), placeholder.to_owned());
    assert!(found.url.value.parts.contains(&expected), "{:?}", found.url);
}

#[test]
fn the_ini_may_have_holes_that_env_py_fills() {
    let env = "from alembic import context\nimport os\nconfig = context.config\n\
        config.set_section_option('alembic', 'DB_HOST', os.environ['HOST'])\n\
        e = engine_from_config(config.get_section('alembic'))\n";
    let ini = "[alembic]\nscript_location = alembic\n\
        sqlalchemy.url = postgresql+psycopg://app:app@%(DB_HOST)s/app\n";
    let directory = monorepo(&[("orders/alembic.ini", ini), ("orders/alembic/env.py", env)]);
    let discovery = discovered(directory.path());
    let expected = (
        "HOST".to_owned(),
        "{database_host}:{database_port}".to_owned(),
    );
    let url = &discovery.services[0].url;
    assert!(url.value.parts.contains(&expected), "{url:?}");
    assert_eq!(discovery.services[0].driver.value, "psycopg");
}

#[test]
fn variables_without_a_default_are_made_up() {
    let config = "class Level(str, Enum):\n    LOW = 'low'\nclass S(BaseSettings):\n    database_url: str\n    \
        secret_key: str\n    workers: int\n    level: Level\n    debug: bool = False\n    \
        redis: RedisDsn\n    mode: Literal['a', 'b']\nsettings = S()";
    let found = orders(&engine("settings.database_url"), config);
    let needed: Vec<(&str, &str)> = found
        .needed
        .iter()
        .map(|needed| (needed.variable.as_str(), needed.value.as_str()))
        .collect();
    let expected = [
        ("LEVEL", "low"),
        ("MODE", "a"),
        ("REDIS", "redis://localhost"),
        ("SECRET_KEY", "discovered"),
        ("WORKERS", "1"),
    ];
    assert_eq!(needed, expected);
}

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
fn what_alembic_alone_cannot_run_is_left_out_with_the_reason() {
    let directory = monorepo(&[
        ("a/alembic.ini", INI),
        ("a/alembic/env.py", "from alembic import context\n"),
        ("b/migrations/alembic.ini", "[alembic]\n"),
        (
            "b/migrations/env.py",
            "from alembic import context\nfrom flask import current_app\n",
        ),
        ("c/migrations/env.py", "from alembic import context\n"),
    ]);
    let discovery = discovered(directory.path());
    let left_out: Vec<(&str, bool)> = discovery
        .left_out
        .iter()
        .map(|(path, why)| (path.as_str(), why.contains("Flask-Migrate")))
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
    assert!(!text("services/one.toml").contains("outbox_indexes"));
}
