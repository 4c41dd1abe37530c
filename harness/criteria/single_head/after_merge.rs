//! One head now, but several, or none at all, once the branch is merged.

use super::{SHOWN, drawing, message_of, rewritten};
use crate::alembic::graph::DownRevisionEdit;
use crate::alembic::revision::Revision;
use crate::alembic::transcript::Place;
use crate::criteria::no_graph::{broken, paths};
use crate::criteria::{Finding, Help, Verdict};
use crate::evidence::Merge;
use crate::git::short;
use crate::manifest::Service;

/// Judges what a merge with the base ref gives.
pub fn judge(service: &Service, merge: &Merge) -> Verdict {
    let problems = merge.graph.problems();
    let mut findings: Vec<Finding> = problems
        .iter()
        .map(|problem| {
            let mut finding = broken(&merge.graph, problem);
            finding.title = format!("after merging {}: {}", merge.base_ref, finding.title);
            finding.note(sides(merge))
        })
        .collect();
    let mut heads = merge.graph.heads();
    heads.sort_by_key(|head| !merge.ours.contains(&head.id));
    if findings.is_empty() && heads.len() > 1 {
        findings.push(several_heads(service, merge, &heads));
    }
    if findings.is_empty() && heads.is_empty() {
        return Verdict::without("the revision graph after the merge");
    }
    if !findings.is_empty() {
        return Verdict::Fail(findings);
    }
    let head = heads
        .first()
        .map(|head| head.id.as_str())
        .unwrap_or_default();
    let mut notes = vec![format!(
        "one head after merging {} ({}) too: {head}",
        merge.base_ref,
        short(&merge.commit)
    )];
    notes.extend(conflicts(merge));
    Verdict::Pass { notes }
}

/// Two sides with a head each.
fn several_heads(service: &Service, merge: &Merge, heads: &[&Revision]) -> Finding {
    let named: Vec<String> = heads
        .iter()
        .map(|head| format!("{} ({})", head.id, whose(merge, &head.id)))
        .collect();
    let mut finding = Finding::new(format!(
        "merging {} gives {} heads: {}",
        merge.base_ref,
        heads.len(),
        named.join(", ")
    ));
    let first: Vec<&Revision> = added_first(merge);
    for revision in first.iter().take(SHOWN) {
        finding = finding.mark(
            Some(&down_revision(revision)),
            format!(
                "this branch adds {}, which {}",
                revision.id,
                follows(revision)
            ),
        );
    }
    let theirs = merge
        .graph
        .revisions
        .iter()
        .filter(|revision| merge.theirs.contains(&revision.id));
    for revision in theirs
        .filter(|revision| is_first(merge, revision))
        .take(SHOWN)
    {
        finding = finding.note(format!(
            "{} adds {} ({}), which {}: {}",
            merge.base_ref,
            revision.id,
            message_of(revision),
            follows(revision),
            service.shown(&revision.file)
        ));
    }
    let fork = merge.graph.fork_of(heads);
    let origin = |id: &str| is_new(merge, id).then(|| whose(merge, id));
    finding = finding
        .note(drawing::history(&merge.graph, fork, heads, &origin))
        .note(sides(merge));
    finding.notes.extend(conflicts(merge));
    advise(finding, service, merge, heads, &first)
}

/// The two ways out: a merge revision, or one line of our own.
fn advise(
    finding: Finding,
    service: &Service,
    merge: &Merge,
    heads: &[&Revision],
    first: &[&Revision],
) -> Finding {
    let ids: Vec<&str> = heads.iter().map(|head| head.id.as_str()).collect();
    let take = format!("git merge {}", merge.base_ref);
    let merge_heads = format!(
        "{} merge -m \"merge heads\" {}",
        service.alembic_command(),
        ids.join(" ")
    );
    let join = format!(
        "{take}, then in {}: {merge_heads}",
        service.directory.display()
    );
    let finding = finding.command(take).command(merge_heads);
    if first.is_empty() {
        let has = format!(
            "this branch adds none of them: {} has them already",
            merge.base_ref
        );
        return finding
            .note(has)
            .help(format!("join them there, or here: {join}"));
    }
    let mut finding = finding.help(join);
    finding.help.extend(in_line(merge, heads).map(|edits| {
        let moved: Vec<&str> = edits.iter().map(|edit| edit.id.as_str()).collect();
        Help::Text(format!(
            "or, where {} is deployed nowhere yet: git merge {}, then {}",
            moved.join(" and "),
            merge.base_ref,
            rewritten(service, &edits)
        ))
    }));
    finding
}

/// The revisions of this branch that have to be rewritten to follow the other side's head,
/// where each side has one.
fn in_line(merge: &Merge, heads: &[&Revision]) -> Option<Vec<DownRevisionEdit>> {
    let [ours, other] = heads else { return None };
    let is_ours = |id: &str| merge.ours.contains(id);
    let edits = merge.graph.rebased(&ours.id, &other.id, &is_ours)?;
    (!edits.is_empty() && edits.len() <= SHOWN).then_some(edits)
}

/// The revisions that this branch adds on top of what both sides have, or of the other side.
fn added_first(merge: &Merge) -> Vec<&Revision> {
    let ours = merge
        .graph
        .revisions
        .iter()
        .filter(|revision| merge.ours.contains(&revision.id));
    ours.filter(|revision| is_first(merge, revision)).collect()
}

/// Tells whether a revision is the first of its side.
fn is_first(merge: &Merge, revision: &Revision) -> bool {
    let side = if merge.ours.contains(&revision.id) {
        &merge.ours
    } else {
        &merge.theirs
    };
    !revision
        .down_revisions
        .iter()
        .any(|down| side.contains(down))
}

fn is_new(merge: &Merge, id: &str) -> bool {
    merge.ours.contains(id) || merge.theirs.contains(id)
}

fn whose(merge: &Merge, id: &str) -> String {
    if merge.ours.contains(id) {
        "this branch".to_owned()
    } else if merge.theirs.contains(id) {
        merge.base_ref.clone()
    } else {
        "both".to_owned()
    }
}

fn follows(revision: &Revision) -> String {
    match revision.down_revisions.as_slice() {
        [] => "follows none".to_owned(),
        ids => format!("follows {}", ids.join(" and ")),
    }
}

fn down_revision(revision: &Revision) -> Place {
    Place {
        revision: Some(revision.id.clone()),
        ..Place::line(&revision.file, revision.down_line)
    }
}

/// The two states that were compared.
fn sides(merge: &Merge) -> String {
    format!(
        "this branch is the working tree, {} is {}; they part at {}",
        merge.base_ref,
        short(&merge.commit),
        short(&merge.parted)
    )
}

fn conflicts(merge: &Merge) -> Option<String> {
    let files: Vec<std::path::PathBuf> = merge.conflicts.iter().map(Into::into).collect();
    (!files.is_empty()).then(|| {
        format!(
            "both sides changed these files, and git will ask about them: {}",
            paths(&files)
        )
    })
}

#[cfg(test)]
mod tests;
