//! `discover` writes a manifest, never over one's own, and what it writes is judged.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use migration_harness::criteria;
use migration_harness::manifest::{Manifest, Service};
use pretty_assertions::assert_eq;
use rstest::rstest;
use tempfile::TempDir;

use crate::judge::{judge, program, repository};

struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn discover(arguments: &[&Path], flags: &[&str]) -> Ran {
    let output = program("discover")
        .args(arguments)
        .args(flags)
        .env_remove("SERVICES_MANIFEST")
        .current_dir(repository())
        .output()
        .unwrap();
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A monorepo with two services.
fn monorepo() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for name in ["orders", "users"] {
        let service = directory.path().join(name);
        fs::create_dir_all(service.join("alembic/versions")).unwrap();
        fs::write(
            service.join("alembic.ini"),
            "[alembic]\nscript_location = alembic\n",
        )
        .unwrap();
        let env = format!(
            "import os\nfrom alembic import context\nfrom sqlalchemy import create_engine\n\
             engine = create_engine(os.environ[\"{}_DATABASE_URL\"])\n",
            name.to_uppercase()
        );
        fs::write(service.join("alembic/env.py"), env).unwrap();
    }
    directory
}

/// Every file below a directory with its text.
fn files(directory: &Path) -> BTreeMap<PathBuf, String> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => all.extend(files(&path)),
            path => drop(all.insert(path.clone(), fs::read_to_string(&path).unwrap())),
        }
    }
    all
}

fn service(manifest: &Path, name: &str) -> Service {
    let manifest = Manifest {
        directory: manifest.to_owned(),
    };
    let file = manifest.services_directory().join(format!("{name}.toml"));
    manifest.service(&file, &criteria::ids()).unwrap()
}

#[test]
fn a_dry_run_shows_and_writes_nothing() {
    let monorepo = monorepo();
    let before = files(monorepo.path());
    let ran = discover(&[monorepo.path()], &["--dry-run"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    for shown in [
        "2 Alembic environments below ",
        "orders  certain  orders, no revision",
        "services/users.toml would be written",
        "database_url_env = \"USERS_DATABASE_URL\"",
        "nothing was written",
    ] {
        assert!(
            ran.stdout.contains(shown),
            "no {shown:?} in\n{}",
            ran.stdout
        );
    }
    assert_eq!(files(monorepo.path()), before);
}

#[test]
fn what_is_there_is_kept_unless_forced() {
    let monorepo = monorepo();
    let manifest = monorepo.path().join("services-manifest");
    assert_eq!(discover(&[monorepo.path()], &[]).code, Some(0));
    let written = files(&manifest);

    let again = discover(&[monorepo.path()], &[]);
    assert_eq!(files(&manifest), written);
    assert!(again.stdout.contains("unchanged"), "{}", again.stdout);
    assert!(!again.stdout.contains("wrote"), "{}", again.stdout);

    let orders = manifest.join("services/orders.toml");
    let own = "path = \"orders\"\ndatabase_url_env = \"MINE\"\n";
    fs::write(&orders, own).unwrap();
    let kept = discover(&[monorepo.path()], &[]);
    assert!(
        kept.stdout.contains("kept") && kept.stdout.contains("FORCE=1"),
        "{}",
        kept.stdout
    );
    assert_eq!(fs::read_to_string(&orders).unwrap(), own);

    let forced = discover(&[monorepo.path()], &["--force"]);
    assert!(forced.stdout.contains("replaced"), "{}", forced.stdout);
    assert_eq!(files(&manifest), written);
}

#[test]
fn a_service_that_was_renamed_keeps_its_name() {
    let monorepo = monorepo();
    let services = monorepo.path().join("services-manifest/services");
    discover(&[monorepo.path()], &[]);
    fs::rename(services.join("orders.toml"), services.join("ordering.toml")).unwrap();
    let again = discover(&[monorepo.path()], &[]);
    assert!(
        again.stdout.contains("ordering  certain"),
        "{}",
        again.stdout
    );
    assert!(!services.join("orders.toml").exists());
}

#[test]
fn the_manifest_may_lie_elsewhere() {
    let (monorepo, elsewhere) = (monorepo(), tempfile::tempdir().unwrap());
    let to = elsewhere.path().join("deep/manifest");
    let ran = discover(&[monorepo.path()], &["--to", to.to_str().unwrap()]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(!monorepo.path().join("services-manifest").exists());
    assert!(service(&to, "orders").directory.ends_with("orders"));
    assert!(
        ran.stdout.contains("migration-harness verify"),
        "{}",
        ran.stdout
    );
}

#[test]
fn the_manifest_of_another_monorepo_is_never_touched() {
    let monorepo = monorepo();
    let shipped = repository().join("services-manifest");
    let before = files(&shipped);
    let ran = discover(
        &[monorepo.path()],
        &["--force", "--to", shipped.to_str().unwrap()],
    );
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stderr.contains("is the manifest of another monorepo")
            && ran.stderr.contains("tests/monorepo"),
        "{}",
        ran.stderr
    );
    assert_eq!(files(&shipped), before);
}

#[test]
fn a_directory_without_environments_is_an_error_that_says_what_was_looked_for() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir_all(directory.path().join("a/b")).unwrap();
    let ran = discover(&[directory.path()], &[]);
    assert_eq!(ran.code, Some(1));
    for said in [
        "no Alembic environment below",
        "looked in 3 directories",
        "script_location",
        "[tool.alembic]",
        "migration-harness discover ",
    ] {
        assert!(ran.stderr.contains(said), "no {said:?} in\n{}", ran.stderr);
    }
    assert!(!directory.path().join("services-manifest").exists());
}

#[test]
fn a_root_that_is_not_there_is_an_error() {
    let ran = discover(&[Path::new("no/such/directory")], &[]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stderr.contains("no/such/directory is no directory"),
        "{}",
        ran.stderr
    );
}

/// Services that hand their URL on as it is given: any driver will do for all that can be read.
const NO_FILE_TELLS_THEIR_DRIVER: [&str; 5] = [
    "locks_rows_changed_before_in_one_block",
    "locks_several_statements_in_one_string",
    "raw_statements",
    "search_path_in_the_url",
    "search_path_that_is_set",
];

/// The files written by hand for these services say what is discovered.
#[rstest]
#[case::shipped("services-manifest", "tests/monorepo", &[])]
#[case::unusual("tests/unusual/services-manifest", "tests/unusual", &[
    "imports_need_more",
    // Made up, since the settings have no default.
    "settings_without_defaults",
])]
fn discovers_what_was_written_by_hand(
    #[case] by_hand: &str,
    #[case] root: &str,
    #[case] made_up: &[&str],
) {
    let to = tempfile::tempdir().unwrap();
    let flags = ["--to", to.path().to_str().unwrap()];
    let ran = discover(&[Path::new(root)], &flags);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let by_hand = Manifest {
        directory: repository().join(by_hand),
    };
    let discovered = Manifest {
        directory: to.path().to_owned(),
    };
    let names = by_hand.service_names().unwrap();
    assert_eq!(discovered.service_names().unwrap(), names);
    for name in names {
        let [hand, found] = [&by_hand, &discovered].map(|one| service(&one.directory, &name));
        let facts = |service: &Service| {
            let mut variables = service.database_url_env.clone();
            variables.sort();
            (
                service.directory.clone(),
                service.alembic_ini.clone(),
                service.alembic_section.clone(),
                service.flask_app.clone(),
                (!NO_FILE_TELLS_THEIR_DRIVER.contains(&&*name)).then(|| service.driver.clone()),
                variables,
                // What `-x` is given stands in no file: the ini is taken for it.
                service.database_url_ini || !service.x.is_empty(),
                service.database_env.clone(),
                service.env.get("PYTHONPATH").cloned(),
                service.not_applicable.contains_key("outbox_indexes"),
                service.outbox.clone(),
            )
        };
        assert_eq!(facts(&found), facts(&hand), "{name}");
        assert_eq!(found.env.is_empty(), !made_up.contains(&&*name), "{name}");
    }
}

/// From nothing to a judgement in two commands.
#[test]
fn what_is_discovered_of_the_shipped_monorepo_is_green() {
    let to = tempfile::tempdir().unwrap();
    let flags = ["--to", to.path().to_str().unwrap()];
    let ran = discover(&[Path::new("tests/monorepo")], &flags);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let judged = judge(to.path(), &[], &[]);
    assert_eq!(judged.code, Some(0), "{}", judged.all());
    assert_eq!(
        judged.results().len(),
        4 * criteria::ALL.len(),
        "{}",
        judged.all()
    );
}

/// The same where more has to be found out: directories on Python's path, variables that
/// an import insists on, a driver, an application. Only the interpreter lies elsewhere.
#[test]
fn what_is_discovered_of_services_that_need_more_is_green() {
    let to = tempfile::tempdir().unwrap();
    let flags = ["--to", to.path().to_str().unwrap()];
    let ran = discover(&[Path::new("tests/unusual")], &flags);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let defaults = to.path().join("defaults.toml");
    let text = fs::read_to_string(&defaults).unwrap();
    let python = "python = \"../monorepo/.venv/bin/python\"";
    assert!(text.contains("python = \"python3\""), "{text}");
    fs::write(&defaults, text.replace("python = \"python3\"", python)).unwrap();

    let only = [
        "imports_need_more",
        "flask_migrate",
        "flask_application_named",
    ];
    let judged = judge(to.path(), &[], &[("ONLY", &only.join(" "))]);
    assert_eq!(judged.code, Some(0), "{}", judged.all());
    let cases = only.len() * criteria::ALL.len();
    assert_eq!(judged.results().len(), cases, "{}", judged.all());
}
