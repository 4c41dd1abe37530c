//! Services that Flask-Migrate migrates: their application, and where its URL comes from.

use pretty_assertions::assert_eq;
use rstest::rstest;

use super::{INI, discovered, monorepo};
use crate::discover::Sure;
use crate::discover::service::FoundService;

const ENV: &str = "from alembic import context\nfrom flask import current_app\n\
    def get_engine():\n    return current_app.extensions['migrate'].db.engine\n\
    context.config.set_main_option('sqlalchemy.url', str(get_engine().url))\n";
const APP: &str = "import os\nfrom flask import Flask\napp = Flask(__name__)\n\
    app.config['SQLALCHEMY_DATABASE_URI'] = os.environ['SHOP_DATABASE_URL']\n";
const FACTORY: &str = "import os\nfrom flask import Flask\ndef create_app():\n    \
    app = Flask(__name__)\n    app.config.from_object('shop.config.Config')\n    return app\n";
const CONFIG: &str = "import os\nclass Config:\n    \
    SQLALCHEMY_DATABASE_URI = os.environ.get('SHOP_DATABASE_URL')\n";

/// The service of `shop/`, whose `migrations/` are Flask-Migrate's.
fn shop(files: &[(&str, &str)]) -> FoundService {
    let mut all = vec![
        ("shop/migrations/alembic.ini", "[alembic]\n"),
        ("shop/migrations/env.py", ENV),
    ];
    all.extend(files);
    let directory = monorepo(&all);
    let mut discovery = discovered(directory.path());
    assert_eq!(discovery.services.len(), 1, "{:?}", discovery.left_out);
    discovery.services.remove(0)
}

#[rstest]
#[case::module(&[("shop/app.py", APP)], "app.py", Sure::Certain)]
#[case::wsgi(&[("shop/wsgi.py", "from shop import make\napplication = make()\n")], "wsgi.py", Sure::Certain)]
#[case::flaskenv(
    &[("shop/.flaskenv", "FLASK_APP=src/shop/main:create_app\n"), ("shop/src/shop/main.py", FACTORY)],
    "src/shop/main:create_app", Sure::Certain
)]
#[case::dockerfile(
    &[("shop/Dockerfile", "ENV FLASK_APP=/srv/shop/start.py\n"), ("shop/start.py", APP)],
    "start", Sure::Certain
)]
#[case::factory_in_a_package(&[("shop/shop/__init__.py", FACTORY)], "shop:create_app()", Sure::Likely)]
#[case::module_in_a_package(
    &[("shop/shop/__init__.py", ""), ("shop/shop/web.py", APP)], "shop.web:app", Sure::Likely
)]
#[case::below_src(
    &[("shop/src/shop/__init__.py", ""), ("shop/src/shop/web.py", APP)], "src/shop/web:app", Sure::Likely
)]
#[case::commands_of_its_own(
    &[
        ("shop/shop/__init__.py", "from flask import Flask\ndef create_app(config=None):\n    return Flask(__name__)\n"),
        ("shop/manage.py", "import click\nfrom flask.cli import FlaskGroup\nfrom shop import create_app\ndef make():\n    return create_app('dev')\n\n@click.group(cls=FlaskGroup, create_app=make)\ndef cli():\n    pass\n"),
    ],
    "manage:make()", Sure::Likely
)]
#[case::group_of_commands(
    &[
        ("shop/shop/__init__.py", "from flask import Flask\ndef make_one():\n    return Flask(__name__)\n"),
        ("shop/cli.py", "from flask.cli import FlaskGroup\nfrom shop import make_one\ncli = FlaskGroup(create_app=make_one)\n"),
    ],
    "cli:make_one()", Sure::Likely
)]
#[case::subclass(
    &[
        ("shop/shop/__init__.py", "from flask import Flask\nclass ShopFlask(Flask):\n    pass\ndef create_app():\n    return ShopFlask(__name__)\n"),
        ("shop/shop/__main__.py", "from shop import create_app\napp = create_app()\n"),
    ],
    "shop:create_app()", Sure::Likely
)]
#[case::class_of_another_name(
    &[
        ("shop/shop/__init__.py", ""),
        ("shop/shop/app.py", "from flask import Flask\ndef create_app(config=None):\n    return Shop(__name__)\nclass Shop(Flask):\n    pass\n"),
        ("shop/shop/docs.py", "from shop.app import create_app\nif __name__ == '__main__':\n    app = create_app()\n"),
        ("shop/shop/tasks.py", "from shop.app import create_app\nflask_app = create_app()\n"),
    ],
    "shop.app:create_app()", Sure::Likely
)]
#[case::arguments(
    &[("shop/shop/__init__.py", "from flask import Flask\ndef create_app(name):\n    return Flask(name)\n")],
    "shop:create_app()", Sure::Unsure
)]
#[case::script_before_arguments(
    &[
        ("shop/shop/__init__.py", "from flask import Flask\ndef create_app(name):\n    return Flask(name)\n"),
        ("shop/manage.py", "from shop import create_app\napp = create_app('default')\n"),
    ],
    "manage:app", Sure::Likely
)]
fn finds_the_application(#[case] files: &[(&str, &str)], #[case] name: &str, #[case] sure: Sure) {
    let found = shop(files);
    let flask = found.flask.unwrap();
    let application = flask.value.unwrap();
    assert_eq!((application.name.as_str(), flask.sure), (name, sure));
    assert_eq!(
        (found.path.as_str(), found.environment.ini.as_str()),
        ("shop", "migrations/alembic.ini")
    );
}

#[rstest]
#[case::key(&[("shop/app.py", APP)])]
#[case::object(&[("shop/shop/__init__.py", FACTORY), ("shop/shop/config.py", CONFIG)])]
#[case::choice(&[
    ("shop/shop/__init__.py", "from flask import Flask\nfrom shop.config import choice\ndef create_app(name='default'):\n    app = Flask(__name__)\n    app.config.from_object(choice[name])\n    return app\n"),
    ("shop/shop/config.py", "import os\nclass Default:\n    SQLALCHEMY_DATABASE_URI = os.getenv('SHOP_DATABASE_URL') or 'sqlite://'\nclass Testing:\n    SQLALCHEMY_DATABASE_URI = os.getenv('TEST_DATABASE_URL')\nchoice = {'default': Default, 'testing': Testing}\n"),
])]
#[case::object_of_a_name(&[
    ("shop/shop/__init__.py", "from flask import Flask\ndef create_app(name='Config'):\n    app = Flask(__name__)\n    app.config.from_object(f'shop.config.{name}')\n    return app\n"),
    ("shop/shop/config.py", CONFIG),
])]
#[case::object_of_a_variable(&[
    ("shop/shop/__init__.py", "import os\nfrom flask import Flask\ndef create_app():\n    app = Flask(__name__)\n    settings = os.getenv('SETTINGS', 'shop.config.Config')\n    app.config.from_object(settings)\n    return app\n"),
    ("shop/shop/config.py", CONFIG),
])]
#[case::mapping(&[("shop/app.py", "import os\nfrom flask import Flask\napp = Flask(__name__)\napp.config.from_mapping(SQLALCHEMY_DATABASE_URI=os.environ['SHOP_DATABASE_URL'])\n")])]
#[case::pyfile(&[
    ("shop/app.py", "from flask import Flask\napp = Flask(__name__)\napp.config.from_pyfile('settings.py')\n"),
    ("shop/settings.py", "import os\nSQLALCHEMY_DATABASE_URI = os.environ['SHOP_DATABASE_URL']\n"),
])]
fn finds_where_its_url_comes_from(#[case] files: &[(&str, &str)]) {
    let found = shop(files);
    assert_eq!(
        found.url.value.variables,
        ["SHOP_DATABASE_URL"],
        "{:?}",
        found.url
    );
    assert_eq!(found.url.sure, Sure::Certain);
    assert!(
        found.url.why.starts_with("the application takes"),
        "{}",
        found.url.why
    );
}

#[test]
fn its_variables_may_have_a_prefix() {
    let app =
        "from flask import Flask\napp = Flask(__name__)\napp.config.from_prefixed_env('SHOP')\n";
    let found = shop(&[("shop/app.py", app)]);
    assert_eq!(found.url.value.variables, ["SHOP_SQLALCHEMY_DATABASE_URI"]);
}

#[test]
fn an_application_that_is_not_found_is_asked_for() {
    let found = shop(&[("shop/models.py", "")]);
    let flask = found.flask.unwrap();
    assert!(flask.value.is_none() && flask.sure == Sure::Unsure);
    assert!(flask.why.contains("flask_app"), "{}", flask.why);
}

#[test]
fn several_databases_are_a_doubt() {
    let env = format!("{ENV}names = current_app.config.get('SQLALCHEMY_BINDS')\n");
    let app =
        format!("{APP}app.config['SQLALCHEMY_BINDS'] = {{'audit': os.environ['AUDIT_URL']}}\n");
    let found = shop(&[("shop/migrations/env.py", &env), ("shop/app.py", &app)]);
    assert!(
        found
            .doubts
            .iter()
            .any(|doubt| doubt.why.contains("SQLALCHEMY_BINDS"))
    );
}

/// `flask_app` is written where Flask would not find the application by itself, and where
/// the ini has a `script_location`: then nothing else tells that one is needed.
#[rstest]
#[case::found_by_itself("[alembic]\n", ENV, None)]
#[case::by_alembic_too(INI, ENV, Some("flask_app = \"app.py\""))]
#[case::pushed_by_env_py(
    INI,
    "from alembic import context\nfrom app import app\nwith app.app_context():\n    from flask import current_app\n",
    None
)]
fn names_the_application_where_it_has_to(
    #[case] ini: &str,
    #[case] env: &str,
    #[case] line: Option<&str>,
) {
    let directory = monorepo(&[
        (
            "shop/migrations/alembic.ini",
            &ini.replace("= alembic", "= migrations"),
        ),
        ("shop/migrations/env.py", env),
        ("shop/app.py", APP),
    ]);
    let text = &discovered(directory.path()).files[1].text;
    let written = text.lines().find(|line| line.starts_with("flask_app"));
    assert_eq!(written, line, "{text}");
    assert!(
        text.contains("database_url_env = \"SHOP_DATABASE_URL\""),
        "{text}"
    );
}
