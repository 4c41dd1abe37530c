//! The findings about the history that a merge gives.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use pretty_assertions::assert_eq;
use rstest::rstest;

use crate::criteria::single_head::CRITERION;
use crate::evidence::{Evidence, Merge};
use crate::testing::{evidence, found, graph};

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
        brought: Vec::new(),
        published: Vec::new(),
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
= this branch is the working tree, origin/main is 1234567; they part at fedcba0
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
= this branch is the working tree, origin/main is 1234567; they part at fedcba0
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
= this branch is the working tree, origin/main is 1234567; they part at fedcba0
? git merge origin/main, then in /root/a: alembic merge -m "merge heads" o1 o2
? or, where o1 is deployed nowhere yet: git merge origin/main, then set down_revision = "o2" in a/versions/o1.py:4"#
)]
#[case::only_theirs("r1 r2:r1 t1:r2 t2:r2", r#"merging origin/main gives 2 heads: t1 (origin/main), t2 (origin/main)
= origin/main adds t1 (about t1), which follows r2: a/versions/t1.py
= origin/main adds t2 (about t2), which follows r2: a/versions/t2.py
= * r2    about r2
|\
| * t2  about t2   (head, origin/main)
* t1    about t1   (head, origin/main)
= this branch is the working tree, origin/main is 1234567; they part at fedcba0
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
= this branch is the working tree, origin/main is 1234567; they part at fedcba0
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
= this branch is the working tree, origin/main is 1234567; they part at fedcba0
? git merge origin/main, then in /root/a: alembic merge -m "merge heads" o1 t1 t2"#
)]
#[case::ours_is_a_base("r1 r2:r1 o1 t1:r2", r#"merging origin/main gives 2 heads: o1 (this branch), t1 (origin/main)
-> o1.py:4 of o1: this branch adds o1, which follows none
= origin/main adds t1 (about t1), which follows r2: a/versions/t1.py
= * o1    about o1   (head, this branch)

* r1    about r1
* r2    about r2
* t1    about t1   (head, origin/main)
= this branch is the working tree, origin/main is 1234567; they part at fedcba0
? git merge origin/main, then in /root/a: alembic merge -m "merge heads" o1 t1
? or, where o1 is deployed nowhere yet: git merge origin/main, then set down_revision = "t1" in a/versions/o1.py:4"#)]
#[case::ours_merges("r1 r2:r1 o1:r1,r2 t1:r2", r#"merging origin/main gives 2 heads: o1 (this branch), t1 (origin/main)
-> o1.py:4 of o1: this branch adds o1, which follows r1 and r2
= origin/main adds t1 (about t1), which follows r2: a/versions/t1.py
= * r2    about r2
|\
| * t1  about t1   (head, origin/main)
* o1    about o1   (head, this branch)
= this branch is the working tree, origin/main is 1234567; they part at fedcba0
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
= this branch is the working tree, origin/main is 1234567; they part at fedcba0
? git merge origin/main, then in /root/a: alembic merge -m "merge heads" o1 t2
? or, where o1 is deployed nowhere yet: git merge origin/main, then set down_revision = ("t1", "t2") in a/versions/o1.py:4"#)]
#[case::old_heads_of_both("r1 r2:r1 r3:r1 o1:r2", r#"merging origin/main gives 2 heads: o1 (this branch), r3 (both)
-> o1.py:4 of o1: this branch adds o1, which follows r2
= * r1    about r1
|\
| * r3  about r3   (head)
* r2    about r2
* o1    about o1   (head, this branch)
= this branch is the working tree, origin/main is 1234567; they part at fedcba0
? git merge origin/main, then in /root/a: alembic merge -m "merge heads" o1 r3
? or, where o1 is deployed nowhere yet: git merge origin/main, then set down_revision = ("r2", "r3") in a/versions/o1.py:4"#)]
#[case::ours_merges_what_they_half_merged("a b:a c:a d:a t1:b,c o1:c,d", r#"merging origin/main gives 2 heads: o1 (this branch), t1 (origin/main)
-> o1.py:4 of o1: this branch adds o1, which follows c and d
= origin/main adds t1 (about t1), which follows b and c: a/versions/t1.py
= * c     about c
|\
| * t1  about t1   (head, origin/main)
* o1    about o1   (head, this branch)
= this branch is the working tree, origin/main is 1234567; they part at fedcba0
? git merge origin/main, then in /root/a: alembic merge -m "merge heads" o1 t1
? or, where o1 is deployed nowhere yet: git merge origin/main, then set down_revision = ("d", "t1") in a/versions/o1.py:4"#)]
#[case::one_head(
    "r1 r2:r1 t1:r2 o1:t1",
    "pass
one head after merging origin/main (1234567) too: o1"
)]
#[case::a_problem(
    "r1 r2:r1 o1:gone",
    r#"after merging origin/main: revision o1 names a down_revision that does not exist: "gone"
-> o1.py:4: no revision has this id
= this branch is the working tree, origin/main is 1234567; they part at fedcba0
? restore the missing revision file, or name an existing revision"#
)]
#[case::nothing_left("", "after merging origin/main: there is no revision at all
= looked in /root/a/versions
= this branch is the working tree, origin/main is 1234567; they part at fedcba0
? see whether script_location and version_locations in the ini file are right, or create a first revision
? locations that only env.py sets are not seen here, nor by `alembic heads` and `alembic history`: name them in the ini file")]
#[case::a_circle_over_the_merge(
    "o1:t1 t1:o1",
    "after merging origin/main: the revisions form a cycle: o1 -> t1
-> o1.py:4: o1 is part of the cycle
-> t1.py:4: t1 is part of the cycle
= this branch is the working tree, origin/main is 1234567; they part at fedcba0
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
one head after merging origin/main (1234567) too: o1
both sides changed these files, and git will ask about them: a.py, b.py"
    );
}

#[test]
fn problems_of_the_branch_come_before_the_merge() {
    let mut evidence = merged("r1 r2:r1 t1:r2 o1:r2");
    evidence.history.graph = graph("r1 r2:r1 r3:r1");
    assert!(found(&CRITERION, &evidence).starts_with("2 heads: r2, r3\n"));
}
