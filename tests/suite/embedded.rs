//! A crate of one's own, inside the monorepo that it judges.

use std::fs;
use std::process::Command;

use pretty_assertions::assert_eq;

use crate::judge::{is_of_package, repository};
use crate::monorepo::{ENV, Monorepo, PLAIN, table};

/// Runs `cargo test` in the crate; the exit status and what it printed.
fn cargo_test(monorepo: &Monorepo, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO"));
    for (name, _) in std::env::vars() {
        if name.starts_with("NEXTEST") || is_of_package(&name) {
            command.env_remove(name);
        }
    }
    let output = command
        .args(["test", "--offline", "--color", "never"])
        .args(arguments)
        .env("CARGO_TARGET_DIR", target())
        .env_remove("SERVICES_MANIFEST")
        .env_remove("ONLY")
        .env_remove("FAIL_FAST")
        .current_dir(monorepo.path().join("migration-tests"))
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.code(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

/// The target directory of this run, so that what is built already is not built again.
fn target() -> std::path::PathBuf {
    let exe = std::env::current_exe().unwrap();
    let deps = exe.ancestors().find(|parent| parent.ends_with("deps"));
    deps.and_then(|deps| deps.parent()?.parent())
        .unwrap()
        .to_owned()
}

/// The crate of `tests/embedded` in a monorepo, with this repository's versions of other
/// crates, and built as they are here.
fn embed(monorepo: &Monorepo) {
    let read = |file: &str| fs::read_to_string(repository().join(file)).unwrap();
    let manifest = read("tests/embedded/Cargo.toml");
    let path = format!("path = {:?}", repository());
    assert!(manifest.contains("path = \"../..\""), "{manifest}");
    let own = read("Cargo.toml");
    let profiles = &own[own.find("[profile.").unwrap()..];
    monorepo.write(
        "migration-tests/Cargo.toml",
        &format!(
            "{}\n{profiles}",
            manifest.replace("path = \"../..\"", &path)
        ),
    );
    monorepo.write(
        "migration-tests/tests/services.rs",
        &read("tests/embedded/tests/services.rs"),
    );
    monorepo.write("migration-tests/Cargo.lock", &read("Cargo.lock"));
}

#[test]
fn its_cargo_test_passes_for_good_services_and_fails_for_a_broken_one() {
    let monorepo = Monorepo::new();
    embed(&monorepo);
    monorepo.service("orders", PLAIN, ENV, &[&table("orders")]);
    monorepo.write(
        "services-manifest/services/orders.toml",
        &format!(
            "{}\n[not_applicable]\noutbox_indexes = \"none\"\nmigration_notes = \"none\"\ndeployed_schema = \"none\"\n",
            PLAIN.replace("{name}", "orders")
        ),
    );
    let (code, text) = cargo_test(&monorepo, &[]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("upgrade_head::orders.toml"), "{text}");
    assert!(text.contains("orders: PostgreSQL "), "{text}");

    monorepo.write(
        "orders/alembic/versions/r2.py",
        &format!(
            "revision = \"r2\"\ndown_revision = None\n{}",
            table("users")
        ),
    );
    let (code, text) = cargo_test(
        &monorepo,
        &["--test", "services", "--", "single_head::orders"],
    );
    assert_eq!(code, Some(101), "{text}");
    assert!(text.contains("error[single_head]: 2 heads: "), "{text}");
    assert!(
        text.contains(
            "= rerun: cargo test -p migration-tests --test services -- single_head::orders"
        ),
        "{text}"
    );
}

#[test]
fn the_search_for_a_manifest_ends_where_the_repository_does() {
    let monorepo = Monorepo::new();
    monorepo.service("orders", PLAIN, ENV, &[&table("orders")]);
    monorepo.write("another/tests/file", "");
    let listed = || {
        let output = Command::new(&*crate::judge::BINARY)
            .arg("--list")
            .env_remove("SERVICES_MANIFEST")
            .env_remove("ONLY")
            .current_dir(monorepo.path().join("another/tests"))
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        String::from_utf8_lossy(&text).into_owned()
    };
    let found = listed();
    assert!(found.contains("single_head::orders.toml"), "{found}");
    fs::create_dir(monorepo.path().join("another/.git")).unwrap();
    let ended = listed();
    assert!(
        ended.contains("services-manifest: has no services") && ended.contains("make discover"),
        "{ended}"
    );
}

#[test]
fn the_readme_shows_the_crate_as_it_is() {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let manifest = fs::read_to_string(repository().join("tests/embedded/Cargo.toml")).unwrap();
    let target = &manifest[manifest.find("[[test]]").unwrap()..];
    assert!(readme.contains(target.trim()), "{target}");
}
