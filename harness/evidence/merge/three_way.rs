//! Three states of a history, merged as git would: [`merged`].
//!
//! A revision that was there when the two sides parted is told by its id, whatever its
//! file is called now; a new one by its file, so that two of one id are seen. What both
//! sides changed is merged value by value.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::alembic::revision::{Revision, RevisionFile};

/// A revision file of a commit.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// Its content.
    pub content: Vec<u8>,
    /// Its text.
    pub revision: RevisionFile,
}

/// A revision file of the working tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Ours {
    /// Its path as git has it.
    pub path: PathBuf,
    /// Its content.
    pub content: Vec<u8>,
    /// Its text.
    pub revision: RevisionFile,
}

/// The merged history.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MergedHistory {
    /// Every revision file.
    pub files: Vec<RevisionFile>,
    /// Those of them that come from the other side.
    pub brought: Vec<RevisionFile>,
    /// The ids that only our side adds.
    pub ours: BTreeSet<String>,
    /// The ids that only the other side adds.
    pub theirs: BTreeSet<String>,
    /// The files that both sides changed, each in its own way.
    pub conflicts: Vec<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Id(String),
    Path(PathBuf),
}

/// Merges `ours` and `theirs`, which part at `base`.
#[must_use]
pub fn merged(base: &[File], theirs: &[File], ours: &[Ours]) -> MergedHistory {
    let known: BTreeSet<&str> = base.iter().filter_map(|file| file.revision.id()).collect();
    let key = |revision: &RevisionFile, path: PathBuf| match revision
        .id()
        .filter(|id| known.contains(id))
    {
        Some(id) => Key::Id(id.to_owned()),
        None => Key::Path(path),
    };
    let of_commit = |files: &'_ [File]| -> BTreeMap<Key, File> {
        let keyed = files.iter().map(|file| {
            (
                key(&file.revision, file.revision.file().to_owned()),
                file.clone(),
            )
        });
        keyed.collect()
    };
    let (before, other) = (of_commit(base), of_commit(theirs));
    let mut all = MergedHistory::default();
    let mut met: BTreeSet<Key> = BTreeSet::new();
    for file in ours {
        let key = key(&file.revision, file.path.clone());
        let (before, other) = (before.get(&key), other.get(&key));
        if before.is_none() {
            all.ours.extend(new_id(&file.revision, &known));
        }
        // A second file of one id is a fault that is there without any merge.
        let first = met.insert(key);
        match if first {
            both_have(before, other, file)
        } else {
            Outcome::Ours
        } {
            Outcome::Ours => all.files.push(file.revision.clone()),
            Outcome::Theirs(revision) => all.bring(revision),
            Outcome::Gone => {}
            Outcome::Conflict => {
                all.conflicts.push(file.path.clone());
                all.files.push(file.revision.clone());
            }
        }
    }
    for (key, file) in other.iter().filter(|(key, _)| !met.contains(key)) {
        match before.get(key) {
            None => all.bring(file.revision.clone()),
            // Our side deleted what the other left alone, or changed too.
            Some(before) if before.content == file.content => {}
            Some(_) => all.conflicts.push(file.revision.file().to_owned()),
        }
    }
    let new = other.iter().filter(|(key, _)| !before.contains_key(key));
    all.theirs = new
        .filter_map(|(_, file)| new_id(&file.revision, &known))
        .collect();
    let both: BTreeSet<String> = all.ours.intersection(&all.theirs).cloned().collect();
    all.ours.retain(|id| !both.contains(id));
    all.theirs.retain(|id| !both.contains(id));
    all
}

impl MergedHistory {
    fn bring(&mut self, revision: RevisionFile) {
        self.files.push(revision.clone());
        self.brought.push(revision);
    }
}

fn new_id(revision: &RevisionFile, known: &BTreeSet<&str>) -> Option<String> {
    revision
        .id()
        .filter(|id| !known.contains(id))
        .map(str::to_owned)
}

/// The fate of a file in a merge.
enum Outcome {
    Ours,
    Theirs(RevisionFile),
    Gone,
    Conflict,
}

/// The fate of a file that our side has.
fn both_have(before: Option<&File>, theirs: Option<&File>, ours: &Ours) -> Outcome {
    let ours_is =
        |file: &File| file.content == ours.content || says_the_same(&file.revision, &ours.revision);
    match (before, theirs) {
        (None, None) => Outcome::Ours,
        (Some(before), None) if ours_is(before) => Outcome::Gone,
        (None, Some(theirs)) if ours_is(theirs) => Outcome::Ours,
        (Some(_), None) | (None, Some(_)) => Outcome::Conflict,
        (Some(before), Some(theirs)) if before.content == theirs.content || ours_is(theirs) => {
            Outcome::Ours
        }
        (Some(before), Some(theirs)) if says_the_same(&before.revision, &theirs.revision) => {
            Outcome::Ours
        }
        (Some(before), Some(theirs)) if ours_is(before) => Outcome::Theirs(theirs.revision.clone()),
        (Some(before), Some(theirs)) => {
            value_by_value(&before.revision, &theirs.revision, &ours.revision)
        }
    }
}

/// Merges what two sides made of one file, each in its own way.
fn value_by_value(before: &RevisionFile, theirs: &RevisionFile, ours: &RevisionFile) -> Outcome {
    let (
        RevisionFile::Revision(before),
        RevisionFile::Revision(theirs),
        RevisionFile::Revision(ours),
    ) = (before, theirs, ours)
    else {
        return Outcome::Conflict;
    };
    let merged = (|| {
        Some(Revision {
            down_revisions: one_of(
                &before.down_revisions,
                &theirs.down_revisions,
                &ours.down_revisions,
            )?,
            depends_on: one_of(&before.depends_on, &theirs.depends_on, &ours.depends_on)?,
            branch_labels: one_of(
                &before.branch_labels,
                &theirs.branch_labels,
                &ours.branch_labels,
            )?,
            ..ours.clone()
        })
    })();
    merged.map_or(Outcome::Conflict, |revision| {
        Outcome::Theirs(RevisionFile::Revision(revision))
    })
}

/// The value that a side changed; `None` where both did, each in its own way.
fn one_of<T: PartialEq + Clone>(before: &T, theirs: &T, ours: &T) -> Option<T> {
    if theirs == before || theirs == ours {
        Some(ours.clone())
    } else {
        (ours == before).then(|| theirs.clone())
    }
}

/// Tells whether two files make the same revision, wherever they are and whatever else they do;
/// of a file that could not be read only its content tells.
fn says_the_same(one: &RevisionFile, other: &RevisionFile) -> bool {
    match (one, other) {
        (RevisionFile::Revision(one), RevisionFile::Revision(other)) => {
            one.id == other.id
                && one.down_revisions == other.down_revisions
                && one.depends_on == other.depends_on
                && one.branch_labels == other.branch_labels
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rstest::rstest;

    use super::{File, MergedHistory, Ours, merged};
    use crate::alembic::graph::Graph;
    use crate::alembic::revision::RevisionFile;
    use crate::alembic::revision_file::parse;

    /// `id` or `id<down` or `file:id<down`.
    fn read(said: &str) -> RevisionFile {
        let (file, header) = said
            .split_once(':')
            .unwrap_or((said.split('<').next().unwrap_or_default(), said));
        let (id, down) = header.split_once('<').unwrap_or((header, ""));
        let down = if down.is_empty() {
            "None".to_owned()
        } else {
            format!("{down:?}")
        };
        parse(
            &PathBuf::from(format!("{file}.py")),
            format!("revision = {id:?}\ndown_revision = {down}\n").as_bytes(),
        )
    }

    fn content(said: &str) -> Vec<u8> {
        said.rsplit(':').next().unwrap_or_default().into()
    }

    fn merge(base: &[&str], theirs: &[&str], ours: &[&str]) -> MergedHistory {
        let commit = |said: &[&str]| -> Vec<File> {
            said.iter()
                .map(|said| File {
                    content: content(said),
                    revision: read(said),
                })
                .collect()
        };
        let ours: Vec<Ours> = ours
            .iter()
            .map(|said| (content(said), read(said)))
            .map(|(content, revision)| Ours {
                path: revision.file().to_owned(),
                content,
                revision,
            })
            .collect();
        merged(&commit(base), &commit(theirs), &ours)
    }

    fn edges(merged: &MergedHistory) -> Vec<String> {
        let graph = Graph::new(merged.files.clone(), Vec::new());
        let edge = |one: &crate::alembic::revision::Revision| {
            format!("{}<{}", one.id, one.down_revisions.join("+"))
        };
        let mut edges: Vec<String> = graph.revisions.iter().map(edge).collect();
        edges.sort();
        edges
    }

    #[rstest]
    #[case::both_add(&["a"], &["a", "t<a"], &["a", "o<a"], &["a<", "o<a", "t<a"], 0)]
    #[case::they_delete(&["a", "b<a"], &["a"], &["a", "b<a"], &["a<"], 0)]
    #[case::we_delete(&["a", "b<a"], &["a", "b<a"], &["a"], &["a<"], 0)]
    #[case::both_delete(&["a", "b<a"], &["a"], &["a"], &["a<"], 0)]
    #[case::they_point_elsewhere(&["a", "b<a"], &["z", "a<z", "b<a"], &["a", "b<a"], &["a<z", "b<a", "z<"], 0)]
    #[case::we_rename_they_point_elsewhere(&["b<a"], &["b<z"], &["new:b<a"], &["b<z"], 0)]
    #[case::they_rename_we_point_elsewhere(&["b<a"], &["new:b<a"], &["b<z"], &["b<z"], 0)]
    #[case::both_the_same(&["b<a"], &["b<z"], &["b<z"], &["b<z"], 0)]
    #[case::both_otherwise(&["b<a"], &["b<y"], &["b<z"], &["b<z"], 1)]
    #[case::they_delete_what_we_changed(&["b<a"], &[], &["b<z"], &["b<z"], 1)]
    #[case::we_delete_what_they_changed(&["b<a"], &["b<z"], &[], &[], 1)]
    #[case::one_file_added_twice(&[], &["f:t<a"], &["f:o<a"], &["o<a"], 1)]
    #[case::one_id_added_twice(&[], &["t:x<a"], &["o:x<a"], &["x<a", "x<a"], 0)]
    fn a_merge_is_gits(
        #[case] base: &[&str],
        #[case] theirs: &[&str],
        #[case] ours: &[&str],
        #[case] expected: &[&str],
        #[case] conflicts: usize,
    ) {
        let merged = merge(base, theirs, ours);
        assert_eq!(edges(&merged), expected, "{merged:?}");
        assert_eq!(merged.conflicts.len(), conflicts, "{merged:?}");
    }

    #[test]
    fn what_each_side_adds_is_told() {
        let merged = merge(&["a"], &["a", "t<a", "both<a"], &["a", "o<a", "both<a"]);
        assert_eq!(
            (merged.ours, merged.theirs),
            (["o".to_owned()].into(), ["t".to_owned()].into())
        );
    }
}
