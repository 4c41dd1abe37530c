//! Changes by a branch to the revisions that its base has. Every test builds a small repository.

use std::fs;
use std::path::Path;
use std::process::Command;

use pretty_assertions::assert_eq;
use rstest::rstest;

use crate::base_ref::monorepo::Edit::{self, File, New, Remove, Text};
use crate::base_ref::monorepo::{Monorepo, VERSIONS, git};
use crate::judge::{Judged, judge, python};

const CASE: &str = "published_revisions::orders.toml";
const R2_CHANGED: Edit = Text(
    "r2.py",
    "revision = \"r2\"\ndown_revision = \"r1\"\n\n\ndef upgrade():\n    other()\n",
);

fn judged(monorepo: &Path, base_ref: &str) -> Judged {
    judge(
        &monorepo.join("services-manifest"),
        &["published_revisions"],
        &[("BASE_REF", base_ref)],
    )
}

fn green(judged: &Judged) {
    assert_eq!(judged.code, Some(0), "{}", judged.all());
}

fn red(judged: &Judged, says: &[&str]) -> String {
    assert_eq!(judged.code, Some(101), "{}", judged.all());
    let text = judged.text(CASE);
    for part in says {
        assert!(text.contains(part), "does not say {part:?}\n{text}");
    }
    assert!(text.lines().count() < 40, "{text}");
    text
}

#[rstest]
#[case::changed(&[R2_CHANGED], &["revision r2 was changed after it was published", "r2.py:5", "+     other()"])]
#[case::deleted(&[Remove("r2")], &["revision r2 is deleted, and it is published"])]
#[case::renamed(&[Text("r2.py", "revision = 'r2x'\ndown_revision = 'r1'\n")], &["is called r2x now"])]
#[case::moved(&[New("r2", None), New("r1", Some("r2"))], &["revision r1 stands elsewhere", "revision r2 stands elsewhere"])]
#[case::cut_loose(&[New("r2", None)], &["revision r2 stands elsewhere", "down_revision was \"r1\""])]
#[case::inserted(&[New("n", Some("r1")), New("r2", Some("n"))], &["revision n is inserted below r2", "let n follow what is there: down_revision = \"r2\""])]
#[case::inserted_below_all(&[New("n", None), New("r1", Some("n"))], &["revision n is inserted below r1", "down_revision was None"])]
#[case::labelled(&[Text("r2.py", "revision = 'r2'\ndown_revision = 'r1'\nbranch_labels = 'a'\n")], &["branch_labels was None"])]
#[case::depends(&[New("n", Some("r2")), Text("r2.py", "revision = 'r2'\ndown_revision = 'r1'\ndepends_on = 'r1'\n")], &["depends_on was None"])]
#[case::squashed(&[Remove("r1"), Remove("r2"), New("s", None)], &["2 published revisions are deleted, and s stands in their place"])]
#[case::squashed_into_the_last(&[Remove("r1"), New("r2", None)], &["1 published revision is deleted, and r2 stands in its place"])]
fn what_is_published_is_not_touched(#[case] ours: &[Edit], #[case] says: &[&str]) {
    let monorepo = Monorepo::new();
    monorepo.on("topic").edit(ours).commit("ours");
    red(&judged(&monorepo.directory, "main"), says);
}

#[rstest]
#[case::nothing(&[])]
#[case::added(&[New("a1", Some("r2"))])]
#[case::a_branch_of_its_own(&[New("a1", Some("r1"))])]
#[case::a_base_of_its_own(&[New("a1", None)])]
#[case::another_file(&[Remove("r2"), File("2026_r2", "r2", Some("r1"))])]
#[case::another_docstring(&[Text("r2.py", "\"\"\"Else.\"\"\"\nrevision: str = 'r2'\ndown_revision = ('r1',)  # that\n")])]
fn what_leaves_it_alone_is_green(#[case] ours: &[Edit]) {
    let monorepo = Monorepo::new();
    monorepo.on("topic").edit(ours).commit("ours");
    green(&judged(&monorepo.directory, "main"));
}

#[test]
fn a_branch_behind_its_base_is_green_and_what_the_base_does_is_not_its_fault() {
    let monorepo = Monorepo::new();
    for number in 3..13 {
        let id: &'static str = format!("r{number}").leak();
        let down: &'static str = format!("r{}", number - 1).leak();
        monorepo.edit(&[New(id, Some(down))]).commit("theirs");
    }
    monorepo.edit(&[R2_CHANGED]).commit("theirs, too");
    monorepo
        .on("topic")
        .revision("a1", Some("r2"))
        .commit("ours");
    green(&judged(&monorepo.directory, "main"));
    monorepo.remove("r2").revision("a1", Some("r1"));
    red(
        &judged(&monorepo.directory, "main"),
        &["revision r2 is deleted"],
    );
}

#[test]
fn without_a_base_ref_one_line_says_that_nothing_is_judged() {
    let monorepo = Monorepo::new();
    let judged = judged(&monorepo.directory, "");
    green(&judged);
    let line =
        "published_revisions applies to no service: nobody says what is published: set BASE_REF";
    assert_eq!(judged.stderr.matches(line).count(), 1, "{}", judged.all());
}

/// The commit is that since which it is so, not the last one that touched the file.
#[test]
fn the_commit_that_did_it_is_named() {
    let monorepo = Monorepo::new();
    let doing = |what: &str| {
        format!("revision = 'r2'\ndown_revision = 'r1'\n\n\ndef upgrade():\n    {what}\n")
    };
    let file = format!("{VERSIONS}/r2.py");
    monorepo
        .on("topic")
        .write(&file, &doing("first()"))
        .commit("too early");
    monorepo.git(&["checkout", "--quiet", "main", "--", &file]);
    monorepo.commit("back again");
    monorepo
        .write(&file, &doing("second()"))
        .commit("the culprit");
    monorepo
        .write(&file, &doing("second()  # so"))
        .commit("only a comment");
    let text = red(
        &judged(&monorepo.directory, "main"),
        &["of A, ", ": the culprit"],
    );
    assert!(!text.contains("only a comment"), "{text}");
    monorepo.git(&["checkout", "--quiet", "main", "--", &file]);
    monorepo.commit("restored");
    green(&judged(&monorepo.directory, "main"));
    monorepo.write(&file, &doing("third()"));
    red(
        &judged(&monorepo.directory, "main"),
        &["that is not committed yet"],
    );
}

const DOING: &str = "down_revision = \"r1\"\n\n\ndef upgrade():\n    first()\n";

#[test]
fn what_does_the_same_under_another_id_is_renamed() {
    let monorepo = Monorepo::new();
    let write = |name: &str, id: &str| {
        let text = format!("revision = \"{id}\"\n{DOING}");
        monorepo.write(&format!("{VERSIONS}/{name}.py"), &text);
    };
    monorepo.on("main");
    write("r2", "r2");
    monorepo
        .commit("base")
        .git(&["checkout", "--quiet", "-B", "topic"]);
    monorepo.remove("r2");
    write("2026_r2", "r2x");
    monorepo.commit("ours");
    red(
        &judged(&monorepo.directory, "main"),
        &["is called r2x now", "2026_r2.py:1"],
    );
}

/// A place in the history that only Python knows is a part of what the file does.
#[test]
fn what_only_python_reads_is_compared_with_it() {
    let monorepo = Monorepo::new();
    let python = python();
    let defaults = format!("root = \"..\"\npython = {python:?}\n");
    monorepo.write("services-manifest/defaults.toml", &defaults);
    let text = "import os\nrevision = 'r2'\ndown_revision = os.environ.get('NONE', 'r1')\n";
    monorepo
        .on("topic")
        .write(&format!("{VERSIONS}/r2.py"), text);
    red(
        &judged(&monorepo.directory, "main"),
        &["revision r2 was changed"],
    );
}

/// Types what the text says to type, from within the service.
#[rstest]
#[case::changed(&[R2_CHANGED])]
#[case::deleted(&[Remove("r2")])]
#[case::both_deleted(&[Remove("r1"), Remove("r2")])]
#[case::moved(&[New("r2", None)])]
fn the_command_restores_it(#[case] ours: &[Edit]) {
    let monorepo = Monorepo::new();
    monorepo
        .on("topic")
        .revision("a1", None)
        .edit(ours)
        .commit("ours");
    let judged = judged(&monorepo.directory, "main");
    let text = red(&judged, &["git checkout "]);
    let line = text
        .lines()
        .find(|line| line.contains("git checkout "))
        .unwrap();
    let command = &line[line.find("git checkout ").unwrap()..];
    let command = command.split(", and ").next().unwrap();
    let ran = Command::new("sh")
        .args(["-c", command])
        .current_dir(monorepo.directory.join(VERSIONS))
        .status()
        .unwrap();
    assert!(ran.success(), "{command}");
    green(&self::judged(&monorepo.directory, "main"));
}

#[test]
fn what_has_to_stay_is_accepted_by_its_key_before_and_after_the_merge() {
    let monorepo = Monorepo::new();
    monorepo.on("topic").edit(&[R2_CHANGED]).commit("ours");
    let manifest = "services-manifest/services/orders.toml";
    let before = fs::read_to_string(monorepo.directory.join(manifest)).unwrap();
    red(
        &judged(&monorepo.directory, "main"),
        &["[published_revisions.accepted] \"r2 changed\" = \"<reason>\""],
    );
    let accepted = "[published_revisions.accepted]\n\"r2 changed\" = \"it never ran\"\n";
    monorepo.write(manifest, &format!("{before}\n{accepted}"));
    let told = judged(&monorepo.directory, "main");
    green(&told);
    assert!(
        told.stderr.contains("accepted: r2 changed: it never ran"),
        "{}",
        told.all()
    );
    monorepo.commit("accepted");
    green(&judged(&monorepo.directory, "topic"));
    monorepo.write(
        manifest,
        &format!("{before}\n{}", accepted.replace("r2", "r9")),
    );
    red(
        &judged(&monorepo.directory, "topic"),
        &["\"r9 changed\" is accepted, and is about no revision of the service"],
    );
}

#[test]
fn a_shallow_clone_says_which_fetch_is_missing() {
    let monorepo = Monorepo::new();
    monorepo.revision("b1", Some("r2")).commit("theirs");
    monorepo
        .on("topic")
        .edit(&[R2_CHANGED])
        .commit("ours")
        .on("main");
    let clone = monorepo.cloned(&["--depth=1", "--branch=topic"]);
    let fetch = |depth: &str| {
        git(
            &clone,
            &[
                "fetch",
                "--quiet",
                depth,
                "origin",
                "+refs/heads/main:refs/remotes/origin/main",
            ],
        )
    };
    fetch("--depth=1");
    red(
        &judged(&clone, "origin/main"),
        &[
            "harness error[git]: this clone is shallow",
            "fetch --unshallow",
            "fetch-depth: 0",
        ],
    );
    fetch("--unshallow");
    red(&judged(&clone, "origin/main"), &["revision r2 was changed"]);
}

#[test]
fn a_merge_that_is_checked_out_is_judged_against_what_it_merges() {
    let monorepo = Monorepo::new();
    monorepo.revision("b1", Some("r2")).commit("theirs");
    monorepo
        .on("topic")
        .edit(&[R2_CHANGED])
        .commit("the culprit");
    monorepo.git(&["checkout", "--quiet", "--detach"]);
    monorepo.git(&["merge", "--quiet", "--no-edit", "main"]);
    red(
        &judged(&monorepo.directory, "main"),
        &["revision r2 was changed", ": the culprit"],
    );
}

#[test]
fn where_the_files_form_no_graph_single_head_says_so() {
    let monorepo = Monorepo::new();
    monorepo.on("topic").edit(&[Remove("r1")]).commit("ours");
    red(
        &judged(&monorepo.directory, "main"),
        &[
            "blocked[published_revisions]: by single_head: revision r2 names a down_revision that does not exist",
        ],
    );
}

#[test]
fn a_service_that_the_base_does_not_have_has_nothing_published() {
    let monorepo = Monorepo::new();
    monorepo.on("main").git(&["rm", "--quiet", "-r", VERSIONS]);
    monorepo.commit("none yet");
    monorepo.git(&["checkout", "--quiet", "-B", "topic"]);
    monorepo.revision("n1", None).commit("ours");
    let told = judged(&monorepo.directory, "main");
    green(&told);
    assert!(
        told.stderr.contains("main has no revision of the service"),
        "{}",
        told.all()
    );
}
