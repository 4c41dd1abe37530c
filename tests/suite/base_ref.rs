//! `BASE_REF`: two branches with one head each, judged as their merge. Every test builds
//! a small repository of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use pretty_assertions::assert_eq;
use rstest::rstest;

pub mod monorepo;

use self::monorepo::Edit::{self, File, New, Remove, Text};
use self::monorepo::{INI, Monorepo, VERSIONS, git};
use crate::judge::{Judged, judge};

fn judged(monorepo: &Path, base_ref: &str) -> Judged {
    judge(
        &monorepo.join("services-manifest"),
        &["single_head"],
        &[("BASE_REF", base_ref)],
    )
}

fn green(judged: &Judged) {
    assert_eq!(judged.code, Some(0), "{}", judged.all());
}

fn red(judged: &Judged, says: &[&str]) {
    assert_eq!(judged.code, Some(101), "{}", judged.all());
    let text = judged.text("single_head::orders.toml");
    for part in says {
        assert!(text.contains(part), "does not say {part:?}\n{text}");
    }
    assert!(text.lines().count() < 40, "{text}");
}

/// Tries what each branch does after they part, and what the merge of both then says.
#[rstest]
#[case::fork(
    &[New("b1", Some("r2"))],
    &[New("a1", Some("r2")), New("a2", Some("a1"))],
    &[
        "error[single_head]: merging main gives 2 heads: a2 (this branch), b1 (main)",
        "this branch adds a1, which follows r2",
        "= note: main adds b1 (About b1), which follows r2: services/örders and more/alembic/versions/b1.py",
        "(head, main)",
        "(head, this branch)",
        "git merge main, then in ",
        "alembic merge -m \"merge heads\" a2 b1",
        "where a1 is deployed nowhere yet: git merge main, then set down_revision = \"b1\" in services/örders and more/alembic/versions/a1.py:4",
        "BASE_REF=main cargo test",
    ]
)]
#[case::the_same_id(
    &[File("r3_refunds", "r3", Some("r2"))],
    &[File("r3_discounts", "r3", Some("r2"))],
    &["after merging main: 2 files declare revision r3", "r3_refunds.py", "r3_discounts.py"]
)]
#[case::built_on_what_they_removed(
    &[Remove("r2"), New("r2b", Some("r1"))],
    &[New("a1", Some("r2"))],
    &["after merging main: revision a1 names a down_revision that does not exist: \"r2\""]
)]
#[case::fork_on_the_base_already(
    &[New("b1", Some("r2")), New("b2", Some("r2"))],
    &[],
    &["merging main gives 2 heads: b1 (main), b2 (main)", "this branch adds none of them"]
)]
#[case::cannot_be_read(
    &[Text("b1.py", "revision = 'b1\n")],
    &[],
    &["after merging main: a revision file cannot be read", "b1.py"]
)]
#[case::only_python_knows(
    &[Text("b1.py", "import os\nrevision = os.environ['R']\ndown_revision = 'r2'\n")],
    &[],
    &["harness error[alembic]: a revision of main can only be read by running it", "git merge main first"]
)]
#[case::only_python_knows_what_changed(
    &[Text("r3.py", "import os\nrevision = 'r3'\ndown_revision = os.environ['DOWN']\n")],
    &[New("a1", Some("r2"))],
    &["harness error[alembic]: a revision of main can only be read by running it"]
)]
fn a_merge_that_does_not_work_is_red(
    #[case] theirs: &[Edit],
    #[case] ours: &[Edit],
    #[case] says: &[&str],
) {
    let monorepo = Monorepo::new();
    monorepo.edit(theirs).commit("theirs");
    monorepo.on("topic").edit(ours).commit("ours");
    green(&judged(&monorepo.directory, ""));
    red(&judged(&monorepo.directory, "main"), says);
}

#[rstest]
#[case::nothing_new(&[], &[])]
#[case::only_they_add(&[New("b1", Some("r2"))], &[])]
#[case::only_we_add(&[], &[New("a1", Some("r2"))])]
#[case::the_same_file(&[New("a1", Some("r2"))], &[New("a1", Some("r2"))])]
#[case::they_removed_the_last(&[Remove("r2")], &[])]
#[case::we_removed_the_last(&[], &[Remove("r2")])]
#[case::we_replaced_the_last(&[], &[Remove("r2"), New("r2b", Some("r1"))])]
#[case::they_renamed_a_file(&[Remove("r2"), File("2025_r2", "r2", Some("r1"))], &[New("a1", Some("r2"))])]
#[case::we_renamed_a_file(&[New("b1", Some("r2"))], &[Remove("r2"), File("2025_r2", "r2", Some("r1"))])]
#[case::they_pointed_it_elsewhere(&[New("r0", None), New("r1", Some("r0"))], &[New("a1", Some("r2"))])]
#[case::no_revision_file(&[Text("notes.txt", "x"), Text("old/b9.py", "x")], &[])]
fn a_merge_that_works_is_green(#[case] theirs: &[Edit], #[case] ours: &[Edit]) {
    let monorepo = Monorepo::new();
    monorepo.edit(theirs).commit("theirs");
    monorepo.on("topic").edit(ours).commit("ours");
    let judged = judged(&monorepo.directory, "main");
    green(&judged);
    assert!(
        judged.stderr.contains("one head after merging main ("),
        "{}",
        judged.all()
    );
}

/// This branch is the working tree, whatever of it is committed.
#[test]
fn what_is_not_committed_counts() {
    let monorepo = Monorepo::new();
    monorepo
        .revision("b1", Some("r2"))
        .commit("theirs")
        .on("topic");
    green(&judged(&monorepo.directory, "main"));
    monorepo.revision("a1", Some("r2"));
    red(
        &judged(&monorepo.directory, "main"),
        &["merging main gives 2 heads: a1 (this branch), b1 (main)"],
    );
    monorepo
        .revision("b1", Some("r2"))
        .revision("a1", Some("b1"));
    green(&judged(&monorepo.directory, "main"));
}

#[test]
fn a_merge_that_is_checked_out_is_the_merge() {
    let monorepo = Monorepo::new();
    monorepo.revision("b1", Some("r2")).commit("theirs");
    monorepo.on("topic").write("README", "x").commit("ours");
    monorepo.git(&["checkout", "--quiet", "--detach"]);
    monorepo.git(&["merge", "--quiet", "--no-edit", "main"]);
    green(&judged(&monorepo.directory, "main"));
    monorepo.revision("a1", Some("r2")).commit("fork");
    red(
        &judged(&monorepo.directory, "main"),
        &["error[single_head]: 2 heads: a1, b1"],
    );
}

/// Nothing of the repository changes, files and references alike.
#[test]
fn nothing_is_written() {
    let monorepo = Monorepo::new();
    monorepo.revision("b1", Some("r2")).commit("theirs");
    monorepo
        .on("topic")
        .revision("a1", Some("r2"))
        .commit("ours")
        .revision("a2", Some("a1"));
    let before = state(&monorepo.directory);
    red(&judged(&monorepo.directory, "main"), &["2 heads"]);
    assert_eq!(state(&monorepo.directory), before);
}

/// Every file below a directory with its content.
fn state(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in directory.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(state(&path));
        } else {
            files.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    files
}

#[test]
fn a_worktree_is_as_good() {
    let monorepo = Monorepo::new();
    monorepo.revision("b1", Some("r2")).commit("theirs");
    let other = monorepo.directory.with_file_name("a worktree");
    monorepo.git(&[
        "worktree",
        "add",
        "--quiet",
        other.to_str().unwrap(),
        "topic",
    ]);
    green(&judged(&other, "main"));
    let text = "revision = 'a1'\ndown_revision = 'r2'\n";
    fs::write(other.join(format!("{VERSIONS}/a1.py")), text).unwrap();
    red(
        &judged(&other, "main"),
        &["merging main gives 2 heads: a1 (this branch), b1 (main)"],
    );
}

/// The fetch that the text names is the one that helps.
#[test]
fn a_shallow_clone_says_which_fetch_is_missing() {
    let monorepo = Monorepo::new();
    monorepo.revision("b1", Some("r2")).commit("theirs");
    monorepo
        .on("topic")
        .revision("a1", Some("r2"))
        .commit("ours")
        .on("main");
    let clone = monorepo.cloned(&["--depth=1", "--branch=topic"]);
    let no_ref = judged(&clone, "origin/main");
    let refspec = "origin +refs/heads/main:refs/remotes/origin/main";
    red(
        &no_ref,
        &[
            "harness error[git]: origin/main is no commit in ",
            " fetch ",
            refspec,
        ],
    );

    git(
        &clone,
        &[
            "fetch",
            "--quiet",
            "--depth=1",
            "origin",
            "+refs/heads/main:refs/remotes/origin/main",
        ],
    );
    let too_short = judged(&clone, "origin/main");
    red(
        &too_short,
        &[
            "this clone is shallow",
            "where HEAD and origin/main part",
            "fetch --unshallow",
            refspec,
            "fetch-depth: 0",
        ],
    );

    git(
        &clone,
        &[
            "fetch",
            "--quiet",
            "--unshallow",
            "origin",
            "+refs/heads/main:refs/remotes/origin/main",
        ],
    );
    red(
        &judged(&clone, "origin/main"),
        &["merging origin/main gives 2 heads: a1 (this branch), b1 (origin/main)"],
    );
}

/// A clone without contents would fetch them in the middle of a test.
#[test]
fn a_clone_without_contents_fetches_nothing() {
    let monorepo = Monorepo::new();
    monorepo.git(&["config", "uploadpack.allowFilter", "true"]);
    monorepo
        .revision("b1", Some("r2"))
        .commit("theirs")
        .on("topic");
    let clone = monorepo.cloned(&["--filter=blob:none", "--branch=topic"]);
    let judged = judged(&clone, "origin/main");
    red(
        &judged,
        &[
            "harness error[git]: this clone lacks the content of a revision file",
            "fetch --refetch --no-filter",
        ],
    );
}

#[rstest]
#[case::misspelt("mian", "mian is no commit in")]
#[case::option("--all", "--all is no commit in")]
#[case::empty_branch("origin/", "origin/ is no commit in")]
fn a_base_ref_that_is_not_there_is_an_error(#[case] base_ref: &str, #[case] says: &str) {
    let monorepo = Monorepo::new();
    red(
        &judged(&monorepo.directory, base_ref),
        &["harness error[git]: ", says, "nothing could be judged"],
    );
}

#[test]
fn histories_without_a_common_commit_are_an_error() {
    let monorepo = Monorepo::new();
    monorepo.git(&["checkout", "--quiet", "--orphan", "other"]);
    monorepo.commit("another first commit").on("topic");
    red(
        &judged(&monorepo.directory, "other"),
        &["harness error[git]: HEAD and other have no commit in common"],
    );
}

#[test]
fn without_a_repository_nothing_is_guessed() {
    let monorepo = Monorepo::new();
    fs::remove_dir_all(monorepo.directory.join(".git")).unwrap();
    red(
        &judged(&monorepo.directory, "main"),
        &[
            "harness error[git]: ",
            "lies in no git repository",
            "leave BASE_REF unset",
        ],
    );
}

#[test]
fn without_git_it_says_so() {
    let monorepo = Monorepo::new();
    let manifest = monorepo.directory.join("services-manifest");
    let python = monorepo.directory.join("python3");
    std::os::unix::fs::symlink("/usr/bin/env", &python).unwrap();
    let path = monorepo.directory.to_str().unwrap();
    let judged = judge(
        &manifest,
        &["single_head"],
        &[("BASE_REF", "main"), ("PATH", path)],
    );
    red(
        &judged,
        &["harness error[git]: git cannot be started", "install git"],
    );
}

/// As root in a container, on a checkout that belongs to somebody else.
#[test]
fn a_repository_of_another_user_is_an_error() {
    let monorepo = Monorepo::new();
    let manifest = monorepo.directory.join("services-manifest");
    let other = [
        ("BASE_REF", "main"),
        ("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1"),
    ];
    red(
        &judge(&manifest, &["single_head"], &other),
        &[
            "harness error[git]: ",
            "repository of another user",
            "safe.directory",
        ],
    );
}

/// git tells its hooks where the repository is, relative to where they start.
#[test]
fn a_hook_of_another_repository_does_not_mislead() {
    let monorepo = Monorepo::new();
    monorepo.revision("b1", Some("r2")).commit("theirs");
    monorepo
        .on("topic")
        .revision("a1", Some("r2"))
        .commit("ours");
    let manifest = monorepo.directory.join("services-manifest");
    let hook = [
        ("BASE_REF", "main"),
        ("GIT_DIR", ".git"),
        ("GIT_INDEX_FILE", ".git/index"),
    ];
    red(
        &judge(&manifest, &["single_head"], &hook),
        &["merging main gives 2 heads"],
    );
}

/// A service in a submodule is judged by the submodule's own branches.
#[test]
fn a_submodule_is_a_repository_of_its_own() {
    let inner = Monorepo::new();
    inner
        .revision("b1", Some("r2"))
        .commit("theirs")
        .on("topic");
    let outer = inner.directory.with_file_name("outer");
    fs::create_dir(&outer).unwrap();
    git(&outer, &["init", "--quiet", "--initial-branch=main", "."]);
    git(
        &outer,
        &[
            "submodule",
            "--quiet",
            "add",
            "--branch",
            "topic",
            inner.directory.to_str().unwrap(),
            "sub",
        ],
    );
    git(&outer, &["commit", "--quiet", "--message", "outer"]);
    let sub = outer.join("sub");
    let text = "revision = 'a1'\ndown_revision = 'r2'\n";
    fs::write(sub.join(format!("{VERSIONS}/a1.py")), text).unwrap();
    red(
        &judged(&sub, "origin/main"),
        &["merging origin/main gives 2 heads: a1 (this branch), b1 (origin/main)"],
    );
}

/// Directories below the version location are read where Alembic reads them.
#[test]
fn several_and_nested_locations_are_read() {
    let monorepo = Monorepo::new();
    let ini = INI.to_owned()
        + "version_locations = alembic/versions:alembic/more\nrecursive_version_locations = true\n";
    monorepo
        .on("main")
        .write(
            &format!("{VERSIONS}/../../alembic.ini"),
            &ini.replace("= os", "= :"),
        )
        .commit("locations");
    monorepo.git(&["branch", "--force", "topic"]);
    monorepo
        .file("../more/2025/b1", "b1", Some("r2"))
        .commit("theirs")
        .on("topic");
    monorepo.revision("a1", Some("r2")).commit("ours");
    red(
        &judged(&monorepo.directory, "main"),
        &[
            "merging main gives 2 heads: a1 (this branch), b1 (main)",
            "alembic/more/2025/b1.py",
        ],
    );
}

/// A repository that is nothing but a service's revisions.
#[test]
fn revisions_may_lie_at_the_root() {
    let monorepo = Monorepo::new();
    let versions = monorepo.directory.join(VERSIONS);
    std::fs::remove_dir_all(monorepo.directory.join(".git")).unwrap();
    git(
        &versions,
        &["init", "--quiet", "--initial-branch=main", "."],
    );
    git(&versions, &["add", "--all"]);
    git(&versions, &["commit", "--quiet", "--message", "base"]);
    std::fs::write(
        versions.join("a1.py"),
        "revision = 'a1'\ndown_revision = 'r2'\n",
    )
    .unwrap();
    green(&judged(&monorepo.directory, "main"));
}
