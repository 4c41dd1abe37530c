//! The origin of a URL, in the ways in which services say so.

use pretty_assertions::assert_eq;
use rstest::rstest;

use super::{discovered, monorepo, orders};
use crate::discover::Sure;

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
fn an_ini_with_holes_that_something_unknown_fills_is_not_taken_for_the_source() {
    let env = "from alembic import context\nimport lib\nconfig = context.config\n\
        config.set_section_option('alembic', 'URL', lib.url())\n\
        e = engine_from_config(config.get_section('alembic'))\n";
    let ini = "[alembic]\nscript_location = alembic\nsqlalchemy.url = %(URL)s\n";
    let directory = monorepo(&[("orders/alembic.ini", ini), ("orders/alembic/env.py", env)]);
    let url = &discovered(directory.path()).services[0].url;
    assert_eq!(url.sure, Sure::Unsure, "{url:?}");
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
