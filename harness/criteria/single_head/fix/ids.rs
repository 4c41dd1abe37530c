//! An id of its own for one of the files that declare the same.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use super::super::CRITERION;
use crate::alembic::edits::Source;
use crate::alembic::graph::{Graph, Problem};
use crate::criteria::proposal::{Act, Fix, Proposal, PublishedIds};
use crate::evidence::History;
use crate::patch::Patch;

/// Proposes, for each id that is there twice, another one for either file, on top of all
/// others: which of them, the proof tells.
pub(super) fn propose(history: &History, published: &PublishedIds) -> Vec<Proposal> {
    let problems = history.problems().into_iter();
    let twice = problems.filter_map(|problem| match problem {
        Problem::DuplicateId { id, files } => Some((id, files)),
        _ => None,
    });
    twice
        .map(|(id, files)| {
            let mut files: Vec<PathBuf> = files.into_iter().map(|(file, _)| file).collect();
            files.retain(|file| !published.has_file(file));
            files.reverse();
            let fixes: Vec<Fix> = files
                .iter()
                .filter_map(|file| other_id(&history.graph, &id, file))
                .collect();
            match fixes.is_empty() {
                true => Proposal::refused(
                    &CRITERION,
                    format!("every file of revision {id} is published"),
                ),
                false => Proposal::Either(fixes),
            }
        })
        .collect()
}

/// The revision of a file under another id, as the last one.
fn other_id(graph: &Graph, id: &str, file: &Path) -> Option<Fix> {
    let mut others = graph.clone();
    others.revisions.retain(|revision| revision.file != file);
    let heads = others.heads();
    let [head] = heads.as_slice() else {
        return None;
    };
    let new = free(graph, id, file);
    let source = Source::read(file)?;
    let mut edits = source.with_id(&new)?;
    edits.extend(source.with_parents(std::slice::from_ref(&head.id))?);
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let what = format!("{name} is revision {new}, which follows {}", head.id);
    Some(Fix::new(
        &CRITERION,
        what,
        Act::Edit(Patch::default().edit(file, edits)),
    ))
}

/// An id that nobody has, in the style of the one there is: the next number, or as Alembic
/// makes them.
fn free(graph: &Graph, id: &str, file: &Path) -> String {
    let is_taken = |new: &str| graph.revisions.iter().any(|revision| revision.id == new);
    let start = id
        .rfind(|letter: char| !letter.is_ascii_digit())
        .map_or(0, |at| at + 1);
    let (stem, digits) = id.split_at(start);
    let is_hex = id.len() == 12 && id.bytes().all(|letter| letter.is_ascii_hexdigit());
    if let (Ok(number), false) = (digits.parse::<u32>(), is_hex) {
        let width = digits.len();
        let numbers = (1..=1000).filter_map(|more| number.checked_add(more));
        let mut names = numbers.map(|number| format!("{stem}{number:0width$}"));
        if let Some(free) = names.find(|new| !is_taken(new)) {
            return free;
        }
    }
    let mut hasher = DefaultHasher::new();
    (id, file.file_name()).hash(&mut hasher);
    format!("{:016x}", hasher.finish())[..12].to_owned()
}
