//! A manifest is read whole, or an error names file, key, value and expectation.

use std::path::PathBuf;
use std::time::Duration;

use migration_harness::criteria;
use migration_harness::manifest::{Manifest, Service};
use pretty_assertions::assert_eq;
use rstest::rstest;
use tempfile::TempDir;

const DEFAULTS: &str = r#"
root = "../monorepo"
python = "python3"
"#;
const SERVICE: &str = r#"
path = "services/a"
database_url_env = "A_DATABASE_URL"
"#;

/// A manifest beside a monorepo with one service.
fn written(defaults: &str, service: &str) -> (TempDir, Manifest, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(directory.path().join("monorepo/services/a")).unwrap();
    let manifest = directory.path().join("manifest");
    std::fs::create_dir_all(manifest.join("services")).unwrap();
    std::fs::write(manifest.join("defaults.toml"), defaults).unwrap();
    let file = manifest.join("services/a.toml");
    std::fs::write(&file, service).unwrap();
    (
        directory,
        Manifest {
            directory: manifest,
        },
        file,
    )
}

fn read(defaults: &str, service: &str) -> Result<Service, String> {
    let (_directory, manifest, file) = written(defaults, service);
    manifest.service(&file, &criteria::ids()).map_err(|error| {
        format!(
            "{error}\n{}\n{}",
            error.details.join("\n"),
            error.help.clone().unwrap_or_default()
        )
    })
}

#[test]
fn defaults_apply_where_the_service_says_nothing() {
    let service = read(DEFAULTS, SERVICE).unwrap();
    assert_eq!(service.name, "a");
    assert_eq!(service.python, ["python3"]);
    assert_eq!(service.driver, "asyncpg");
    assert_eq!(service.alembic_ini, "alembic.ini");
    assert_eq!(service.database_url_env, ["A_DATABASE_URL"]);
    assert_eq!(service.timeouts.upgrade, Duration::from_secs(240));
    assert_eq!(service.timeouts.verify, Duration::from_secs(120));
}

#[test]
fn a_service_overrides_the_defaults() {
    let defaults = format!(
        "{DEFAULTS}driver = \"psycopg\"\nenv = {{ A = \"1\", B = \"{{root}}/x\" }}\n[timeouts]\nupgrade = 5\n"
    );
    let service = format!(
        "{SERVICE}driver = \"psycopg2\"\nenv = {{ A = \"2\" }}\n[timeouts]\nupgrade = 0.5\n"
    );
    let service = read(&defaults, &service).unwrap();
    assert_eq!(service.driver, "psycopg2");
    assert_eq!(service.timeouts.upgrade, Duration::from_millis(500));
    assert_eq!(service.env["A"], "2");
    assert_eq!(service.env["B"], format!("{}/x", service.root.display()));
}

#[test]
fn an_interpreter_may_be_a_command() {
    let defaults = DEFAULTS.replace("\"python3\"", "[\"env\", \"python3\"]");
    assert_eq!(read(&defaults, SERVICE).unwrap().python, ["env", "python3"]);
}

#[rstest]
#[case::unknown_key("databse_url_env = \"X\"", &["services/a.toml", "unknown field `databse_url_env`", "did you mean `database_url_env`?"])]
#[case::wrong_type("driver = 5", &["services/a.toml", "invalid type: integer `5`, expected a string", "driver = 5"])]
#[case::wrong_list("python = { a = 1 }", &["services/a.toml", "a string or a list of strings"])]
#[case::syntax("driver = ", &["services/a.toml", "driver ="])]
#[case::duplicate("path = \"services/a\"", &["services/a.toml", "duplicate key"])]
#[case::no_program("python = \"no-such-python\"", &["`python` = \"no-such-python\"", "no such program on PATH"])]
#[case::no_interpreter("python = \"venv/bin/python\"", &["`python` = \"venv/bin/python\"", "does not exist"])]
#[case::empty_command("python = []", &["`python` is an empty list"])]
#[case::timeout("[timeouts]\nupgrade = -1", &["`timeouts.upgrade` = -1", "above zero"])]
#[case::no_criterion("[not_applicable]\noutbox = \"x\"", &["`not_applicable.outbox`", "outbox_indexes"])]
#[case::no_reason("[not_applicable]\noutbox_indexes = \" \"", &["`not_applicable.outbox_indexes`", "no reason"])]
#[case::provider("[postgres]\nprovider = \"cloud\"", &["unknown variant `cloud`", "`container`"])]
#[case::version("[postgres]\nversion = \"fifteen\"", &["`postgres.version` = \"fifteen\"", "version = \"15\""])]
fn a_wrong_key_is_named(#[case] line: &str, #[case] says: &[&str]) {
    let error = read(DEFAULTS, &format!("{SERVICE}{line}\n")).unwrap_err();
    for part in says {
        assert!(error.contains(part), "{part:?} is not in\n{error}");
    }
}

#[rstest]
#[case::leaves("../a", "leaves the root")]
#[case::leaves_inside("services/../../a", "leaves the root")]
#[case::absolute("/tmp", "leaves the root")]
#[case::missing("services/b", "is not a directory")]
fn a_path_stays_below_the_root(#[case] path: &str, #[case] says: &str) {
    let error = read(DEFAULTS, &SERVICE.replace("services/a", path)).unwrap_err();
    assert!(
        error.contains(&format!("`path` = \"{path}\" {says}")),
        "{error}"
    );
}

#[test]
fn a_service_must_say_how_it_gets_its_url() {
    let error = read(DEFAULTS, "path = \"services/a\"\n").unwrap_err();
    assert!(
        error.contains("database_url_env") && error.contains("database_url_ini"),
        "{error}"
    );
}

#[test]
fn a_root_that_is_a_file_is_an_error() {
    let (directory, manifest, file) = written(DEFAULTS, SERVICE);
    std::fs::remove_dir_all(directory.path().join("monorepo")).unwrap();
    std::fs::write(directory.path().join("monorepo"), "").unwrap();
    let error = manifest
        .service(&file, &criteria::ids())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("`root` = \"../monorepo\" is not a directory"),
        "{error}"
    );
}

#[test]
fn the_shipped_manifest_is_valid() {
    let directory = crate::judge::repository().join("services-manifest");
    let manifest = Manifest { directory };
    let names = manifest.service_names().unwrap();
    assert!(
        names.contains("class_management_service") && names.contains("essay_lifecycle_service"),
        "{names:?}"
    );
    for name in names {
        let file = manifest.services_directory().join(format!("{name}.toml"));
        manifest.service(&file, &criteria::ids()).unwrap();
    }
}
