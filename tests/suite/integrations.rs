//! Integrations between a CI system and the program: the steps of the action, and the hook.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use pretty_assertions::assert_eq;
use rstest::rstest;
use tempfile::TempDir;

use crate::judge::repository;

const BEFORE: &str = "base^{commit}";

fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@example.org"])
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A repository with a commit that is tagged `base`, and in it `program` where the action
/// installs it, which says how it was called.
fn checkout() -> TempDir {
    let place = tempfile::tempdir().unwrap();
    git(place.path(), &["init", "--quiet"]);
    git(
        place.path(),
        &["commit", "--quiet", "--allow-empty", "--message", "one"],
    );
    git(place.path(), &["tag", "base"]);
    let bin = place.path().join("migration-harness/bin");
    fs::create_dir_all(&bin).unwrap();
    let program = bin.join("migration-harness");
    let says = "#!/bin/sh\necho \"$BASE_REF|$REPORT_DIR|$*\"\nexit 101\n";
    fs::write(&program, says).unwrap();
    fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    place
}

#[rstest]
#[case::a_pull_request(&[("GITHUB_EVENT_NAME", "pull_request"), ("GITHUB_BASE_REF", "main")], "origin/main")]
#[case::a_merge_group(&[("GITHUB_EVENT_NAME", "merge_group"), ("MERGE_GROUP_BASE", "abc")], "abc")]
#[case::a_push(&[("GITHUB_EVENT_NAME", "push"), ("PUSHED_ONTO", BEFORE)], BEFORE)]
#[case::a_new_branch(&[("GITHUB_EVENT_NAME", "push"), ("PUSHED_ONTO", "0000000000000000000000000000000000000000")], "")]
#[case::a_schedule(&[("GITHUB_EVENT_NAME", "schedule")], "")]
#[case::a_base_of_ones_own(&[("GITHUB_EVENT_NAME", "schedule"), ("BASE_REF", "v1")], "v1")]
fn the_action_judges_with_the_base_of_its_event(
    #[case] variables: &[(&str, &str)],
    #[case] base: &str,
) {
    let place = checkout();
    // The commit itself is only known here.
    let commit = git(place.path(), &["rev-parse", BEFORE]);
    let value = |value: &str| value.replace(BEFORE, &commit);
    let mut judge = Command::new(repository().join("integrations/github"));
    judge.arg("judge").current_dir(place.path());
    for name in ["BASE_REF", "GITHUB_BASE_REF", "GITHUB_EVENT_NAME"] {
        judge.env_remove(name);
    }
    judge
        .env("RUNNER_TEMP", place.path())
        .env("ARGUMENTS", "single_head  orders")
        .envs(variables.iter().map(|(name, given)| (name, value(given))));
    let output = judge.output().unwrap();
    let report = place.path().join("migration-harness-report");
    let expected = format!(
        "{}|{}|verify single_head orders\n",
        value(base),
        report.display()
    );
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    assert_eq!(output.status.code(), Some(101));
}

#[test]
fn the_action_runs_the_steps_that_there_are_with_what_they_read() {
    let read = |file: &str| fs::read_to_string(repository().join(file)).unwrap();
    let (action, steps) = (read("action.yml"), read("integrations/github"));
    for step in ["install", "judge"] {
        assert!(action.contains(&format!("integrations/github\" {step}'")));
    }
    for name in ["PACKAGE", "ARGUMENTS", "MERGE_GROUP_BASE", "PUSHED_ONTO"] {
        assert!(action.contains(&format!("{name}: ${{{{ ")), "{name}");
        assert!(steps.contains(&format!("${name}")) || steps.contains(&format!("${{{name}")));
    }
}

/// Runs the command of `.pre-commit-hooks.yaml` as a shell would; the program is on `PATH`.
#[test]
fn the_hook_judges_with_the_merge_base() {
    let place = checkout();
    let hooks = fs::read_to_string(repository().join(".pre-commit-hooks.yaml")).unwrap();
    let entry = hooks
        .lines()
        .find_map(|line| line.trim().strip_prefix("entry: "));
    let run = || {
        let own = place.path().join("migration-harness/bin");
        let path = std::env::var("PATH").unwrap();
        let output = Command::new("sh")
            .args(["-c", entry.unwrap()])
            .env("PATH", format!("{}:{path}", own.display()))
            .env("REPORT_DIR", "r")
            .current_dir(place.path())
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let (code, said) = run();
    assert_eq!(code, Some(101));
    assert_eq!(
        said,
        "|r|verify single_head published_revisions migration_notes\n"
    );
    git(
        place.path(),
        &["update-ref", "refs/remotes/origin/HEAD", "base"],
    );
    let base = git(place.path(), &["rev-parse", BEFORE]);
    assert_eq!(
        run().1,
        format!("{base}|r|verify single_head published_revisions migration_notes\n")
    );
    let recipe = fs::read_to_string(repository().join("docs/ci.md")).unwrap();
    assert!(
        recipe.contains(entry.unwrap()),
        "docs/ci.md has another entry"
    );
}
