//! Tests of the findings about histories that are no graph or have a head too many, and how they
//! are drawn.
use pretty_assertions::assert_eq;
use rstest::rstest;

use super::{CRITERION, drawing};
use crate::alembic::revision::{Revision, RevisionFile};
use crate::evidence::Evidence;
use crate::testing::{evidence, found, graph, raised};

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
? or, where r3 never reached a database that matters: set down_revision = "r2" in a/versions/r3.py:4
? or, where several heads are meant, write into services/a.toml, below [not_applicable]: single_head = "<reason>"; then `upgrade heads` is judged"#
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
? or, where r2 never reached a database that matters: set down_revision = "r1" in a/versions/r2.py:4
? or, where several heads are meant, write into services/a.toml, below [not_applicable]: single_head = "<reason>"; then `upgrade heads` is judged"#
    );
}

#[test]
fn two_merges_that_share_a_parent() {
    let told = found(&CRITERION, &of("a b:a c:a d:a m1:b,c m2:c,d"));
    let advice = r#"? in /root/a: alembic merge -m "merge heads" m1 m2
? or, where d and m2 never reached a database that matters: set down_revision = "m1" in a/versions/d.py:4, and set down_revision = "d" in a/versions/m2.py:4
"#;
    assert!(told.contains(advice), "{told}");
}

#[test]
fn six_heads_are_joined_by_a_merge_alone() {
    let told = found(&CRITERION, &of("r0 r1:r0 r2:r0 r3:r0 r4:r0 r5:r0 r6:r0"));
    assert!(
        told.contains("alembic merge") && !told.contains("set down_revision"),
        "{told}"
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
? or, where r2 and r3 and r4 and r5 never reached a database that matters: set down_revision = "r1" in a/versions/r2.py:4, and set down_revision = "r2" in a/versions/r3.py:4, and set down_revision = "r3" in a/versions/r4.py:4, and set down_revision = "r4" in a/versions/r5.py:4
? or, where several heads are meant, write into services/a.toml, below [not_applicable]: single_head = "<reason>"; then `upgrade heads` is judged"#
    );
}

#[rstest]
#[case::no_file("", "there is no revision at all
= looked in /root/a/versions
? see whether script_location and version_locations in the ini file are right, or create a first revision
? locations that only env.py sets are not seen here, nor by `alembic heads` and `alembic history`: name them in the ini file")]
#[case::one_id_twice(
    "r1 r2:r1 r2:r1",
    "2 files declare revision r2
-> r2.py:3: declares r2
-> r2.py:3: declares r2
= Alembic warns and goes on with one of them; which one depends on the order of files
? give the newer one an id of its own, and correct the down_revision of what follows it"
)]
#[case::a_circle(
    "r1:r2 r2:r1",
    "the revisions form a cycle: r1 -> r2
-> r1.py:4: r1 is part of the cycle
-> r2.py:4: r2 is part of the cycle
? one of these down_revision lines points forward: set it to the revision it was written on top of"
)]
#[case::an_unknown_parent(
    "a1b2c3 r2:a1b2c4",
    r#"revision r2 names a down_revision that does not exist: "a1b2c4"
-> r2.py:4: no revision has this id
= the nearest is revision a1b2c3 in /root/a/versions/a1b2c3.py: its id is spelt almost alike
? did you mean "a1b2c3"?"#
)]
#[case::a_part_of_an_id(
    "a1b2c3 r2:a1b2",
    r#"revision r2 names a down_revision that does not exist: "a1b2"
-> r2.py:4: no revision has this id
= the nearest is revision a1b2c3 in /root/a/versions/a1b2c3.py: that is only a part of its id
? did you mean "a1b2c3"?"#
)]
#[case::a_file_name("a1b2c3 r2:a1b2c3.py", r#"revision r2 names a down_revision that does not exist: "a1b2c3.py"
-> r2.py:4: no revision has this id
= the nearest is revision a1b2c3 in /root/a/versions/a1b2c3.py: that is its file's name; down_revision takes the id
? did you mean "a1b2c3"?"#)]
#[case::an_id_with_a_dash(
    "r1 r-2:r1",
    r#"revision id "r-2" holds -, which Alembic keeps for its command line
-> r-2.py:3: this id
? use letters, digits and _"#
)]
fn what_is_no_graph(#[case] history: &str, #[case] expected: &str) {
    assert_eq!(found(&CRITERION, &of(history)), expected);
}

/// The second revision with something that words do not say.
fn with(change: impl FnOnce(&mut Revision)) -> String {
    let mut evidence = evidence();
    change(&mut evidence.history.graph.revisions[1]);
    found(&CRITERION, &evidence)
}

#[test]
fn dependencies_and_labels() {
    assert_eq!(
        with(|revision| revision.depends_on = vec!["gone".to_owned()]),
        r#"revision r2 depends on a revision that does not exist: "gone"
-> r2.py:5: no revision has this id or label
? restore the missing revision file, or name an existing revision"#
    );
    assert_eq!(
        with(|revision| revision.depends_on = vec!["r2".to_owned()]),
        "the revisions form a cycle: r2
-> r2.py:5: r2 is part of the cycle
? one of these depends_on or down_revision lines points forward: remove it"
    );
    assert_eq!(
        with(|revision| revision.branch_labels = vec!["r1".to_owned()]),
        r#"branch label "r1" of revision r2 is taken by revision r1
-> r2.py:3: this label
? a branch label names one revision: use another"#
    );
}

#[test]
fn a_file_that_cannot_be_read() {
    let mut evidence = evidence();
    evidence
        .history
        .graph
        .unread
        .push(RevisionFile::Unreadable {
            file: "/root/a/versions/r3.py".into(),
            line: Some(7),
            problem: "it is not UTF-8".to_owned(),
            id: None,
        });
    assert_eq!(
        found(&CRITERION, &evidence),
        "a revision file cannot be read: it is not UTF-8
-> r3.py:7: here
? mend the file, or move it out of the versions directory if it is no revision"
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
