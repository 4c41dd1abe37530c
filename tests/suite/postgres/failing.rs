//! Programs of PostgreSQL that fail, and the errors that say so.

use pretty_assertions::assert_eq;

use super::*;

/// Fake programs in a directory of their own. `@bin@` stands for the real ones.
fn programs(initdb: &str, postgres: &str) -> tempfile::TempDir {
    let dir = open_dir();
    let real = block_on(postgres::binaries::find(&local())).unwrap().0.bin;
    for (name, text) in [("initdb", initdb), ("postgres", postgres)] {
        let version =
            "if [ \"$1\" = --version ]; then echo 'postgres (PostgreSQL) 15.99'; exit 0; fi";
        let text =
            format!("#!/bin/sh\n{version}\n{text}\n").replace("@bin@", real.to_str().unwrap());
        let path = dir.path().join(name);
        fs::write(&path, text.replace("@dir@", dir.path().to_str().unwrap())).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    }
    dir
}

const INITDB: &str = "exec @bin@/initdb \"$@\"";

#[rstest]
#[case::initdb_fails(
    "hold",
    "echo 'initdb: no space left on device' >&2; exit 1",
    "",
    "no space left on device"
)]
#[case::initdb_makes_nothing("hold", "exit 0", "", "made no data directory")]
#[case::postgres_ends(
    "hold",
    INITDB,
    "echo 'FATAL:  out of everything' >&2; exit 3",
    "out of everything"
)]
#[case::postgres_is_late("late", INITDB, "echo 'LOG:  thinking' >&2; sleep 600", "thinking")]
#[case::no_port_is_free(
    "hold",
    INITDB,
    "echo 'could not bind IPv4 address \"127.0.0.1\"' >&2; exit 1",
    "ports"
)]
fn a_start_that_fails_says_why_and_leaves_nothing(
    #[case] scene: &str,
    #[case] initdb: &str,
    #[case] postgres: &str,
    #[case] expected: &str,
) {
    let (tmp, programs) = (open_dir(), programs(initdb, postgres));
    let output = stage(
        scene,
        tmp.path(),
        &[("POSTGRES_BIN", programs.path().to_str().unwrap())],
    );
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && text.contains(expected),
        "{text}"
    );
    assert_eq!(remains(tmp.path()), NOTHING);
    assert_eq!(processes(tmp.path()), NOTHING);
    let cache = fs::read_dir(tmp.path())
        .unwrap()
        .flatten()
        .flat_map(|base| fs::read_dir(base.path().join("cache")).unwrap().flatten());
    let drafts: Vec<_> = cache
        .filter(|e| e.file_name().to_string_lossy().ends_with(".draft"))
        .collect();
    assert!(drafts.is_empty(), "{drafts:?}");
}

#[test]
fn another_port_is_taken_when_one_is_in_use() {
    let postgres = "if [ ! -e @dir@/once ]; then : >@dir@/once; \
        echo 'LOG:  could not bind IPv4 address \"127.0.0.1\": Address already in use' >&2; exit 1; fi; exec @bin@/postgres \"$@\"";
    let (tmp, programs) = (open_dir(), programs(INITDB, postgres));
    let output = stage(
        "stop",
        tmp.path(),
        &[("POSTGRES_BIN", programs.path().to_str().unwrap())],
    );
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(programs.path().join("once").exists());
}

#[test]
fn a_directory_without_programs_is_an_error_that_names_it() {
    let settings = Settings {
        binaries: Some("/nowhere/bin".into()),
        ..local()
    };
    let e = block_on(postgres::start(&settings, "x")).unwrap_err();
    assert!(
        said(&e).contains("POSTGRES_BIN=/nowhere/bin"),
        "{}",
        said(&e)
    );
}

#[test]
fn another_major_version_is_said() {
    let chosen = block_on(postgres::choose(&Settings {
        version: "11".to_owned(),
        ..local()
    }))
    .unwrap();
    assert!(
        chosen
            .notes
            .iter()
            .any(|note| note.contains("wanted postgresql 11")),
        "{chosen:?}"
    );
}
