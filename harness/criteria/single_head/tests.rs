//! What is said of histories with a head too many, and how they are drawn.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use pretty_assertions::assert_eq;
use rstest::rstest;

use super::{CRITERION, drawing};
use crate::alembic::graph::Revision;
use crate::alembic::revision_file::RevisionFile;
use crate::criteria::sample::{evidence, found, graph, raised};
use crate::evidence::{Evidence, Merge};

fn of(history: &str) -> Evidence {
    let mut evidence = evidence();
    evidence.history.graph = graph(history);
    evidence
}

/// A history as it is drawn, without what stands between an id and the rest of its line.
fn drawn(history: &str) -> String {
    let graph = graph(history);
    let heads: Vec<&Revision> = graph.heads();
    let whose = |id: &str| id.starts_with('x').then(|| "theirs".to_owned());
    drawing::history(&graph, graph.fork_of(&heads), &heads, &whose)
}

#[rstest]
#[case::fork(
    "a b:a c:b d:b",
    r#"* b    about b
|\
| * d  about d   (head)
* c    about c   (head)"#
)]
#[case::three(
    "a b:a c:a d:a",
    r#"* a    about a
|\
| * c  about c   (head)
|\
| * d  about d   (head)
* b    about b   (head)"#
)]
#[case::no_fork(
    "a b c:a d:c",
    "* a    about a
* c    about c
* d    about d   (head)

* b    about b   (head)"
)]
#[case::four_in_a_row(
    "a b:a c:b d:c e:d x:a",
    r#"* a    about a
|\
| * x  about x   (head, theirs)
* b    about b
* c    about c
* d    about d
* e    about e   (head)"#
)]
#[case::five_in_a_row(
    "a b:a c:b d:c e:d f:e x:a",
    r#"* a    about a
|\
| * x  about x   (head, theirs)
* b    about b
: 1 more
* d    about d
* e    about e
* f    about f   (head)"#
)]
#[case::six_in_a_row(
    "a b:a c:b d:c e:d f:e g:f x:a",
    r#"* a    about a
|\
| * x  about x   (head, theirs)
* b    about b
: 2 more
* e    about e
* f    about f
* g    about g   (head)"#
)]
#[case::fork_in_a_branch(
    "a b:a c:a d:b e:b",
    r#"* a    about a
|\
| * c  about c   (head)
* b    about b
|\
| * e  about e   (head)
* d    about d   (head)"#
)]
#[case::joined_again(
    "a b:a c:a d:b,c e:d x:c",
    r#"* c    about c
|\
| * x  about x   (head, theirs)
* d    about d
* e    about e   (head)"#
)]
#[case::ids_of_any_length(
    "a bbbbbbbbbb:a c:a d:bbbbbbbbbb",
    r#"* a             about a
|\
| * c           about c   (head)
* bbbbbbbbbb    about bbbbbbbbbb
* d             about d   (head)"#
)]
#[case::old_revisions_are_left_out(
    "0 a:0 b:a c:a",
    r#"* a    about a
|\
| * c  about c   (head)
* b    about b   (head)"#
)]
#[case::a_branch_that_was_merged(
    "a b:a c:a d:b,c e:d f:d",
    r#"* d    about d
|\
| * f  about f   (head)
* e    about e   (head)"#
)]
fn a_forked_history_is_drawn(#[case] history: &str, #[case] expected: &str) {
    assert_eq!(drawn(history), expected);
}

#[test]
fn two_heads() {
    assert_eq!(
        found(&CRITERION, &of("r1 r2:r1 r3:r1")),
        r#"2 heads: r2, r3
-> r2.py:3 of r2: head r2: about r2
-> r3.py:3 of r3: head r3: about r3
= they fork after r1 (about r1), a/versions/r1.py
= * r1    about r1
|\
| * r3  about r3   (head)
* r2    about r2   (head)
= `alembic upgrade head` refuses: Multiple head revisions are present for given argument 'head'
? in /root/a: alembic merge -m "merge heads" r2 r3
? or, where r3 never reached a database that matters, set its down_revision to "r2"
? a head that is right as it is: [not_applicable] single_head = "<reason>" in the manifest, then `upgrade heads` is judged"#
    );
}

#[test]
fn two_heads_without_a_fork() {
    assert_eq!(
        found(&CRITERION, &of("r1 r2")),
        r#"2 heads: r1, r2
-> r1.py:3 of r1: head r1: about r1
-> r2.py:3 of r2: head r2: about r2
= they share no ancestor: each has a base of its own
= * r1    about r1   (head)

* r2    about r2   (head)
= `alembic upgrade head` refuses: Multiple head revisions are present for given argument 'head'
? in /root/a: alembic merge -m "merge heads" r1 r2
? or, where r2 never reached a database that matters, set its down_revision to "r1"
? a head that is right as it is: [not_applicable] single_head = "<reason>" in the manifest, then `upgrade heads` is judged"#
    );
}

#[test]
fn five_heads() {
    assert_eq!(
        found(&CRITERION, &of("r0 r1:r0 r2:r0 r3:r0 r4:r0 r5:r0")),
        r#"5 heads: r1, r2, r3, r4, r5
-> r1.py:3 of r1: head r1: about r1
-> r2.py:3 of r2: head r2: about r2
-> r3.py:3 of r3: head r3: about r3
-> r4.py:3 of r4: head r4: about r4
= they fork after r0 (about r0), a/versions/r0.py
= * r0    about r0
|\
| * r2  about r2   (head)
|\
| * r3  about r3   (head)
|\
| * r4  about r4   (head)
|\
| * r5  about r5   (head)
* r1    about r1   (head)
= `alembic upgrade head` refuses: Multiple head revisions are present for given argument 'head'
? in /root/a: alembic merge -m "merge heads" r1 r2 r3 r4 r5
? or, where r2 and r3 and r4 and r5 never reached a database that matters, set its down_revision to "r1"
? a head that is right as it is: [not_applicable] single_head = "<reason>" in the manifest, then `upgrade heads` is judged"#
    );
}

#[test]
fn what_python_stumbled_over() {
    let mut evidence = evidence();
    evidence.history.raised = Some(raised("KeyError", None, "'r0'"));
    evidence.history.python_for = vec!["versions/r1.py:3".to_owned()];
    assert_eq!(
        found(&CRITERION, &evidence),
        "Alembic cannot load the history: KeyError: 'r0'
= Python was asked because of versions/r1.py:3
= a KeyError of Alembic's names a down_revision or depends_on that no file declares
? mend it until this prints the revisions, in /root/a: alembic history"
    );
}

#[test]
fn a_file_that_python_could_not_tell_of() {
    let mut evidence = evidence();
    evidence.history.raised = Some(raised("ImportError", None, "no module named x"));
    evidence.history.python_for = vec!["versions/r3.py:7".to_owned()];
    evidence
        .history
        .graph
        .unread
        .push(RevisionFile::NeedsPython {
            file: "/root/a/versions/r3.py".into(),
            line: 7,
            what: "it calls a function".to_owned(),
            id: None,
        });
    assert_eq!(
        found(&CRITERION, &evidence),
        "Alembic cannot load the history: ImportError: no module named x
-> r3.py:7: it calls a function
? mend it until this prints the revisions, in /root/a: alembic history"
    );
}

/// `history` as it is after a merge; revisions are ours or theirs by their first letter.
fn merged(history: &str) -> Evidence {
    let graph = graph(history);
    let of = |letter: char| -> BTreeSet<String> {
        let ids = graph.revisions.iter().map(|revision| revision.id.clone());
        ids.filter(|id| id.starts_with(letter)).collect()
    };
    let mut evidence = evidence();
    evidence.merge = Some(Merge {
        base_ref: "origin/main".to_owned(),
        commit: "1234567890abcdef".to_owned(),
        parted: "fedcba0987654321".to_owned(),
        ours: of('o'),
        theirs: of('t'),
        graph,
        conflicts: Vec::new(),
    });
    evidence
}

#[rstest]
#[case::one_on_each_side("r1 r2:r1 o1:r2 t1:r2", r#"merging origin/main gives 2 heads: o1 (this branch), t1 (origin/main)
-> o1.py:4 of o1: this branch adds o1, which follows r2
= origin/main adds t1 (about t1), which follows r2: a/versions/t1.py
= * r2    about r2
|\
| * t1  about t1   (head, origin/main)
* o1    about o1   (head, this branch)
= this branch is the working tree, origin/main is 1234567890; they part at fedcba0987
? git merge origin/main, then in /root/a: alembic merge -m "merge heads" o1 t1
? or, where o1 is deployed nowhere yet: git merge origin/main, then set down_revision = "t1" in a/versions/o1.py:4"#)]
#[case::two_on_each_side("r1 r2:r1 o1:r2 o2:o1 t1:r2 t2:t1", r#"merging origin/main gives 2 heads: o2 (this branch), t2 (origin/main)
-> o1.py:4 of o1: this branch adds o1, which follows r2
= origin/main adds t1 (about t1), which follows r2: a/versions/t1.py
= * r2    about r2
|\
| * t1  about t1   (origin/main)
| * t2  about t2   (head, origin/main)
* o1    about o1   (this branch)
* o2    about o2   (head, this branch)
= this branch is the working tree, origin/main is 1234567890; they part at fedcba0987
? git merge origin/main, then in /root/a: alembic merge -m "merge heads" o2 t2
? or, where o1 is deployed nowhere yet: git merge origin/main, then set down_revision = "t2" in a/versions/o1.py:4"#)]
#[case::two_of_ours(
    "r1 r2:r1 o1:r2 o2:r2",
    r#"merging origin/main gives 2 heads: o1 (this branch), o2 (this branch)
-> o1.py:4 of o1: this branch adds o1, which follows r2
-> o2.py:4 of o2: this branch adds o2, which follows r2
= * r2    about r2
|\
| * o2  about o2   (head, this branch)
* o1    about o1   (head, this branch)
= this branch is the working tree, origin/main is 1234567890; they part at fedcba0987
? git merge origin/main, then in /root/a: alembic merge -m "merge heads" o1 o2"#
)]
#[case::only_theirs("r1 r2:r1 t1:r2 t2:r2", r#"merging origin/main gives 2 heads: t1 (origin/main), t2 (origin/main)
= origin/main adds t1 (about t1), which follows r2: a/versions/t1.py
= origin/main adds t2 (about t2), which follows r2: a/versions/t2.py
= * r2    about r2
|\
| * t2  about t2   (head, origin/main)
* t1    about t1   (head, origin/main)
= this branch is the working tree, origin/main is 1234567890; they part at fedcba0987
= this branch adds none of them: origin/main has them already
? join them there, or here: git merge origin/main, then in /root/a: alembic merge -m "merge heads" t1 t2"#)]
#[case::two_of_ours_and_one_of_theirs(
    "r1 r2:r1 o1:r2 o2:r2 t1:r2",
    r#"merging origin/main gives 3 heads: o1 (this branch), o2 (this branch), t1 (origin/main)
-> o1.py:4 of o1: this branch adds o1, which follows r2
-> o2.py:4 of o2: this branch adds o2, which follows r2
= origin/main adds t1 (about t1), which follows r2: a/versions/t1.py
= * r2    about r2
|\
| * o2  about o2   (head, this branch)
|\
| * t1  about t1   (head, origin/main)
* o1    about o1   (head, this branch)
= this branch is the working tree, origin/main is 1234567890; they part at fedcba0987
? git merge origin/main, then in /root/a: alembic merge -m "merge heads" o1 o2 t1"#
)]
#[case::one_of_ours_and_two_of_theirs(
    "r1 r2:r1 o1:r2 t1:r2 t2:r2",
    r#"merging origin/main gives 3 heads: o1 (this branch), t1 (origin/main), t2 (origin/main)
-> o1.py:4 of o1: this branch adds o1, which follows r2
= origin/main adds t1 (about t1), which follows r2: a/versions/t1.py
= origin/main adds t2 (about t2), which follows r2: a/versions/t2.py
= * r2    about r2
|\
| * t1  about t1   (head, origin/main)
|\
| * t2  about t2   (head, origin/main)
* o1    about o1   (head, this branch)
= this branch is the working tree, origin/main is 1234567890; they part at fedcba0987
? git merge origin/main, then in /root/a: alembic merge -m "merge heads" o1 t1 t2"#
)]
#[case::ours_is_a_base("r1 r2:r1 o1 t1:r2", r#"merging origin/main gives 2 heads: o1 (this branch), t1 (origin/main)
-> o1.py:4 of o1: this branch adds o1, which follows none
= origin/main adds t1 (about t1), which follows r2: a/versions/t1.py
= * o1    about o1   (head, this branch)

* r1    about r1
* r2    about r2
* t1    about t1   (head, origin/main)
= this branch is the working tree, origin/main is 1234567890; they part at fedcba0987
? git merge origin/main, then in /root/a: alembic merge -m "merge heads" o1 t1
? or, where o1 is deployed nowhere yet: git merge origin/main, then set down_revision = "t1" in a/versions/o1.py:4"#)]
#[case::ours_merges("r1 r2:r1 o1:r1,r2 t1:r2", r#"merging origin/main gives 2 heads: o1 (this branch), t1 (origin/main)
-> o1.py:4 of o1: this branch adds o1, which follows r1 and r2
= origin/main adds t1 (about t1), which follows r2: a/versions/t1.py
= * r2    about r2
|\
| * t1  about t1   (head, origin/main)
* o1    about o1   (head, this branch)
= this branch is the working tree, origin/main is 1234567890; they part at fedcba0987
? git merge origin/main, then in /root/a: alembic merge -m "merge heads" o1 t1
? or, where o1 is deployed nowhere yet: git merge origin/main, then set down_revision = "t1" in a/versions/o1.py:4"#)]
#[case::ours_on_top_of_theirs("r1 r2:r1 t1:r2 t2:r2 o1:t1", r#"merging origin/main gives 2 heads: o1 (this branch), t2 (origin/main)
-> o1.py:4 of o1: this branch adds o1, which follows t1
= origin/main adds t1 (about t1), which follows r2: a/versions/t1.py
= origin/main adds t2 (about t2), which follows r2: a/versions/t2.py
= * r2    about r2
|\
| * t2  about t2   (head, origin/main)
* t1    about t1   (origin/main)
* o1    about o1   (head, this branch)
= this branch is the working tree, origin/main is 1234567890; they part at fedcba0987
? git merge origin/main, then in /root/a: alembic merge -m "merge heads" o1 t2
? or, where o1 is deployed nowhere yet: git merge origin/main, then set down_revision = "t2" in a/versions/o1.py:4"#)]
#[case::old_heads_of_both("r1 r2:r1 r3:r1 o1:r2", r#"merging origin/main gives 2 heads: o1 (this branch), r3 (both)
-> o1.py:4 of o1: this branch adds o1, which follows r2
= * r1    about r1
|\
| * r3  about r3   (head)
* r2    about r2
* o1    about o1   (head, this branch)
= this branch is the working tree, origin/main is 1234567890; they part at fedcba0987
? git merge origin/main, then in /root/a: alembic merge -m "merge heads" o1 r3
? or, where o1 is deployed nowhere yet: git merge origin/main, then set down_revision = "r3" in a/versions/o1.py:4"#)]
#[case::one_head(
    "r1 r2:r1 t1:r2 o1:t1",
    "pass
one head after merging origin/main (1234567890) too: o1"
)]
#[case::a_problem(
    "r1 r2:r1 o1:gone",
    r#"after merging origin/main: revision o1 names a down_revision that does not exist: "gone"
-> o1.py:4: no revision has this id
= this branch is the working tree, origin/main is 1234567890; they part at fedcba0987
? restore the missing revision file, or name an existing revision"#
)]
#[case::nothing_left("", "after merging origin/main: there is no revision at all
= looked in /root/a/versions
= this branch is the working tree, origin/main is 1234567890; they part at fedcba0987
? see whether script_location and version_locations in the ini file are right, or create a first revision
? locations that only env.py sets are not seen here, nor by `alembic heads` and `alembic history`: name them in the ini file")]
#[case::a_circle_over_the_merge(
    "o1:t1 t1:o1",
    "after merging origin/main: the revisions form a cycle: o1 -> t1
-> o1.py:4: o1 is part of the cycle
-> t1.py:4: t1 is part of the cycle
= this branch is the working tree, origin/main is 1234567890; they part at fedcba0987
? one of these down_revision lines points forward: set it to the revision it was written on top of"
)]
fn after_a_merge(#[case] history: &str, #[case] expected: &str) {
    assert_eq!(found(&CRITERION, &merged(history)), expected);
}

#[test]
fn what_git_will_ask_about() {
    let mut evidence = merged("r1 r2:r1 t1:r2 o1:t1");
    evidence.merge.as_mut().unwrap().conflicts = vec!["a.py".to_owned(), "b.py".to_owned()];
    assert_eq!(
        found(&CRITERION, &evidence),
        "pass
one head after merging origin/main (1234567890) too: o1
both sides changed these files, and git will ask about them: a.py, b.py"
    );
}

#[test]
fn problems_of_the_branch_come_before_the_merge() {
    let mut evidence = merged("r1 r2:r1 t1:r2 o1:r2");
    evidence.history.graph = graph("r1 r2:r1 r3:r1");
    assert!(found(&CRITERION, &evidence).starts_with("2 heads: r2, r3\n"));
}
