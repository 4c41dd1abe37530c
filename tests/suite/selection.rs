//! Cases that are selected are judged, and nothing else; what matches nothing is an error.

use std::path::PathBuf;

use migration_harness::criteria;
use pretty_assertions::assert_eq;
use rstest::rstest;

use crate::judge::{Judged, cargo, judge, reports, repository};

fn shipped() -> PathBuf {
    repository().join("services-manifest")
}

fn broken() -> PathBuf {
    repository().join("tests/broken/services-manifest")
}

fn names(judged: &Judged) -> Vec<String> {
    judged.results().into_keys().collect()
}

#[test]
fn one_criterion_needs_neither_server_nor_interpreter() {
    let nowhere = [
        ("POSTGRES_PROVIDER", "existing"),
        ("HARNESS_DATABASE_URL", ""),
    ];
    let judged = judge(&shipped(), &["single_head"], &nowhere);
    assert_eq!(judged.code, Some(0), "{}", judged.all());
    assert_eq!(judged.results().len(), 4, "{}", judged.all());
    assert!(!judged.stderr.contains("ready"), "{}", judged.all());
}

#[test]
fn a_filter_selects_a_service_and_progress_is_told() {
    let judged = judge(&shipped(), &["entitlements_service"], &[]);
    assert_eq!(judged.code, Some(0), "{}", judged.all());
    assert!(
        names(&judged)
            .iter()
            .all(|name| name.ends_with("::entitlements_service.toml")),
        "{}",
        judged.all()
    );
    assert!(
        judged.stderr.contains("entitlements_service: PostgreSQL "),
        "{}",
        judged.all()
    );
    assert!(
        judged
            .stderr
            .contains("entitlements_service: upgrade head: 6 revisions in "),
        "{}",
        judged.all()
    );
    assert!(
        judged
            .stderr
            .contains("entitlements_service: OK: Outbox indexes aligned with shared conventions."),
        "{}",
        judged.all()
    );
}

#[test]
fn only_selects_several_services() {
    let only = [("ONLY", "identity_service, class_management_service")];
    let judged = judge(&shipped(), &["single_head"], &only);
    assert_eq!(
        names(&judged),
        [
            "single_head::class_management_service.toml",
            "single_head::identity_service.toml"
        ]
    );
}

#[rstest]
#[case::filter(&["no_such_service"], &[], "no case matches `no_such_service`")]
#[case::near(&["single_haed"], &[], "did you mean `single_head`?")]
#[case::only(&[], &[("ONLY", "entitlement_service")], "did you mean `entitlements_service`?")]
#[case::ignored(&["--ignored"], &[], "no case matches ` --ignored`")]
#[case::benchmarks(&["--bench"], &[], "no case matches ` --bench`")]
#[case::nothing_left(&["class_management"], &[("ONLY", "identity_service")], "no case matches `class_management`")]
fn a_selection_that_matches_nothing_is_an_error(
    #[case] arguments: &[&str],
    #[case] variables: &[(&str, &str)],
    #[case] says: &str,
) {
    let judged = judge(&shipped(), arguments, variables);
    assert_eq!(judged.code, Some(101), "{}", judged.all());
    assert!(judged.stderr.contains(says), "{}", judged.all());
}

#[test]
fn a_manifest_that_is_not_there_is_an_error() {
    let judged = judge(&repository().join("no-such-manifest"), &[], &[]);
    assert_eq!(judged.code, Some(101), "{}", judged.all());
    assert!(
        judged.stderr.contains("no-such-manifest") && judged.stderr.contains("has no services"),
        "{}",
        judged.all()
    );
}

#[test]
fn the_first_red_case_ends_the_run_when_asked() {
    let variables = [
        ("FAIL_FAST", "1"),
        ("ONLY", "cycle two_heads_in_class_management"),
    ];
    let judged = judge(&broken(), &["single_head", "--test-threads=1"], &variables);
    assert_eq!(judged.code, Some(101), "{}", judged.all());
    assert!(
        judged
            .stdout
            .contains("error[single_head]: the revisions form a cycle"),
        "{}",
        judged.all()
    );
    assert!(
        judged
            .stdout
            .contains("FAIL_FAST: stopped at the first red case"),
        "{}",
        judged.all()
    );
    assert!(!judged.stdout.contains("2 heads"), "{}", judged.all());
}

/// Guards all the others: the exit status of the command people type.
#[test]
fn a_broken_service_makes_cargo_test_fail() {
    let output = cargo()
        .args([
            "test",
            "--quiet",
            "--test",
            "services",
            "--",
            "single_head::two_heads_in_class_management",
        ])
        .env("SERVICES_MANIFEST", broken())
        .env("REPORT_DIR", reports())
        .env_remove("ONLY")
        .env_remove("NEXTEST")
        .current_dir(repository())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(101),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(text.contains("error[single_head]: 2 heads: "), "{text}");
}

/// Cases that are not green are counted as failed, and what was not run is not counted at all.
#[test]
fn only_what_is_green_is_counted_as_passed() {
    let only = [("ONLY", "takes_too_long url_variable_misspelt cycle")];
    let judged = judge(&broken(), &["--skip", "downgrade::"], &only);
    let results = judged.results();
    let count = |result: &str| results.values().filter(|is| *is == result).count();
    let (passed, failed) = (count("ok"), count("FAILED"));
    assert_eq!(
        (judged.code, passed + failed),
        (Some(101), 3 * (criteria::ALL.len() - 1))
    );
    // Timed out, refused, and no history: none of these was judged.
    for case in ["takes_too_long", "url_variable_misspelt", "cycle"] {
        for criterion in ["enum_types", "outbox_indexes"] {
            assert_eq!(
                results[&format!("{criterion}::{case}.toml")],
                "FAILED",
                "{}",
                judged.all()
            );
        }
    }
    let filtered = judged.results_line().contains("3 filtered out");
    let counted = format!("{passed} passed; {failed} failed; 0 ignored;");
    assert!(
        filtered && judged.results_line().contains(&counted),
        "{}",
        judged.all()
    );
}

/// A runner that ends a case in the middle leaves no trace of a success.
#[test]
fn a_case_that_nextest_ends_is_not_passed_in_its_report() {
    let nextest = |arguments: &[&str]| {
        let mut command = cargo();
        command
            .arg("nextest")
            .args(arguments)
            .current_dir(repository());
        for (name, _) in std::env::vars() {
            if name.starts_with("NEXTEST") || name == "ONLY" {
                command.env_remove(name);
            }
        }
        command
    };
    if !nextest(&["--version"])
        .output()
        .is_ok_and(|output| output.status.success())
    {
        println!("not run: cargo-nextest is not installed");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("nextest.toml");
    let text = "[profile.default]\nslow-timeout = { period = \"1s\", terminate-after = 2, grace-period = \"1s\" }\n\
        [profile.default.junit]\npath = \"JUNIT\"\n";
    let junit = directory.path().join("junit.xml");
    std::fs::write(&config, text.replace("JUNIT", junit.to_str().unwrap())).unwrap();
    let output = nextest(&[
        "run",
        "--test",
        "services",
        "--no-fail-fast",
        "--config-file",
    ])
    .arg(&config)
    .env("SERVICES_MANIFEST", broken())
    .env("ONLY", "loops_forever")
    .env("TMPDIR", directory.path())
    .output()
    .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(100), "{said}");
    let report = std::fs::read_to_string(&junit).unwrap();
    for criterion in ["upgrade_head", "enum_types", "outbox_indexes"] {
        let name = format!("name=\"{criterion}::loops_forever.toml\"");
        let case = report
            .split("<testcase ")
            .find(|case| case.contains(&name))
            .unwrap();
        assert!(case.contains("<failure"), "{case}");
    }
}

#[test]
fn several_words_select_what_any_of_them_does() {
    let manifest = repository().join("tests/unusual/services-manifest");
    let judged = judge(&manifest, &["noisy_env", "url_in_parts", "--list"], &[]);
    let of = |service: &str| {
        judged
            .stdout
            .matches(&format!("::{service}.toml: test"))
            .count()
    };
    assert_eq!(judged.code, Some(0), "{}", judged.all());
    assert_eq!(
        [of("noisy_env"), of("url_in_parts")],
        [criteria::ALL.len(); 2]
    );
    assert_eq!(
        judged.stdout.matches(": test").count(),
        2 * criteria::ALL.len()
    );
}
