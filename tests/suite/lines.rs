//! The output of a run while it runs: whole lines, whoever else writes meanwhile.

use std::fs::{self, File};

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
