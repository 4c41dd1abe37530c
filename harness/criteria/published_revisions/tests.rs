#![allow(clippy::unwrap_used)]

use pretty_assertions::assert_eq;

use super::*;
use crate::git::Commit;
use crate::manifest::Deployed;
use crate::testing;

fn service() -> Service {
    Service {
        deployed: Deployed::BaseRef("origin/main".into()),
        ..testing::service()
    }
}

fn change(id: &str, parents: &[&str], how: How) -> Change {
    Change {
        id: id.into(),
        parents: parents.iter().map(|id| (*id).to_owned()).collect(),
        was: format!("a/alembic/versions/{id}.py").into(),
        file: Some(format!("/root/a/alembic/versions/{id}.py").into()),
        how,
        by: Some(Commit {
            hash: "4be1c07".repeat(5),
            author: "Ann".into(),
            day: "2026-11-28".into(),
            subject: "Tidy up".into(),
        }),
    }
}

fn moved(name: &'static str, before: &[&str], after: &[&str]) -> How {
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    let (before, after) = (ids(before), ids(after));
    How::Moved {
        names: vec![MovedLink {
            name,
            before,
            after,
        }],
        line: 4,
    }
}

/// The verdict on a history where these are changed; it holds those of `graph` that are not
/// published, too.
fn judged(service: &Service, changes: Vec<Change>, graph: &str, added: &[&str]) -> Verdict {
    let mut evidence = testing::evidence();
    evidence.history.graph = testing::graph(graph);
    let revisions = evidence.history.graph.revisions.iter();
    let is_added = |one: &&Revision| added.contains(&one.id.as_str());
    evidence.published = Some(PublishedRevisions {
        base_ref: "origin/main".into(),
        parted: "9c51e22".repeat(5),
        count: 2,
        changes,
        added: revisions.filter(is_added).cloned().collect(),
    });
    CRITERION.verdict(service, &evidence)
}

fn titles(verdict: &Verdict) -> Vec<&str> {
    match verdict {
        Verdict::Fail(findings) => findings.iter().map(|one| one.title.as_str()).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn what_stays_as_it_is_is_green() {
    let verdict = judged(&service(), Vec::new(), "r1 r2:r1", &[]);
    assert_eq!(verdict, Verdict::pass());
}

#[test]
fn without_a_base_ref_it_does_not_apply() {
    let verdict = CRITERION.verdict(&testing::service(), &testing::evidence());
    let Verdict::NotApplicable { reason, of_run } = verdict else {
        unreachable!("{verdict:?}");
    };
    assert!(of_run && reason.contains("BASE_REF"), "{reason}");
}

#[test]
fn a_deletion_says_how_to_restore_it_and_who_did_it() {
    let deleted = change("r2", &["r1"], How::Deleted);
    let text = testing::text(&judged(&service(), vec![deleted], "r1", &[]));
    for part in [
        "revision r2 is deleted, and it is published",
        "origin/main has it: a/alembic/versions/r2.py",
        "Can't locate revision identified by 'r2'",
        "by commit 4be1c07 of Ann, 2026-11-28: Tidy up",
        "git checkout 9c51e22 -- :/a/alembic/versions/r2.py",
        "[published_revisions.accepted] \"r2 deleted\" = \"<reason>\"",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn what_was_inserted_is_named_with_its_way_to_the_top() {
    let inserted = change("r2", &["r1"], moved("down_revision", &["r1"], &["n2"]));
    let graph = "r1 n1:r1 n2:n1 r2:n2 r3:r2";
    let verdict = judged(&service(), vec![inserted], graph, &["n1", "n2"]);
    let text = testing::text(&verdict);
    for part in [
        "revisions n1, n2 are inserted below r2, which is published",
        "down_revision was \"r1\"",
        "never runs n1",
        "and let n1 follow what is there: down_revision = \"r3\" in",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn what_stands_elsewhere_is_told_by_what_its_file_says() {
    let cases = [
        (
            "down_revision",
            vec!["r1"],
            vec![],
            "down_revision was \"r1\"",
        ),
        ("depends_on", vec![], vec!["r1"], "depends_on was None"),
        (
            "branch_labels",
            vec!["a", "b"],
            vec!["a"],
            "branch_labels was (\"a\", \"b\")",
        ),
    ];
    for (name, before, after, said) in cases {
        let one = change("r2", &["r1"], moved(name, &before, &after));
        let text = testing::text(&judged(&service(), vec![one], "r1 r2", &[]));
        assert!(
            text.contains("revision r2 stands elsewhere than when it was published"),
            "{text}"
        );
        assert!(text.contains(said), "{text}");
        assert!(text.contains("\"r2 moved\""), "{text}");
    }
}

#[test]
fn what_follows_a_renamed_one_is_no_finding_of_its_own() {
    let to = "r2x".to_owned();
    let renamed = change("r2", &["r1"], How::Renamed { to, line: 3 });
    let follows = change("r3", &["r2"], moved("down_revision", &["r2"], &["r2x"]));
    let verdict = judged(
        &service(),
        vec![renamed, follows],
        "r1 r2x:r1 r3:r2x",
        &["r2x"],
    );
    assert_eq!(
        titles(&verdict),
        ["revision r2, which is published, is called r2x now"]
    );
}

#[test]
fn a_squash_is_one_finding() {
    let changes = || {
        vec![
            change("r1", &[], How::Deleted),
            change("r2", &["r1"], How::Deleted),
            change("r3", &["r2"], moved("down_revision", &["r2"], &["s"])),
        ]
    };
    let verdict = judged(&service(), changes(), "s r3:s", &["s"]);
    assert_eq!(
        titles(&verdict),
        ["2 published revisions are deleted, and s stands in their place"]
    );
    let text = testing::text(&verdict);
    assert!(text.contains("alembic stamp --purge s"), "{text}");
    let mut service = service();
    let reason = "every database is at r3".to_owned();
    service.accepted_published.insert("s squash".into(), reason);
    let verdict = judged(&service, changes(), "s r3:s", &["s"]);
    let notes = vec!["accepted: s squash: every database is at r3".to_owned()];
    assert_eq!(verdict, Verdict::Pass { notes });
}

#[test]
fn a_squash_may_keep_the_last_id() {
    let difference = Difference {
        before: "op.add_column()\n".into(),
        after: "op.create_table()\n".into(),
        line: 9,
        is_downgrade: false,
    };
    let changes = vec![
        change("r1", &[], How::Deleted),
        change("r2", &["r1"], moved("down_revision", &["r1"], &[])),
        change("r2", &["r1"], How::Changed(difference)),
    ];
    let verdict = judged(&service(), changes, "r2 r3:r2", &[]);
    assert_eq!(
        titles(&verdict),
        ["1 published revision is deleted, and r2 stands in its place"]
    );
}

#[test]
fn a_downgrade_reads_as_one() {
    let difference = Difference {
        before: "def downgrade():\n    a()\n".into(),
        after: "def downgrade():\n    b()\n".into(),
        line: 9,
        is_downgrade: true,
    };
    let one = change("r2", &["r1"], How::Changed(difference));
    let text = testing::text(&judged(&service(), vec![one], "r1 r2:r1", &[]));
    assert!(
        text.contains("the downgrade of revision r2 was changed after it was published"),
        "{text}"
    );
    assert!(!text.contains("alembic revision -m"), "{text}");
}

#[test]
fn a_line_about_no_revision_is_red_and_one_about_what_is_gone_is_not() {
    let red = |key: &str| {
        let mut service = service();
        service
            .accepted_published
            .insert(key.into(), "asked".into());
        judged(&service, Vec::new(), "r1 r2:r1", &[]).is_red()
    };
    assert!(!red("r2 changed") && !red("r0 deleted") && !red("s squash"));
    assert!(red("r9 changed") && red("r9 moved") && red("r2 chnaged"));
}

#[test]
fn where_the_files_form_no_graph_that_is_said_elsewhere() {
    let mut evidence = testing::evidence();
    evidence.history.graph = testing::graph("r1 r2:r0");
    let text = testing::text(&CRITERION.verdict(&service(), &evidence));
    assert!(text.starts_with("blocked by single_head: "), "{text}");
}
