//! Advice of findings, typed as it stands: followed, every fault is green.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pretty_assertions::assert_eq;

use crate::judge::{judge, python, repository};

/// One thing that somebody does to a service, by a path below its directory.
enum Step {
    /// Writes a line into the service's file of the manifest, at its end or below a table.
    Manifest(&'static str),
    /// Replaces the first text by the second, in a file.
    Edit(&'static str, &'static str, &'static str),
    /// Writes a new file.
    Write(&'static str, &'static str),
    /// Runs the `alembic` command.
    Alembic(&'static [&'static str]),
}

use Step::{Alembic, Edit, Manifest, Write};

/// A fault, the words of its text that are followed, and how.
const FOLLOWED: &[(&str, &[&str], &[Step])] = &[
    (
        "merges_that_share_a_parent",
        &[
            r#"set down_revision = "20250710_0001" in merges_that_share_a_parent/alembic/versions/20250709_0001_d.py"#,
            r#"set down_revision = "20250709_0001" in merges_that_share_a_parent/alembic/versions/20250711_0001_c_and_d.py"#,
        ],
        &[
            Edit(
                "alembic/versions/20250709_0001_d.py",
                r#"down_revision = "20250706_0001""#,
                r#"down_revision = "20250710_0001""#,
            ),
            Edit(
                "alembic/versions/20250711_0001_c_and_d.py",
                r#"down_revision = ("20250708_0001", "20250709_0001")"#,
                r#"down_revision = "20250709_0001""#,
            ),
        ],
    ),
    (
        "three_heads",
        &["alembic merge", "20250714_0001 20250721_0001 20250722_0001"],
        &[Alembic(&[
            "merge",
            "-m",
            "merge heads",
            "20250714_0001",
            "20250721_0001",
            "20250722_0001",
        ])],
    ),
    (
        "setting_missing",
        &[r#"below [env]: ESSAY_API_KEY = "<value>""#],
        &[Manifest("[env]\nESSAY_API_KEY = \"<value>\"\n")],
    ),
    (
        "setting_asked_for",
        &[r#"below [env]: ESSAY_API_KEY = "<value>""#],
        &[Manifest("[env]\nESSAY_API_KEY = \"<value>\"\n")],
    ),
    (
        "flask_application_without_migrate",
        &[r#"flask_app = \"<module>:app\""#],
        &[
            Write(
                "migrating.py",
                "from app import app, db\nfrom flask_migrate import Migrate\n\nMigrate(app, db)\n",
            ),
            Edit(
                "../services-manifest/services/flask_application_without_migrate.toml",
                r#"flask_app = "app:app""#,
                r#"flask_app = "migrating:app""#,
            ),
        ],
    ),
    (
        "second_revision_alters",
        &[r#"baseline = { sql = \"<file>\" }"#],
        &[
            Write(
                "tables.sql",
                "CREATE TABLE essays (id integer PRIMARY KEY);\n",
            ),
            Manifest("baseline = { sql = \"second_revision_alters/tables.sql\" }\n"),
        ],
    ),
    (
        "versions_in_folders",
        &["below [alembic]: version_locations = alembic/versions/2025"],
        &[Edit(
            "alembic.ini",
            "path_separator = os",
            "path_separator = os\nversion_locations = alembic/versions/2025",
        )],
    ),
    (
        "default_made_by_python",
        &["server_default=sa.func.now()"],
        &[Edit(
            "alembic/versions/20250707_0001_essays.py",
            "server_default=str(datetime.now())",
            "server_default=sa.func.now()",
        )],
    ),
    (
        "downgrade_reorders_labels",
        &["its labels in the order that they had: 'draft', 'final'"],
        &[Edit(
            "alembic/versions/20250708_0001_late_essays.py",
            "('final', 'draft')",
            "('draft', 'final')",
        )],
    ),
    (
        "column_never_added",
        &[r#"add it first: op.add_column(\"essays\", sa.Column(\"author\", ...))"#],
        &[Edit(
            "alembic/versions/20250707_0001_essays.py",
            "    op.create_index(",
            "    op.add_column(\"essays\", sa.Column(\"author\", sa.Text()))\n    op.create_index(",
        )],
    ),
    (
        "env_of_several_sections",
        &[
            "one manifest file for each of its databases",
            "alembic_section",
        ],
        &[
            Edit(
                "alembic/env.py",
                "for name in re.split(r\",\\s*\", config.get_main_option(\"databases\")):\n    engine = engine_from_config(config.get_section(name), poolclass=pool.NullPool)\n",
                "for name in [config.config_ini_section]:\n    engine = engine_from_config(config.get_section(name), poolclass=pool.NullPool)\n",
            ),
            Edit(
                "alembic.ini",
                "[essays]\n",
                "[essays]\nscript_location = alembic\npath_separator = os\nprepend_sys_path = .:../libs\n",
            ),
            Edit(
                "../services-manifest/services/env_of_several_sections.toml",
                r#"database_url_env = "DATABASE_URL""#,
                "database_url_ini = true\ndriver = \"psycopg\"\nalembic_section = \"essays\"",
            ),
        ],
    ),
    (
        "type_not_cast",
        &[r#"postgresql_using=\"<column>::<type>\""#],
        &[Edit(
            "alembic/versions/20250708_0001_points.py",
            "type_=sa.Integer())",
            "type_=sa.Integer(), postgresql_using=\"points::integer\")",
        )],
    ),
    (
        "url_of_the_template",
        &["services/url_of_the_template.toml: database_url_ini = true"],
        &[Manifest("database_url_ini = true\n")],
    ),
    (
        "argument_not_given",
        &[r#"below [alembic]: x = { db_url = "{database_url}" }"#],
        &[Manifest("[alembic]\nx = { db_url = \"{database_url}\" }\n")],
    ),
    (
        "argument_required",
        &[r#"below [alembic]: x = { tenant = "<value>" }"#],
        &[Manifest("[alembic]\nx = { tenant = \"acme\" }\n")],
    ),
    (
        "connection_of_the_caller",
        &["let env.py go on without it, as config.attributes.get(\\\"connection\\\") is None then"],
        &[Edit(
            "alembic/env.py",
            r#"connection = context.config.attributes["connection"]"#,
            r#"connection = context.config.attributes.get("connection")
if connection is None:
    from sqlalchemy import create_engine

    url = context.config.get_main_option("sqlalchemy.url")
    connection = create_engine(url).connect()"#,
        )],
    ),
    (
        "configuration_of_the_caller",
        &["ends with runpy.run_path("],
        &[
            Write(
                "own.ini",
                "[alembic]\nscript_location = own\nversion_locations = alembic/versions\npath_separator = os\nprepend_sys_path = .:../libs\n",
            ),
            Write(
                "own/env.py",
                r#"import runpy
from types import SimpleNamespace

from alembic import context

context.config.essay_options = SimpleNamespace(url=context.config.get_main_option("sqlalchemy.url"))
runpy.run_path("alembic/env.py")
"#,
            ),
            Manifest("alembic_ini = \"own.ini\"\n"),
        ],
    ),
    (
        "driver_for_asyncio",
        &["psycopg is for both"],
        &[Manifest("driver = \"psycopg\"\n")],
    ),
    (
        "module_beside_the_path",
        &[r#"below [env]: PYTHONPATH = "{root}/module_beside_the_path/src""#],
        &[Manifest(
            "[env]\nPYTHONPATH = \"{root}/module_beside_the_path/src\"\n",
        )],
    ),
    (
        "url_variable_required",
        &[r#"database_url_env = ["DATABASE_URL", "ESSAY_DATABASE_URL"]"#],
        &[Edit(
            "../services-manifest/services/url_variable_required.toml",
            r#"database_url_env = "DATABASE_URL""#,
            r#"database_url_env = ["DATABASE_URL", "ESSAY_DATABASE_URL"]"#,
        )],
    ),
    (
        "env_does_not_commit",
        &["before context.configure: connection.commit()"],
        &[Edit(
            "alembic/env.py",
            "    context.configure(",
            "    connection.commit()\n    context.configure(",
        )],
    ),
    (
        "autocommit_block_in_begun_transaction",
        &["`with engine.connect()` in env.py"],
        &[Edit("alembic/env.py", "engine.begin()", "engine.connect()")],
    ),
    (
        "enum_type_in_added_column",
        &[r#"name="essay_status").create(op.get_bind(), checkfirst=True)"#],
        &[Edit(
            "alembic/versions/20250708_0001_status.py",
            "    op.add_column(",
            "    sa.Enum(\"draft\", \"final\", name=\"essay_status\").create(op.get_bind(), checkfirst=True)\n    op.add_column(",
        )],
    ),
    (
        "colon_taken_for_a_parameter",
        &[r"write it as \\: there"],
        &[Edit(
            "alembic/versions/20250707_0001_defaults.py",
            ":true",
            r"\\:true",
        )],
    ),
    (
        "labels_without_downgrade",
        &[
            r#"below [downgrade.one_way]: "20250708_0001" = "<reason>""#,
            r#"in downgrade(): op.execute("DROP SEQUENCE title_numbers")"#,
        ],
        &[
            Manifest("[downgrade.one_way]\n\"20250708_0001\" = \"<reason>\"\n"),
            Edit(
                "alembic/versions/20250709_0001_titles.py",
                "    op.drop_table(\"titles\")",
                "    op.drop_table(\"titles\")\n    op.execute(\"DROP SEQUENCE title_numbers\")",
            ),
        ],
    ),
    (
        "library_not_preloaded",
        &[r#"below [postgres.settings]: shared_preload_libraries = "pg_stat_statements""#],
        &[Manifest(
            "[postgres.settings]\nshared_preload_libraries = \"pg_stat_statements\"\n",
        )],
    ),
    (
        "downgrade_does_not_restore_default",
        &[
            r#"in downgrade(): op.execute("ALTER TABLE event_outbox ALTER COLUMN created_at SET DEFAULT now()")"#,
        ],
        &[Edit(
            "alembic/versions/20250707_0001_essays.py",
            r#"op.alter_column("event_outbox", "created_at", nullable=False)"#,
            r#"op.execute("ALTER TABLE event_outbox ALTER COLUMN created_at SET DEFAULT now()")"#,
        )],
    ),
    (
        "rows_inserted_twice",
        &["let the downgrade() of the revision that inserts the rows delete them"],
        &[Edit(
            "alembic/versions/20250708_0001_teachers.py",
            "    pass",
            "    op.execute(\"DELETE FROM roles\")",
        )],
    ),
    (
        "second_engine_before_commit",
        &["op.get_bind()"],
        &[
            Edit(
                "alembic/versions/20250708_0001_counted.py",
                "import sqlalchemy as sa",
                "import sqlalchemy as sa\nfrom alembic import op",
            ),
            Edit(
                "alembic/versions/20250708_0001_counted.py",
                "        connection.execute(",
                "        op.get_bind().execute(",
            ),
        ],
    ),
    (
        "search_path_emptied",
        &["take that line out"],
        &[Edit(
            "alembic/versions/20250707_0001_dump.py",
            "    op.execute(\"SELECT pg_catalog.set_config('search_path', '', false)\")\n",
            "",
        )],
    ),
    (
        "migration_uses_todays_models",
        &["name here only what is there by now: sa.table("],
        &[
            Edit(
                "alembic/versions/20250708_0001_first_essay.py",
                "from models import essays",
                "import sqlalchemy as sa\n\nessays = sa.table(\"essays\", sa.column(\"id\"))",
            ),
            Edit(
                "alembic/versions/20250708_0001_first_essay.py",
                "essays.insert()",
                "essays.insert().values(id=sa.text(\"gen_random_uuid()\"))",
            ),
        ],
    ),
    (
        "begins_on_existing_tables",
        &["let a new first revision create those, and set down_revision of 20250706_0001 to it"],
        &[
            Write(
                "alembic/versions/20250701_0001_pupils.py",
                "import sqlalchemy as sa\nfrom alembic import op\n\nrevision = \"20250701_0001\"\ndown_revision = None\n\n\n\
                 def upgrade() -> None:\n    op.create_table(\"pupils\", sa.Column(\"id\", sa.Uuid(), primary_key=True))\n\n\n\
                 def downgrade() -> None:\n    op.drop_table(\"pupils\")\n",
            ),
            Edit(
                "alembic/versions/20250706_0001_event_outbox.py",
                "down_revision = None",
                "down_revision = \"20250701_0001\"",
            ),
        ],
    ),
    (
        "missing_table",
        &[r#"did you mean "essays"?"#],
        &[
            Edit(
                "alembic/versions/20250714_0001_essay_titles.py",
                "add_column(\"essay\"",
                "add_column(\"essays\"",
            ),
            Edit(
                "alembic/versions/20250714_0001_essay_titles.py",
                "drop_column(\"essay\"",
                "drop_column(\"essays\"",
            ),
        ],
    ),
];

#[test]
fn advice_that_is_followed_makes_a_service_green() {
    let monorepo = tempfile::tempdir().unwrap();
    let broken = repository().join("tests/broken");
    let python = python();
    copy(&broken.join("libs"), &monorepo.path().join("libs"));
    let manifest = monorepo.path().join("services-manifest");
    let conventions = "services-manifest/conventions";
    copy(
        &broken.join(conventions),
        &monorepo.path().join(conventions),
    );
    let defaults = fs::read_to_string(broken.join("services-manifest/defaults.toml")).unwrap();
    let defaults = defaults.replace("../monorepo/.venv/bin/python", python.to_str().unwrap());
    fs::write(manifest.join("defaults.toml"), defaults).unwrap();
    fs::create_dir(manifest.join("services")).unwrap();

    for (fault, words, steps) in FOLLOWED {
        let expected = fs::read_to_string(broken.join(fault).join("expected.toml")).unwrap();
        for word in *words {
            assert!(
                expected.contains(word),
                "{fault} is not expected to say {word:?}"
            );
        }
        copy(&broken.join(fault), &monorepo.path().join(fault));
        let file = PathBuf::from(format!("services/{fault}.toml"));
        let original = broken.join("services-manifest").join(&file);
        fs::copy(original, manifest.join(&file)).unwrap();
        for step in *steps {
            follow(
                step,
                &monorepo.path().join(fault),
                &manifest.join(&file),
                &python,
            );
        }
    }

    let faults: Vec<&str> = FOLLOWED.iter().map(|(fault, ..)| *fault).collect();
    let judged = judge(&manifest, &[], &[("ONLY", &faults.join(" "))]);
    assert_eq!(judged.code, Some(0), "{}", judged.all());
}

fn follow(step: &Step, service: &Path, file: &Path, python: &Path) {
    match step {
        Manifest(lines) => {
            let text = fs::read_to_string(file).unwrap();
            fs::write(file, format!("{text}\n{lines}")).unwrap();
        }
        Edit(path, before, after) => {
            let path = service.join(path);
            let text = fs::read_to_string(&path).unwrap();
            assert!(
                text.contains(before),
                "{}: no {before:?}\n{text}",
                path.display()
            );
            fs::write(&path, text.replacen(before, after, 1)).unwrap();
        }
        Write(path, text) => {
            let path = service.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Alembic(arguments) => {
            let template = "import alembic, os; print(os.path.dirname(alembic.__file__))";
            let package = run(Command::new(python).args(["-c", template]));
            let template = Path::new(package.trim()).join("templates/generic/script.py.mako");
            fs::copy(template, service.join("alembic/script.py.mako")).unwrap();
            let mut command = Command::new(python.with_file_name("alembic"));
            run(command.args(*arguments).current_dir(service));
        }
    }
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in from.read_dir().unwrap().flatten() {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        match path.is_dir() {
            true => copy(&path, &to),
            false => drop(fs::copy(path, to).unwrap()),
        }
    }
}
