//! A manifest is read whole, or an error names file, key, value and expectation.

mod keys;
mod notes;

use std::path::PathBuf;
use std::time::Duration;

use migration_harness::criteria;
use migration_harness::error::Stage;
use migration_harness::manifest::{Baseline, Manifest, Service};
use migration_harness::postgres::MigrateAs;
use pretty_assertions::assert_eq;
use proptest::prelude::*;
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

#[rstest]
#[case::own("", "flask_app = \"a\"\n", Some("a"))]
#[case::inherited("flask_app = \"b:app\"\n", "", Some("b:app"))]
#[case::overridden(
    "flask_app = \"b\"\n",
    "flask_app = \"a:make('x')\"\n",
    Some("a:make('x')")
)]
#[case::none("", "", None)]
fn an_application_may_be_named(
    #[case] defaults: &str,
    #[case] service: &str,
    #[case] named: Option<&str>,
) {
    let service = read(
        &format!("{DEFAULTS}{defaults}"),
        &format!("{SERVICE}{service}"),
    )
    .unwrap();
    assert_eq!(service.flask_app.as_deref(), named);
}

#[test]
fn the_parts_of_the_url_are_filled_in_later() {
    let service = "path = \"services/a\"\nenv = { A = \"{database_host}\", B = \"1\" }\n";
    let service = read(DEFAULTS, service).unwrap();
    assert_eq!(service.database_env["A"], "{database_host}");
    assert_eq!(service.env.keys().collect::<Vec<_>>(), ["B"]);
}

#[test]
fn arguments_of_x_are_the_defaults_with_the_services_over_them() {
    let defaults = format!("{DEFAULTS}[alembic]\nx = {{ mode = \"all\", tenant = \"none\" }}\n");
    let service = "path = \"services/a\"\n[alembic]\nx = { tenant = [\"acme\", \"{service}\"], url = \"{database_url}\" }\n";
    let service = read(&defaults, service).unwrap();
    let place = service.directory.display().to_string();
    assert_eq!(service.x["mode"], ["all"]);
    assert_eq!(service.x["tenant"], ["acme", &place]);
    assert_eq!(service.x["url"], ["{database_url}"]);
}

#[test]
fn what_is_prepared_is_the_defaults_and_then_the_services() {
    let defaults = format!(
        "{DEFAULTS}[postgres]\nprepare = \"CREATE ROLE a; CREATE ROLE b\"\n[postgres.settings]\nwork_mem = \"8MB\"\njit = true\n"
    );
    let service = format!(
        "{SERVICE}baseline = {{ models = \"v1\" }}\n[postgres]\nprepare = [\"SELECT 1\"]\n[postgres.settings]\njit = false\nmax_locks_per_transaction = 128\n"
    );
    let service = read(&defaults, &service).unwrap();
    let statements = service.prepare.iter().flat_map(|script| &script.statements);
    let sql: Vec<&str> = statements.map(|one| one.sql.as_str()).collect();
    assert_eq!(sql, ["CREATE ROLE a", "CREATE ROLE b", "SELECT 1"]);
    let settings = service.postgres.settings.iter();
    let settings: Vec<String> = settings
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(
        settings,
        ["jit=off", "max_locks_per_transaction=128", "work_mem=8MB"]
    );
    assert_eq!(service.baseline, Some(Baseline::Models("v1".to_owned())));
}

#[rstest]
#[case::no_program("no-such-python", "no such program on PATH")]
#[case::no_file("venv/bin/python", "does not exist")]
fn an_interpreter_that_is_not_there_is_an_error_of_who_needs_it(
    #[case] python: &str,
    #[case] says: &str,
) {
    let service = read(DEFAULTS, &format!("{SERVICE}python = {python:?}\n")).unwrap();
    let error = service.has_interpreter().unwrap_err();
    assert!(
        error.message.contains(says) && error.message.contains(python),
        "{error:?}"
    );
    assert_eq!(error.stage, Stage::Manifest);
}

#[test]
fn a_service_says_for_itself_who_migrates() {
    let owner = "[postgres]\nmigrate_as = \"owner\"\n";
    let superuser = "[postgres]\nmigrate_as = \"superuser\"\n";
    for (defaults, own, is) in [
        ("", "", MigrateAs::Superuser),
        (owner, "", MigrateAs::Owner),
        ("", owner, MigrateAs::Owner),
        (owner, superuser, MigrateAs::Superuser),
    ] {
        let service = read(&format!("{DEFAULTS}{defaults}"), &format!("{SERVICE}{own}")).unwrap();
        assert_eq!(service.postgres.migrate_as, is, "{defaults} {own}");
    }
}

#[test]
fn a_baseline_is_not_for_all() {
    let error = read(
        &format!("{DEFAULTS}baseline = {{ models = \"v1\" }}\n"),
        SERVICE,
    )
    .unwrap_err();
    assert!(
        error.contains("defaults.toml") && error.contains("unknown field `baseline`"),
        "{error}"
    );
}

#[test]
fn an_interpreter_may_be_a_command() {
    let defaults = DEFAULTS.replace("\"python3\"", "[\"env\", \"python3\"]");
    assert_eq!(read(&defaults, SERVICE).unwrap().python, ["env", "python3"]);
}

#[rstest]
#[case::unknown_key("databse_url_env = \"X\"", &["services/a.toml", "unknown field `databse_url_env`", "did you mean `database_url_env`?"])]
#[case::wrong_type("driver = 5", &["services/a.toml", "invalid type: integer `5`, expected a string", "driver = 5"])]
#[case::wrong_application("flask_app = [\"app\"]", &["services/a.toml", "invalid type: sequence, expected a string", "flask_app"])]
#[case::empty_application("flask_app = \"\"", &["services/a.toml", "`flask_app` is empty", "create_app()"])]
#[case::wrong_list("python = { a = 1 }", &["services/a.toml", "a string or a list of strings"])]
#[case::syntax("driver = ", &["services/a.toml", "driver ="])]
#[case::duplicate("path = \"services/a\"", &["services/a.toml", "duplicate key"])]
#[case::empty_command("python = []", &["`python` is an empty list"])]
#[case::timeout("[timeouts]\nupgrade = -1", &["`timeouts.upgrade` = -1", "above zero"])]
#[case::no_variable("env = { \"A=B\" = \"1\" }", &["`env` cannot set a variable \"A=B\""])]
#[case::nul_in_a_variable("env = { A = \"1\\u0000\" }", &["`env` cannot set a variable \"A\""])]
#[case::forever("[timeouts]\nverify = 1e300", &["`timeouts.verify` = ", "at most 86400"])]
#[case::no_number("[timeouts]\nverify = nan", &["`timeouts.verify` = NaN"])]
#[case::no_criterion("[not_applicable]\noutbox = \"x\"", &["`not_applicable.outbox`", "outbox_indexes"])]
#[case::no_reason("[not_applicable]\noutbox_indexes = \" \"", &["`not_applicable.outbox_indexes`", "no reason"])]
#[case::neither("[not_applicable]\noutbox_indexes = true", &["services/a.toml", "`not_applicable.outbox_indexes`", "no reason"])]
#[case::no_reason_at_all("[not_applicable]\noutbox_indexes = 1", &["a reason in a string, or false"])]
#[case::takes_nothing_back("[not_applicable]\noutbox = false", &["`not_applicable.outbox`", "outbox_indexes"])]
#[case::x_of_another_type("[alembic]\nx = { tenant = 5 }", &["services/a.toml", "a string or a list of strings"])]
#[case::x_without_a_key("[alembic]\nx = { \"a=b\" = \"c\" }", &["`alembic.x` cannot give an argument \"a=b\"", "alembic -x tenant=acme"])]
#[case::x_with_nul("[alembic]\nx = { a = [\"b\", \"\\u0000\"] }", &["`alembic.x` cannot give an argument \"a\""])]
#[case::x_elsewhere("[alembic]\nini = \"a.ini\"", &["services/a.toml", "unknown field `ini`"])]
#[case::migrate_as_nobody("[postgres]\nmigrate_as = \"me\"", &["services/a.toml", "unknown variant `me`", "`superuser` or `owner`"])]
#[case::prepare_of_another_type("[postgres]\nprepare = 5", &["services/a.toml", "SQL in a string, { sql = \"<file>\" }, or a list of these"])]
#[case::prepare_of_another_key("[postgres]\nprepare = { file = \"a.sql\" }", &["SQL in a string"])]
#[case::prepare_is_a_name("[postgres]\nprepare = \"infra/a.sql\"", &["is the name of a file, not SQL", "prepare = { sql = \"infra/a.sql\" }"])]
#[case::prepare_is_nothing("[postgres]\nprepare = \"-- later\"", &["`postgres.prepare`", "holds no statement"])]
#[case::prepare_is_psql("[postgres]\nprepare = \"SELECT 1;\\n\\\\connect a\"", &["`postgres.prepare`: line 2 of", "is a command of psql"])]
#[case::prepare_is_missing("[postgres]\nprepare = [{ sql = \"a.sql\" }]", &["`postgres.prepare.sql` = \"a.sql\"", "relative to the root"])]
#[case::setting_of_another_type("[postgres.settings]\nwork_mem = [1]", &["a string, a number, true or false"])]
#[case::no_setting("[postgres.settings]\n\"work mem\" = 1", &["`postgres.settings` cannot set \"work mem\""])]
#[case::setting_of_ours("[postgres.settings]\nport = 1", &["`postgres.settings.port` is for the harness to set"])]
#[case::baseline_of_another_type("baseline = \"a.sql\"", &["services/a.toml", "{ sql = \"<file>\" } or { models = \"<commit>\" }"])]
#[case::baseline_in_a_list("baseline = [\"a.sql\"]", &["{ sql = \"<file>\" } or { models = \"<commit>\" }"])]
#[case::prepare_in_lists("[postgres]\nprepare = [[\"a.sql\"]]", &["SQL in a string, { sql"])]
#[case::baseline_twice("baseline = { sql = \"a.sql\", models = \"v1\" }", &["{ sql = \"<file>\" } or { models"])]
#[case::baseline_is_missing("baseline = { sql = \"a.sql\" }", &["`baseline.sql` = \"a.sql\"", "relative to the root"])]
#[case::baseline_of_nothing("baseline = { models = \" \" }", &["`baseline.models` names no commit"])]
#[case::release_of_another_type("[running_release]\nref = 5", &["services/a.toml", "invalid type: integer `5`, expected a string"])]
#[case::release_of_nothing("[running_release]\nref = \" \"", &["services/a.toml", "`running_release.ref` names no commit"])]
#[case::release_of_another_key("[running_release]\ntag = \"v1\"", &["services/a.toml", "unknown field `tag`"])]
#[case::release_of_no_sql("[running_release]\nstatements = 5", &["services/a.toml", "SQL in a string, { sql = \"<file>\" }, or a list of these"])]
#[case::release_of_a_file("[running_release]\nstatements = \"claim.sql\"", &["`running_release.statements` = \"claim.sql\" is the name of a file, not SQL", "write statements = { sql = \"claim.sql\" }"])]
#[case::release_of_a_missing_file("[running_release]\nstatements = { sql = \"claim.sql\" }", &["`running_release.statements.sql` = \"claim.sql\"", "relative to the root"])]
#[case::release_of_nothing_to_execute("[running_release]\nstatements = \"-- none\"", &["holds no statement", "for instance statements = \"SELECT id FROM orders"])]
#[case::release_of_mixed("[running_release]\nmixed = \"yes\"", &["services/a.toml", "invalid type: string \"yes\", expected a boolean"])]
#[case::release_without_a_reason("[running_release.accepted]\n\"r2 a gone\" = \"\"", &["`running_release.accepted.r2 a gone` gives no reason"])]
#[case::index_of_another_type("[outbox_indexes.accepted]\nix_a = false", &["services/a.toml", "invalid type: boolean `false`, expected a string"])]
#[case::note_without_a_reason("[migration_notes.accepted]\nheads = \"\"", &["`migration_notes.accepted.heads` gives no reason"])]
#[case::enum_of_another_key("[enum_types]\nallowed = {}", &["services/a.toml", "unknown field `allowed`"])]
#[case::published_of_another_type("[published_revisions.accepted]\n\"r2 changed\" = 5", &["services/a.toml", "invalid type: integer `5`, expected a string"])]
#[case::published_without_a_reason("[published_revisions.accepted]\n\"r2 changed\" = \" \"", &["`published_revisions.accepted.r2 changed` gives no reason"])]
#[case::published_of_another_key("[published_revisions]\nallowed = {}", &["services/a.toml", "unknown field `allowed`"])]
#[case::provider("[postgres]\nprovider = \"cloud\"", &["unknown variant `cloud`", "`container`"])]
#[case::version("[postgres]\nversion = \"fifteen\"", &["`postgres.version` = \"fifteen\"", "version = \"15\""])]
fn a_wrong_key_is_named(#[case] line: &str, #[case] says: &[&str]) {
    let error = read(DEFAULTS, &format!("{SERVICE}{line}\n")).unwrap_err();
    for part in says {
        assert!(error.contains(part), "{part:?} is not in\n{error}");
    }
}

#[test]
fn what_the_defaults_waive_a_service_may_waive_otherwise_or_not_at_all() {
    let defaults = format!(
        "{DEFAULTS}[not_applicable]\noutbox_indexes = \"no events\"\nmigration_notes = \"a wiki\"\nenum_types = \"none\"\n"
    );
    let service = format!(
        "{SERVICE}[not_applicable]\noutbox_indexes = false\nmigration_notes = \"a book\"\n"
    );
    let service = read(&defaults, &service).unwrap();
    let waived: Vec<(&str, &str)> = service
        .not_applicable
        .iter()
        .map(|(criterion, reason)| (criterion.as_str(), reason.as_str()))
        .collect();
    assert_eq!(
        waived,
        [("enum_types", "none"), ("migration_notes", "a book")]
    );
}

#[rstest]
#[case::no_criterion("outbox = \"x\"", "`not_applicable.outbox` names no criterion")]
#[case::no_reason(
    "outbox_indexes = \"\"",
    "`not_applicable.outbox_indexes` gives no reason"
)]
#[case::false_alone("outbox_indexes = false", "invalid type: boolean `false`")]
fn a_wrong_waiver_in_the_defaults_is_named(#[case] line: &str, #[case] says: &str) {
    let error = read(&format!("{DEFAULTS}[not_applicable]\n{line}\n"), SERVICE).unwrap_err();
    assert!(
        error.contains("defaults.toml") && error.contains(says),
        "{error}"
    );
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

#[test]
fn a_path_that_a_link_takes_out_of_the_root_is_an_error() {
    let (directory, manifest, file) = written(DEFAULTS, &SERVICE.replace("services/a", "out"));
    std::fs::create_dir(directory.path().join("elsewhere")).unwrap();
    let link = directory.path().join("monorepo/out");
    std::os::unix::fs::symlink("../elsewhere", &link).unwrap();
    let error = manifest.service(&file, &criteria::ids()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("leaves the root through a symbolic link"),
        "{error}"
    );
    // One that stays inside is a path like any other.
    std::fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("services/a", &link).unwrap();
    manifest.service(&file, &criteria::ids()).unwrap();
}

#[test]
fn a_service_file_that_is_a_directory_is_an_error() {
    let (_directory, manifest, file) = written(DEFAULTS, SERVICE);
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    let error = manifest.service(&file, &criteria::ids()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("services/a.toml: cannot be read"),
        "{error}"
    );
}

#[rstest]
#[case::inherited("", Some(("why", true)))]
#[case::of_its_own("\"a.b\" = \"because\"", Some(("because", false)))]
#[case::taken_back("\"a.b\" = false", None)]
fn accepted_differences_are_inherited(#[case] own: &str, #[case] line: Option<(&str, bool)>) {
    let defaults = format!("{DEFAULTS}[model_drift.accepted]\n\"a.b\" = \"why\"\n");
    let service = read(
        &defaults,
        &format!("{SERVICE}[model_drift.accepted]\n{own}\n"),
    )
    .unwrap();
    let read = service.accepted_drift.get("a.b");
    assert_eq!(
        read.map(|line| (line.reason.as_str(), line.inherited)),
        line
    );
}

#[rstest]
#[case::in_the_defaults("\"\"", "", "defaults.toml")]
#[case::in_a_service("\"why\"", "\"a.b\" = true", "a.toml")]
fn an_accepted_difference_has_a_reason(
    #[case] default: &str,
    #[case] own: &str,
    #[case] file: &str,
) {
    let defaults = format!("{DEFAULTS}[model_drift.accepted]\n\"a.b\" = {default}\n");
    let error = read(
        &defaults,
        &format!("{SERVICE}[model_drift.accepted]\n{own}\n"),
    )
    .unwrap_err();
    assert!(
        error.contains(&format!(
            "{file}: `model_drift.accepted.a.b` gives no reason"
        )),
        "{error}"
    );
}

#[rstest]
#[case::timeout("[locks]\nlock_timeout = \"5s\"", "`locks.lock_timeout` is \"5s\"")]
#[case::batches("[locks]\nbatches = \"yes\"", "`locks.batches` is \"yes\"")]
#[case::linear("[locks]\nlinear = \"\"", "`locks.linear` is \"\"")]
#[case::nothing_small("[locks]\nsmall = [\"\"]", "`locks.small` names no table")]
#[case::nothing_large("[locks]\nlarge = [\" \"]", "`locks.large` names no table")]
#[case::both("[locks]\nsmall = [\"a\"]\nlarge = [\"a\"]", "both name a")]
#[case::no_reason("[locks.accepted]\n\"r orders L1 scan\" = true", "gives no reason")]
#[case::one_table("[locks]\nsmall = \"a\"", "small")]
fn what_is_said_of_locks_is_checked(#[case] own: &str, #[case] said: &str) {
    let error = read(DEFAULTS, &format!("{SERVICE}{own}\n")).unwrap_err();
    assert!(error.contains("a.toml") && error.contains(said), "{error}");
}

#[test]
fn much_may_be_required_of_all_services_and_tables_of_none() {
    let defaults =
        format!("{DEFAULTS}[locks]\nlock_timeout = \"required\"\nlinear = \"required\"\n");
    let service = read(
        &defaults,
        &format!("{SERVICE}[locks]\nlarge = [\"orders\"]\nbatches = \"required\"\n"),
    )
    .unwrap();
    assert!(service.locks.is_timeout_required && service.locks.is_linear_required);
    assert!(service.locks.are_batches_required);
    assert_eq!(service.locks.large, ["orders"]);
    let error = read(&format!("{DEFAULTS}[locks]\nsmall = [\"a\"]\n"), SERVICE).unwrap_err();
    assert!(
        error.contains("defaults.toml") && error.contains("small"),
        "{error}"
    );
}
