//! The needs of importing `env.py`: directories on Python's path, variables, a driver.

use pretty_assertions::assert_eq;
use rstest::rstest;

use super::{INI, discovered, monorepo};
use crate::discover::Sure;
use crate::discover::service::FoundService;

const BARE_INI: &str = "[alembic]\nscript_location = alembic\n";

/// The service of `services/orders/`, whose `env.py` has these lines.
fn orders(ini: &str, env: &str, files: &[(&str, &str)]) -> (FoundService, String) {
    let env = format!("from alembic import context\n{env}");
    let mut all = vec![
        ("services/orders/alembic.ini", ini),
        ("services/orders/alembic/env.py", &*env),
        ("services/orders/app/__init__.py", ""),
        ("services/orders/app/db.py", ""),
        ("libs/shared/shared_db/__init__.py", ""),
        ("libs/shared/shared_db/base.py", ""),
    ];
    all.extend(files);
    let directory = monorepo(&all);
    let mut discovery = discovered(directory.path());
    let text = discovery.files.remove(1).text;
    (discovery.services.remove(0), text)
}

#[rstest]
#[case::by_alembic(INI, "from app import db", &[], "", Sure::Certain)]
#[case::nothing(BARE_INI, "from app import db", &[], "{service}", Sure::Likely)]
#[case::dockerfile(BARE_INI, "from app import db", &[("services/orders/Dockerfile", "ENV PYTHONPATH=/srv\n")], "{service}", Sure::Certain)]
#[case::compose(INI, "import shared_db.base", &[("compose.yml", "      PYTHONPATH: /code/libs/shared\n")], "{root}/libs/shared", Sure::Certain)]
#[case::pytest(INI, "import orders.web", &[
    ("services/orders/pyproject.toml", "[tool.pytest.ini_options]\npythonpath = [\"src\"]\n"),
    ("services/orders/src/orders/__init__.py", ""), ("services/orders/src/orders/web.py", ""),
], "{service}/src", Sure::Certain)]
#[case::source_layout(INI, "import orders.web", &[
    ("services/orders/src/orders/__init__.py", ""), ("services/orders/src/orders/web.py", ""),
], "{service}/src", Sure::Likely)]
#[case::from_the_root(INI, "from services.orders.app import db", &[], "{root}", Sure::Likely)]
#[case::through_a_module(INI, "from app import db", &[("services/orders/app/db.py", "from shared_db import base\n")], "{root}/libs/shared", Sure::Likely)]
#[case::in_a_package_that_is_found(INI, "from app import db", &[
    ("services/orders/app/db.py", "import sklearn\n"), ("services/orders/app/sklearn/__init__.py", ""),
    ("services/orders/app/types/__init__.py", ""),
], "", Sure::Certain)]
#[case::namesake(INI, "import shared_db.base", &[
    ("compose.yml", "      PYTHONPATH: /code/libs/shared\n"),
    ("libs/shared/shared_db/base.py", "import shared_db.keras\n"),
    ("libs/shared/shared_db/__init__.py", ""),
    ("libs/shared/shared_db/keras/__init__.py", "import keras\n"),
], "{root}/libs/shared", Sure::Certain)]
#[case::revision(INI, "", &[("services/orders/alembic/versions/a.py", "import shared_db.base\nrevision = 'a'\ndown_revision = None\n")], "{root}/libs/shared", Sure::Likely)]
#[case::caught(INI, "try:\n    import shared_db.base\nexcept ImportError:\n    pass", &[], "", Sure::Certain)]
#[case::only_for_types(INI, "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import shared_db.base", &[], "", Sure::Certain)]
#[case::os_path(BARE_INI, "import os, sys\nsys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))\nfrom app import db", &[], "", Sure::Certain)]
#[case::parents(BARE_INI, "import sys\nfrom pathlib import Path\nROOT = Path(__file__).resolve().parents[1]\nsys.path.insert(0, str(ROOT))\nfrom app import db", &[], "", Sure::Certain)]
#[case::cwd(BARE_INI, "import os, sys\nsys.path.append(os.getcwd())\nfrom app import db", &[], "", Sure::Certain)]
#[case::slashes(INI, "import sys\nfrom pathlib import Path\nsys.path.append(str(Path(__file__).parent.parent.parent.parent / 'libs' / 'shared'))\nimport shared_db.base", &[], "", Sure::Certain)]
#[case::installed_in_place(INI, "import shared_db.base", &[
    (".venv/bin/python", ""), (".venv/lib/python3.12/site-packages/alembic/__init__.py", ""),
    (".venv/lib/python3.12/site-packages/__editable___shared_finder.py", "MAPPING = {'shared_db': '/x'}\n"),
], "", Sure::Certain)]
fn finds_what_is_missing_on_the_path(
    #[case] ini: &str,
    #[case] env: &str,
    #[case] files: &[(&str, &str)],
    #[case] path: &str,
    #[case] sure: Sure,
) {
    let (found, text) = orders(ini, env, files);
    let written = text
        .lines()
        .find_map(|line| line.strip_prefix("PYTHONPATH = "));
    assert_eq!(written.unwrap_or("\"\""), format!("\"{path}\""), "{text}");
    let seen = found.search_path.map_or(Sure::Certain, |path| path.sure);
    assert_eq!(seen, sure, "{text}");
}

/// Modules that `env.py` imports read a URL of their own, and raise without it.
#[rstest]
#[case::engine("URL = os.getenv('AUTH_DB')\nengine = create_engine(URL)")]
#[case::insists(
    "AUTH_DB_URL = os.getenv('AUTH_DB_URL')\nif not AUTH_DB_URL:\n    raise RuntimeError"
)]
#[case::environ("AUTH_DB_URL = os.environ['AUTH_DB_URL']")]
#[case::class_body("class Settings:\n    url = os.environ['AUTH_DB_URL']")]
#[case::both(
    "URL = os.getenv('AUTH_DB')\nif URL is None:\n    raise RuntimeError\nengine = create_engine(URL)"
)]
fn finds_the_urls_that_importing_needs(#[case] module: &str) {
    let module = format!("import os\nfrom sqlalchemy import create_engine\n{module}\n");
    let env = "from app import db\nengine_from_config(context.config.get_section('alembic'))\n";
    let (found, text) = orders(INI, env, &[("services/orders/app/db.py", &module)]);
    assert!(found.url.value.ini, "{text}");
    let [variable] = &*found.url.value.variables else {
        panic!("{text}")
    };
    assert!(module.contains(&format!("'{variable}'")), "{text}");
    assert!(found.needed.is_empty(), "{text}");
}

#[rstest]
#[case::replaced("+asyncpg", "+psycopg2", "asyncpg")]
#[case::bare("postgresql://", "postgresql+psycopg2://", "psycopg")]
fn finds_the_driver_that_all_of_it_can_live_with(
    #[case] from: &str,
    #[case] to: &str,
    #[case] driver: &str,
) {
    let env = format!(
        "import os\nfrom sqlalchemy import create_engine\nfrom app import db\n\
         create_engine(os.environ['ORDERS_DATABASE_URL'].replace('{from}', '{to}'))\n"
    );
    let module = "import os\nfrom sqlalchemy.ext.asyncio import create_async_engine\n\
        engine = create_async_engine(os.environ['ORDERS_DATABASE_URL'])\n";
    let (found, text) = orders(
        INI,
        &env,
        &[
            ("services/orders/app/db.py", module),
            (
                "services/orders/requirements.txt",
                "asyncpg\npsycopg\npsycopg2\n",
            ),
        ],
    );
    assert_eq!(found.driver.value, driver, "{text}");
}
