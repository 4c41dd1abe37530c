//! A crate of one's own, inside the monorepo that it judges.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use once_cell::sync::Lazy;
use pretty_assertions::assert_eq;

use crate::judge::{cargo, repository};
use crate::monorepo::{ENV, Monorepo, PLAIN, table};

/// Runs `cargo test` in the crate; the exit status and what it printed.
fn cargo_test(monorepo: &Monorepo, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = cargo();
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("NEXTEST")) {
        command.env_remove(name);
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

/// Runs cargo in this repository; what it printed to standard output.
fn cargo_here(arguments: &[&str]) -> String {
    let output = cargo()
        .args(arguments)
        .arg("--offline")
        .current_dir(repository())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// The packages of this repository, each in a directory, as cargo packages them.
static PACKAGED: Lazy<BTreeMap<String, PathBuf>> = Lazy::new(|| {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packaged");
    let place_name = place.to_str().unwrap();
    cargo_here(&[
        "package",
        "--workspace",
        "--allow-dirty",
        "--no-verify",
        "--quiet",
        "--target-dir",
        place_name,
    ]);
    let metadata = cargo_here(&["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let version = env!("CARGO_PKG_VERSION");
    let unpacked = packages.map(|package| {
        let package = package["name"].as_str().unwrap();
        let file = place.join(format!("package/{package}-{version}.crate"));
        let directory = place.join(format!("{package}-{version}"));
        // The times in the file are all the same, and cargo goes by times: those of now,
        // unless nothing has changed.
        let last = place.join(format!("{package}.unpacked"));
        let packed = fs::read(&file).unwrap();
        if fs::read(&last).ok().as_ref() != Some(&packed) {
            let _ = fs::remove_dir_all(&directory);
            let mut tar = Command::new("tar");
            tar.arg("-xmzf").arg(file).arg("-C").arg(&place);
            assert!(tar.status().unwrap().success());
            fs::write(&last, packed).unwrap();
        }
        (package.to_owned(), directory)
    });
    unpacked.collect()
});

/// The crate of `tests/embedded` in a monorepo, with this repository's packages, its
/// versions of other crates, and built as they are here.
fn embed(monorepo: &Monorepo) {
    let read = |file: &str| fs::read_to_string(repository().join(file)).unwrap();
    let manifest = read("tests/embedded/Cargo.toml");
    let path = format!("path = {:?}", PACKAGED["migration-harness"]);
    assert!(manifest.contains("path = \"../..\""), "{manifest}");
    let own = read("Cargo.toml");
    let profiles = &own[own.find("[profile.").unwrap()..];
    let manifest = manifest.replace("path = \"../..\"", &path);
    // In the place of the registry that nobody has uploaded them to yet.
    let patches = PACKAGED
        .iter()
        .filter(|(name, _)| *name != "migration-harness");
    let patches: String = patches
        .map(|(name, directory)| format!("{name} = {{ path = {directory:?} }}\n"))
        .collect();
    monorepo.write(
        "migration-tests/Cargo.toml",
        &format!("{manifest}\n[patch.crates-io]\n{patches}\n{profiles}"),
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
fn packages_hold_what_they_need_and_no_more() {
    let whole = &PACKAGED["migration-harness"];
    let mut held: BTreeSet<String> = BTreeSet::new();
    for entry in fs::read_dir(whole).unwrap().flatten() {
        held.insert(entry.file_name().into_string().unwrap());
    }
    let expected = [
        ".cargo_vcs_info.json",
        "Cargo.lock",
        "Cargo.toml",
        "Cargo.toml.orig",
        "LICENSE",
        "README.md",
        "harness",
        "tests",
    ];
    held.insert(".cargo_vcs_info.json".to_owned());
    assert_eq!(held, expected.map(str::to_owned).into());
    for other in ["page", "revisions"] {
        assert!(!whole.join("harness").join(other).exists(), "{other}");
    }
    for (package, directory) in &*PACKAGED {
        let license = fs::read_to_string(directory.join("LICENSE")).unwrap();
        assert!(license.contains("Apache License"), "{package}");
    }
}

#[test]
fn an_embedding_crate_does_not_compile_the_program() {
    let tree = |features: &[&str]| {
        let mut arguments = vec!["tree", "--package", "migration-harness", "--prefix", "none"];
        arguments.extend(["--edges", "normal,build", "--format", "{p} [{f}]"]);
        arguments.extend(features);
        cargo_here(&arguments)
    };
    let features = |tree: &str| {
        let line = tree.lines().next().unwrap();
        line[line.rfind('[').unwrap()..].to_owned()
    };
    assert_eq!(features(&tree(&[])), "[default,program]");
    let embedded = tree(&["--no-default-features"]);
    assert_eq!(features(&embedded), "[]");
    // What is the program's alone, what is big to build, and what only tests need.
    for other in [
        "migration-discover",
        "openssl",
        "aws-lc-sys",
        "reqwest",
        "proptest",
    ] {
        let is_it = |line: &str| line.starts_with(&format!("{other} "));
        assert!(!embedded.lines().any(is_it), "{other}");
    }
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
