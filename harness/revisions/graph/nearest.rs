//! The revision that somebody may have meant who named one that is not there:
//! [`Nearest`].

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Graph;
use crate::revision::Revision;

/// A known revision that comes near to an unknown name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Nearest {
    /// Its id.
    pub id: String,
    /// Its file.
    pub file: PathBuf,
    /// In what it comes near.
    pub why: Likeness,
}

/// The likeness by which a revision is the nearest one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Likeness {
    /// The name is its branch label, which `down_revision` may not be.
    BranchLabel,
    /// The name is that of its file.
    FileName,
    /// The name is the start of its id, or the id the start of the name.
    PartialId,
    /// The ids differ by a few characters.
    SimilarId,
}

/// Ids longer than this are not compared letter by letter.
const COMPARABLE: usize = 64;
/// From where on two ids are similar, between 0 and 1.
const SIMILAR: f64 = 0.7;

/// The known revision that `name`, which `by` names, comes nearest to.
pub(super) fn nearest(
    graph: &Graph,
    name: &str,
    by: &Revision,
    labels: &HashMap<&str, usize>,
) -> Option<Nearest> {
    let others = || {
        graph
            .revisions
            .iter()
            .filter(|revision| revision.file != by.file)
    };
    let as_nearest = |revision: &Revision, why| Nearest {
        id: revision.id.clone(),
        file: revision.file.clone(),
        why,
    };
    if let Some(labelled) = labels.get(name).and_then(|at| graph.revisions.get(*at)) {
        return Some(as_nearest(labelled, Likeness::BranchLabel));
    }
    let wanted = name.trim().trim_end_matches(".py");
    let wanted = wanted.rsplit('/').next().unwrap_or(wanted);
    if wanted.is_empty() {
        return None;
    }
    if let Some(found) = others().find(|revision| stem(&revision.file) == wanted) {
        return Some(as_nearest(found, Likeness::FileName));
    }
    let begins = |long: &str, short: &str| short.len() >= 3 && long.starts_with(short);
    let partial = others().filter(|r| begins(&r.id, wanted) || begins(wanted, &r.id));
    if let Some(found) = partial.max_by_key(|revision| revision.id.len().min(wanted.len())) {
        return Some(as_nearest(found, Likeness::PartialId));
    }
    if wanted.len() >= 4
        && let Some(found) = others().find(|revision| stem(&revision.file).contains(wanted))
    {
        return Some(as_nearest(found, Likeness::FileName));
    }
    let wanted = wanted.to_lowercase();
    let likeness = |revision: &Revision| match revision.id.len().max(wanted.len()) > COMPARABLE {
        true => 0.0,
        false => strsim::normalized_damerau_levenshtein(&revision.id.to_lowercase(), &wanted),
    };
    others()
        .map(|revision| (likeness(revision), revision))
        .filter(|(score, _)| *score >= SIMILAR)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, revision)| as_nearest(revision, Likeness::SimilarId))
}

/// A file's name without its ending.
pub(super) fn stem(file: &Path) -> String {
    file.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
