//! The output of a run while it runs: whole lines, whoever else writes meanwhile.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use pretty_assertions::assert_eq;

use crate::judge::{program, reports, repository};

#[test]
fn no_line_is_broken_by_another_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    for threads in ["1", "4"] {
        let log = File::create(&path).unwrap();
        let status = program("verify")
            .args(["--test-threads", threads])
            .env("SERVICES_MANIFEST", repository().join("services-manifest"))
            .env("REPORT_DIR", reports())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(0));
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().filter(|line| line.contains(" ... "));
        let cases: Vec<&str> = lines.collect();
        assert!(cases.len() > 30, "{text}");
        for line in &cases {
            let is_whole = line.starts_with("test ") && line.ends_with(" ... ok");
            assert!(is_whole && line.matches("::").count() == 1, "{line}");
        }
        assert!(
            text.contains(&format!("\nrunning {} tests\n", cases.len())),
            "{text}"
        );
        assert!(
            text.contains(&format!("\ntest result: ok. {} passed; ", cases.len())),
            "{text}"
        );
    }
}

/// A manifest with several services that are all the same one of the shipped monorepo, and one
/// whose file does not name a service.
fn manifest(directory: &Path, services: usize) {
    let write = |name: &str, text: &str| fs::write(directory.join(name), text).unwrap();
    fs::create_dir(directory.join("services")).unwrap();
    let root = repository().join("tests/monorepo");
    let python = root.join(".venv/bin/python");
    write(
        "defaults.toml",
        &format!(
            "root = {:?}\npython = {:?}\n[not_applicable]\noutbox_indexes = \"not here\"\n",
            root.display().to_string(),
            python.display().to_string()
        ),
    );
    for number in 0..services {
        let path = if number == 3 {
            "nowhere"
        } else {
            "services/identity_service"
        };
        let text = format!("path = \"{path}\"\ndatabase_url_env = \"A\"\n");
        write(&format!("services/service_{number}.toml"), &text);
    }
}

fn log_of(services: usize) -> String {
    let directory = tempfile::tempdir().unwrap();
    manifest(directory.path(), services);
    let output = program("verify")
        .args(["single_head", "outbox_indexes"])
        .env("SERVICES_MANIFEST", directory.path())
        .env("REPORT_DIR", directory.path().join("report"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(101));
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[test]
fn of_many_services_the_green_ones_take_a_line_a_case() {
    let few = log_of(4);
    assert_eq!(
        few.matches(": outbox_indexes does not apply: not here")
            .count(),
        3,
        "{few}"
    );
    let many = log_of(12);
    assert_eq!(
        many.matches(": outbox_indexes does not apply: not here")
            .count(),
        0,
        "{many}"
    );
    assert!(
        many.contains("outbox_indexes does not apply to 11 services; the report has the reasons"),
        "{many}"
    );
    let of_green = many.lines().filter(|line| line.contains("service_5"));
    let of_green: Vec<&str> = of_green.collect();
    assert_eq!(of_green.len(), 2, "{of_green:?}");
    assert!(
        of_green
            .iter()
            .all(|line| line.starts_with("test ") && line.ends_with(" ... ok"))
    );
    assert!(
        !many.contains(" services in "),
        "no progress line in a log: {many}"
    );
}

#[test]
fn under_a_terminal_a_line_tells_how_far_it_is() {
    let directory = tempfile::tempdir().unwrap();
    manifest(directory.path(), 2);
    let seen = directory.path().join("typescript");
    let program = program("verify");
    let command = format!("{} verify single_head", program.get_program().display());
    let script = Command::new("script")
        .args(["--quiet", "--return", "--command", &command])
        .arg(&seen)
        .env("TERM", "xterm")
        .env("SERVICES_MANIFEST", directory.path())
        .env("REPORT_DIR", directory.path().join("report"))
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(script.success());
    let seen = fs::read_to_string(&seen).unwrap();
    assert!(seen.contains(" of 2 services in "), "{seen}");
    let result = seen.split("test result: ").nth(1).unwrap();
    assert!(!result.contains(" of 2 services in "), "{seen}");
}
