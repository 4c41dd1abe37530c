//! Small histories, drawn as `id: parents / dependencies #labels`.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::PathBuf;

use proptest::prelude::*;
use rstest::rstest;

use super::{Graph, Likeness, Nearest, Problem};
use crate::revision::{Revision, RevisionFile};

/// One revision per word: `c:a,b/d#label` is `c`, whose parents are `a` and
/// `b`, which depends on `d` and carries a label. Its file is `c_.py`, and a
/// second file of the same id `c_2.py`.
fn graph(history: &str) -> Graph {
    let list = |text: Option<&str>| -> Vec<String> {
        let names = text
            .unwrap_or_default()
            .split(',')
            .filter(|name| !name.is_empty());
        names.map(str::to_owned).collect()
    };
    let mut files: Vec<RevisionFile> = Vec::new();
    for word in history.split_whitespace() {
        let (word, labels) = word
            .split_once('#')
            .map_or((word, None), |(w, l)| (w, Some(l)));
        let (word, depends) = word
            .split_once('/')
            .map_or((word, None), |(w, d)| (w, Some(d)));
        let (id, down) = word
            .split_once(':')
            .map_or((word, None), |(w, d)| (w, Some(d)));
        let mut file = PathBuf::from(format!("{id}_.py"));
        if files.iter().any(|known| known.file() == file) {
            file = PathBuf::from(format!("{id}_2.py"));
        }
        files.push(RevisionFile::Revision(Revision {
            id: id.to_owned(),
            down_revisions: list(down),
            depends_on: list(depends),
            branch_labels: list(labels),
            message: None,
            file,
            line: 1,
            down_line: 2,
            depends_line: Some(3),
            labels_line: Some(4),
        }));
    }
    Graph::new(files, vec![PathBuf::from("versions")])
}

fn ids(revisions: Vec<&Revision>) -> Vec<&str> {
    revisions
        .into_iter()
        .map(|revision| &*revision.id)
        .collect()
}

#[rstest]
#[case::empty("", &[], &[])]
#[case::line("a b:a c:b", &["c"], &["a"])]
#[case::fork("a b:a c:a", &["b", "c"], &["a"])]
#[case::merge("a b:a c:a d:b,c", &["d"], &["a"])]
#[case::two_bases("a b c:a", &["b", "c"], &["a", "b"])]
#[case::merged_bases("a b c:a,b", &["c"], &["a", "b"])]
#[case::a_dependency_leaves_a_head("a b/a", &["a", "b"], &["a", "b"])]
#[case::circle("a:b b:a", &[], &[])]
fn heads_and_bases(#[case] history: &str, #[case] heads: &[&str], #[case] bases: &[&str]) {
    let graph = graph(history);
    assert_eq!(ids(graph.heads()), heads);
    assert_eq!(ids(graph.bases()), bases);
}

#[rstest]
#[case::line("a b:a", &[], &[])]
#[case::fork("a b:a c:a", &["a"], &[])]
#[case::diamond("a b:a c:a d:b,c", &["a"], &["d"])]
#[case::named_twice("a b:a,a", &[], &["b"])]
#[case::dependencies_do_not_count("a b:a c/a,b", &[], &[])]
fn forks_and_merges(#[case] history: &str, #[case] forks: &[&str], #[case] merges: &[&str]) {
    let graph = graph(history);
    assert_eq!(ids(graph.branch_points()), forks);
    assert_eq!(ids(graph.merge_points()), merges);
}

#[rstest]
#[case::simple("a b:a c:b d:b", Some("b"))]
#[case::deep("a b:a c:b d:c e:b f:e", Some("b"))]
#[case::three("a b:a c:b d:b e:a", Some("a"))]
#[case::after_a_merge("a b:a c:a d:b,c e:d f:d", Some("d"))]
#[case::crossed("a b:a c:a d:b,c e:b,c", Some("c"))]
#[case::nothing_in_common("a b", None)]
#[case::one_head("a b:a", None)]
#[case::a_dependency_is_no_ancestor("a b:a c/a", None)]
fn where_heads_part(#[case] history: &str, #[case] fork: Option<&str>) {
    let graph = graph(history);
    assert_eq!(
        graph.fork_of(&graph.heads()).map(|revision| &*revision.id),
        fork
    );
}

#[rstest]
#[case::line("c:b b:a a", &["a", "b", "c"])]
#[case::one_branch_after_the_other("a b:a y:b c:a z:c", &["a", "b", "y", "c", "z"])]
#[case::dependency_first("a b:a x/b", &["a", "b", "x"])]
#[case::dependency_from_an_earlier_branch("z a/z b:a", &["z", "a", "b"])]
#[case::dependency_by_label("a/late z#late", &["z", "a"])]
#[case::circle("a b:a,c c:b", &["a", "c", "b"])]
fn parents_and_dependencies_come_first(#[case] history: &str, #[case] order: &[&str]) {
    assert_eq!(ids(graph(history).upgrade_order()), order);
}

#[rstest]
#[case::parents("a b:a c:a d:b,c e:d", "d", "abcd")]
#[case::dependency("a b:a x/b", "x", "abx")]
#[case::dependency_by_label("z#late a/late", "a", "az")]
#[case::none("a b:a", "c", "")]
#[case::circle("a:b b:a", "a", "ab")]
fn a_revision_rests_on_parents_and_dependencies(
    #[case] history: &str,
    #[case] id: &str,
    #[case] below: &str,
) {
    assert_eq!(
        graph(history).below([id]).into_iter().collect::<String>(),
        below
    );
}

#[rstest]
#[case::line("a b:a")]
#[case::several_heads("a b:a c:a")]
#[case::dependency("a b/a")]
#[case::dependency_on_a_label("a#x b/x")]
#[case::dependency_on_an_ancestor("a b:a/a")]
fn nothing_is_wrong(#[case] history: &str) {
    assert_eq!(graph(history).problems(), []);
}

#[rstest]
#[case::itself("a:a", &["a"])]
#[case::two("a:b b:a", &["a", "b"])]
#[case::behind_a_merge("a b:a,c c:b d:c", &["b", "c"])]
#[case::long("a b:a,e c:b d:c e:d", &["b", "e", "d", "c"])]
fn names_a_circle(#[case] history: &str, #[case] ids: &[&str]) {
    let ids = ids.iter().map(|id| (*id).to_owned()).collect();
    assert_eq!(graph(history).problems(), [Problem::Cycle { ids }]);
}

#[rstest]
#[case::itself("a/a", &["a"])]
#[case::by_label("a/x#x", &["a"])]
#[case::of_parent_and_child("a/b b:a", &["a", "b"])]
fn names_a_circle_of_dependencies(#[case] history: &str, #[case] ids: &[&str]) {
    let ids = ids.iter().map(|id| (*id).to_owned()).collect();
    assert_eq!(
        graph(history).problems(),
        [Problem::DependencyCycle { ids }]
    );
}

#[test]
fn names_every_tangle_once() {
    let problems = graph("a:b b:a c:d d:c e:c,a f:e").problems();
    assert_eq!(problems.len(), 2, "{problems:?}");
}

#[rstest]
#[case::file_name("a1b2c3 b:a1b2c3_", Some(("a1b2c3", Likeness::FileName)))]
#[case::file_name_with_ending("a1b2c3 b:a1b2c3_.py", Some(("a1b2c3", Likeness::FileName)))]
#[case::start_of_the_id("a1b2c3 b:a1b2", Some(("a1b2c3", Likeness::PartialId)))]
#[case::id_with_its_slug("0002 b:0002_add_users", Some(("0002", Likeness::PartialId)))]
#[case::one_letter("a1b2c3 b:a1b2d3", Some(("a1b2c3", Likeness::SimilarId)))]
#[case::capitals("a1b2c3 b:A1B2C3", Some(("a1b2c3", Likeness::SimilarId)))]
#[case::label("a1b2c3#users b:users", Some(("a1b2c3", Likeness::BranchLabel)))]
#[case::nothing_near("a1b2c3 b:ffffff", None)]
#[case::never_itself("b1b2c3:b1b2c4", None)]
fn unknown_parents(#[case] history: &str, #[case] near: Option<(&str, Likeness)>) {
    let problems = graph(history).problems();
    let [
        Problem::UnknownDownRevision {
            line: 2, nearest, ..
        },
    ] = &problems[..]
    else {
        panic!("{problems:?}");
    };
    let expected = near.map(|(id, why)| Nearest {
        id: id.to_owned(),
        file: PathBuf::from(format!("{id}_.py")),
        why,
    });
    assert_eq!(*nearest, expected);
}

/// The nearest to `name`, where `id` is in a file of that name.
fn nearest_of(name: &str, id: &str, file: &str) -> Option<Likeness> {
    let mut known = graph(id).revisions.remove(0);
    known.file = PathBuf::from(file);
    let by = graph(&format!("by:{name}")).revisions.remove(0);
    let files = [known, by].map(RevisionFile::Revision);
    match &Graph::new(files.to_vec(), Vec::new()).problems()[..] {
        [Problem::UnknownDownRevision { nearest, .. }] => nearest.as_ref().map(|near| near.why),
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case::four_letters("user", Some(Likeness::FileName))]
#[case::three_letters("use", None)]
#[case::more("add_users", Some(Likeness::FileName))]
#[case::of_no_file("add_schools", None)]
fn a_part_of_a_files_name(#[case] name: &str, #[case] why: Option<Likeness>) {
    assert_eq!(nearest_of(name, "a1b2c3", "0001_add_users.py"), why);
}

#[rstest]
#[case::as_long_as_is_compared(64, Some(Likeness::SimilarId))]
#[case::longer(65, None)]
fn ids_that_are_spelt_alike(#[case] length: usize, #[case] why: Option<Likeness>) {
    let of = |first: &str| first.to_owned() + &"a".repeat(length - 1);
    assert_eq!(nearest_of(&of("b"), &of("c"), "x.py"), why);
    assert_eq!(nearest_of(&of("b")[..60], &of("c"), "x.py"), why);
}

#[test]
fn the_nearest_is_looked_for_fifty_times() {
    let unknown: Vec<String> = (0..51).map(|n| format!("r{n}:a1b2c")).collect();
    let problems = graph(&format!("a1b2c3 {}", unknown.join(" "))).problems();
    let has_nearest = |problem: &Problem| {
        matches!(
            problem,
            Problem::UnknownDownRevision {
                nearest: Some(_),
                ..
            }
        )
    };
    assert_eq!(problems.len(), 51);
    assert_eq!(
        problems
            .iter()
            .filter(|problem| has_nearest(problem))
            .count(),
        50
    );
}

#[test]
fn unknown_dependency() {
    let problems = graph("a1b2c3 b:a1b2c3/a1b2").problems();
    let [
        Problem::UnknownDependsOn {
            revision,
            names,
            line: 3,
            nearest,
            ..
        },
    ] = &problems[..]
    else {
        panic!("{problems:?}");
    };
    assert_eq!((&**revision, &**names), ("b", "a1b2"));
    assert_eq!(nearest.as_ref().unwrap().id, "a1b2c3");
}

#[test]
fn one_id_in_two_files() {
    let files = vec![(PathBuf::from("a_.py"), 1), (PathBuf::from("a_2.py"), 1)];
    let expected = [Problem::DuplicateId {
        id: "a".to_owned(),
        files,
    }];
    assert_eq!(graph("a a b:a").problems(), expected);
}

#[rstest]
#[case::of_another("a#x b:a#x", "x", "b", "a")]
#[case::an_id("a b:a#a", "a", "b", "a")]
#[case::its_own_id("a#a", "a", "a", "a")]
#[case::twice("a#x,x", "x", "a", "a")]
fn labels_are_there_once(
    #[case] history: &str,
    #[case] name: &str,
    #[case] by: &str,
    #[case] before: &str,
) {
    let problems = graph(history).problems();
    let [
        Problem::DuplicateLabel {
            label,
            revision,
            other,
            line: 4,
            ..
        },
    ] = &problems[..]
    else {
        panic!("{problems:?}");
    };
    assert_eq!((&**label, &**revision, &**other), (name, by, before));
}

#[test]
fn characters_that_alembic_keeps() {
    let problems = graph("2024-05+1").problems();
    let [Problem::IllegalId { characters, .. }] = &problems[..] else {
        panic!("{problems:?}");
    };
    assert_eq!(characters, "-+");
}

#[test]
fn no_file_at_all() {
    assert_eq!(graph("").problems(), [Problem::NoRevision]);
}

fn unread(file: &str, id: Option<&str>, runs: bool) -> RevisionFile {
    let (file, id) = (PathBuf::from(file), id.map(str::to_owned));
    match runs {
        true => RevisionFile::NeedsPython {
            file,
            line: 3,
            what: "it runs".to_owned(),
            id,
        },
        false => RevisionFile::Unreadable {
            file,
            line: Some(3),
            problem: "broken".to_owned(),
            id,
        },
    }
}

#[rstest]
#[case::broken_file_of_that_id(unread("x.py", Some("a"), false), "b:a", 1)]
#[case::broken_file_of_that_name(unread("abc_users.py", None, false), "b:abc", 1)]
#[case::broken_file_of_another_id(unread("x.py", Some("z"), false), "b:a", 2)]
#[case::any_id_is_possible(unread("x.py", None, true), "b:a", 0)]
#[case::python_tells_the_rest_of_that_id(unread("x.py", Some("a"), true), "b:a", 0)]
#[case::another_id_needs_python(unread("x.py", Some("z"), true), "b:a", 1)]
#[case::a_label_is_possible(unread("x.py", Some("z"), true), "b/label", 0)]
fn what_could_not_be_read_is_not_missing(
    #[case] unread: RevisionFile,
    #[case] history: &str,
    #[case] problems: usize,
) {
    let mut files = vec![unread];
    files.extend(
        graph(history)
            .revisions
            .into_iter()
            .map(RevisionFile::Revision),
    );
    let graph = Graph::new(files, Vec::new());
    assert_eq!(graph.problems().len(), problems, "{:?}", graph.problems());
}

#[test]
fn says_which_files_need_python() {
    let graph = Graph::new(
        vec![unread("x.py", None, true), unread("y.py", None, false)],
        vec![],
    );
    assert_eq!(
        graph.needs_python(),
        [(std::path::Path::new("x.py"), 3, "it runs")]
    );
}

#[test]
fn knows_its_files_and_their_directories() {
    let files = vec![
        unread("versions/b.py", None, false),
        unread("more/x.py", None, true),
        unread("versions/c.py", None, true),
    ];
    let graph = Graph::new(files, vec![]);
    let names: Vec<&std::path::Path> = graph.unread.iter().map(RevisionFile::file).collect();
    assert_eq!(
        names,
        ["more/x.py", "versions/b.py", "versions/c.py"].map(std::path::Path::new)
    );
    assert_eq!(graph.files(), graph.unread);
    assert_eq!(graph.directories(), ["more", "versions"].map(PathBuf::from));
}

#[test]
fn ten_thousand_in_a_line_do_not_overflow() {
    let mut history = String::from("r0");
    for n in 1..10_000 {
        history.push_str(&format!(" r{n}:r{}", n - 1));
    }
    let words: Vec<RevisionFile> = history
        .split(' ')
        .flat_map(|word| graph(word).revisions)
        .map(RevisionFile::Revision)
        .collect();
    let graph = Graph::new(words, Vec::new());
    assert_eq!(ids(graph.heads()), ["r9999"]);
    assert_eq!(graph.upgrade_order().len(), 10_000);
    assert_eq!(graph.problems(), []);
}

#[test]
fn survives_a_journey_through_json() {
    let graph = graph("a b:a/a#x");
    let text = serde_json::to_string(&graph).unwrap();
    assert_eq!(serde_json::from_str::<Graph>(&text).unwrap(), graph);
}

/// Any history: parents among what is there, what is not, and itself.
fn histories() -> impl Strategy<Value = Vec<(usize, Vec<usize>, Vec<usize>)>> {
    let ids = || prop::collection::vec(0..12_usize, 0..4);
    prop::collection::vec((0..10_usize, ids(), ids()), 0..12)
}

proptest! {
    /// A head is what nothing comes after, a base is what comes after nothing.
    #[test]
    fn heads_and_bases_are_what_they_are_defined_to_be(history in histories()) {
        let list = |ids: &[usize]| -> String { ids.iter().map(|id| format!("r{id},")).collect() };
        let drawn: Vec<String> = history
            .iter()
            .map(|(id, down, depends)| format!("r{id}:{}/{}", list(down), list(depends)))
            .collect();
        let graph = graph(&drawn.join(" "));
        let is_head = |id: usize| history.iter().all(|(_, down, _)| !down.contains(&id));
        let mut heads: Vec<String> = Vec::new();
        let mut bases: Vec<String> = Vec::new();
        for (id, down, _) in &history {
            heads.extend(is_head(*id).then(|| format!("r{id}")));
            bases.extend(down.is_empty().then(|| format!("r{id}")));
        }
        let sorted = |found: Vec<&Revision>| {
            let mut ids: Vec<String> = found.iter().map(|one| one.id.clone()).collect();
            ids.sort();
            ids
        };
        heads.sort();
        bases.sort();
        prop_assert_eq!(sorted(graph.heads()), heads);
        prop_assert_eq!(sorted(graph.bases()), bases);

        // Whatever the history, its order has everything in it once; where it is sound,
        // what comes before a revision stands before it.
        let order = graph.upgrade_order();
        prop_assert_eq!(order.len(), history.len());
        let sound = graph.problems().is_empty();
        for (at, revision) in order.iter().enumerate().filter(|_| sound) {
            for id in revision.down_revisions.iter().chain(&revision.depends_on) {
                prop_assert!(order[..at].iter().any(|earlier| earlier.id == *id));
            }
        }
        let _ = (graph.version_rows(), graph.branch_points(), graph.merge_points());
        let _ = graph.fork_of(&graph.heads());
    }
}
