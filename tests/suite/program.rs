//! The program `migration-harness` does what the test binary does, and names itself.

use std::path::PathBuf;

use migration_harness::criteria;
use pretty_assertions::assert_eq;
use rstest::rstest;

use crate::judge::{Judged, judge, judge_by, program, repository};

fn shipped() -> PathBuf {
    repository().join("services-manifest")
}

fn verify(arguments: &[&str]) -> Judged {
    judge_by(program("verify"), &shipped(), arguments, &[])
}

/// The names of all cases that `--list` prints, in its order.
fn listed(judged: &Judged) -> Vec<&str> {
    let lines = judged.stdout.lines();
    lines
        .filter_map(|line| line.strip_suffix(": test"))
        .collect()
}

#[rstest]
#[case::everything(&["--list"])]
#[case::by_nextest(&["--list", "--format", "terse"])]
#[case::a_filter(&["--list", "identity_service"])]
#[case::two_filters(&["--list", "identity_service", "enum_types"])]
#[case::all_but(&["--list", "--skip", "identity_service"])]
#[case::a_part(&["--list", "--partition", "2/3"])]
#[case::judged(&["single_head"])]
#[case::one_of_them(&["--exact", "single_head::identity_service.toml"])]
#[case::nothing(&["no_such_service"])]
#[case::no_such_option(&["--no-such-option"])]
fn verify_is_the_test_binary(#[case] arguments: &[&str]) {
    let (program, tests) = (verify(arguments), judge(&shipped(), arguments, &[]));
    assert_eq!(program.code, tests.code, "{}", program.all());
    assert_eq!(listed(&program), listed(&tests));
    assert_eq!(program.results(), tests.results());
}

#[test]
fn several_filters_add_up() {
    let judged = verify(&[
        "single_head",
        "migration_notes::identity_service",
        "--skip",
        "class",
    ]);
    assert_eq!(judged.code, Some(0), "{}", judged.all());
    let names: Vec<String> = judged.results().into_keys().collect();
    assert!(
        names.contains(&"migration_notes::identity_service.toml".to_owned()),
        "{names:?}"
    );
    assert_eq!(names.len(), 4, "{names:?}");
}

#[test]
fn the_parts_of_a_run_are_all_of_it() {
    let whole = verify(&["--list"]);
    let parts = ["1/5", "2/5", "3/5", "4/5", "5/5"].map(|part| {
        let judged = verify(&["--list", "--partition", part]);
        assert_eq!(judged.code, Some(0), "{}", judged.all());
        listed(&judged)
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    });
    // One part has no service: there are four.
    assert!(parts.iter().any(Vec::is_empty), "{parts:?}");
    let mut joined = parts.concat();
    joined.sort();
    assert_eq!(joined, listed(&whole));
    let empty = verify(&["--partition", "5/5"]);
    assert_eq!(empty.code, Some(0), "{}", empty.all());
    let wrong = verify(&["--partition", "6/5"]);
    assert_eq!(wrong.code, Some(2), "{}", wrong.all());
    assert!(wrong.stderr.contains("expected M/N"), "{}", wrong.all());
}

#[test]
fn its_texts_name_the_program() {
    let broken = repository().join("tests/broken/services-manifest");
    let judged = judge_by(
        program("verify"),
        &broken,
        &["single_head::cycle.toml"],
        &[],
    );
    assert_eq!(judged.code, Some(101), "{}", judged.all());
    let rerun = "migration-harness verify single_head::cycle";
    assert!(judged.stdout.contains(rerun), "{}", judged.all());
    assert!(!judged.stdout.contains("cargo"), "{}", judged.all());
    let nowhere = judge_by(program("verify"), &PathBuf::from("nowhere"), &[], &[]);
    assert!(
        nowhere
            .stderr
            .contains("`migration-harness discover <monorepo>`"),
        "{}",
        nowhere.all()
    );
}

#[test]
fn it_explains_every_criterion() {
    let explained = |words: &[&str]| {
        let output = program("explain").args(words).output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let (_, list) = explained(&[]);
    for criterion in criteria::ALL {
        assert!(list.contains(criterion.id), "{list}");
        let (code, text) = explained(&[criterion.id]);
        assert_eq!(code, Some(0));
        assert!(
            text.contains(criterion.asserts) && text.contains(criterion.remedy),
            "{text}"
        );
    }
    assert_eq!(explained(&["no_such_criterion"]).0, Some(2));
}

#[test]
fn it_calls_deployed_what_the_histories_end_in() {
    let directory = tempfile::tempdir().unwrap();
    let services = directory.path().join("services");
    std::fs::create_dir(&services).unwrap();
    let root = repository().join("tests/monorepo");
    let defaults = format!("root = {:?}\n", root.display().to_string());
    std::fs::write(directory.path().join("defaults.toml"), defaults).unwrap();
    let file = services.join("essays.toml");
    let path = "services/essay_lifecycle_service";
    let text = format!("path = \"{path}\" # kept\ndatabase_url_env = \"A\"\ndeployed = \"0\"\n");
    std::fs::write(&file, &text).unwrap();
    let deployed = |words: &[&str]| {
        let mut program = program("deployed");
        let output = program
            .args(words)
            .env("SERVICES_MANIFEST", directory.path())
            .output();
        let output = output.unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    let (code, said) = deployed(&["users"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("there is no service users") && said.contains("essays"),
        "{said}"
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    let (code, said) = deployed(&["essays"]);
    assert_eq!(code, Some(0), "{said}");
    let moved = std::fs::read_to_string(&file).unwrap();
    let head = moved
        .lines()
        .find_map(|line| line.strip_prefix("deployed = "))
        .unwrap();
    assert!(head.len() > 3 && moved.contains("# kept"), "{moved}");
    assert!(said.contains(&format!("deployed = {head}")), "{said}");
    let (code, said) = deployed(&[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(&format!("is {head} already")), "{said}");
}

#[test]
fn what_needs_no_interpreter_is_judged_without_one() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("services")).unwrap();
    let root = repository().join("tests/monorepo");
    let defaults = format!(
        "root = {:?}\npython = \".nowhere/bin/python\"\n",
        root.display().to_string()
    );
    std::fs::write(directory.path().join("defaults.toml"), defaults).unwrap();
    let service = "path = \"services/identity_service\"\ndatabase_url_env = \"A\"\n";
    std::fs::write(directory.path().join("services/identity.toml"), service).unwrap();
    let judged = judge(directory.path(), &["single_head", "upgrade_head"], &[]);
    assert_eq!(
        judged.results()["single_head::identity.toml"],
        "ok",
        "{}",
        judged.all()
    );
    assert_eq!(
        judged.results()["upgrade_head::identity.toml"],
        "FAILED",
        "{}",
        judged.all()
    );
    let said = "harness error[manifest]: ";
    assert!(
        judged.all().contains(said) && judged.all().contains(".nowhere/bin/python"),
        "{}",
        judged.all()
    );
}
