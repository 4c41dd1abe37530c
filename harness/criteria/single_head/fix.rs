//! One head again: our branch on top of what is published, or a merge revision.

mod ids;

use super::CRITERION;
use crate::alembic::edits::Source;
use crate::alembic::graph::{DownRevisionEdit, Graph};
use crate::criteria::proposal::{Act, Fix, Proposal, PublishedIds};
use crate::evidence::Evidence;
use crate::gather::Writing;
use crate::manifest::Service;
use crate::patch::Patch;

/// Proposes what makes several heads one.
pub fn propose(_: &Service, evidence: &Evidence, published: &PublishedIds) -> Vec<Proposal> {
    let history = &evidence.history;
    let of_merge = evidence.merge.as_ref().map(|merge| &merge.graph);
    let of_merge = of_merge.filter(|_| history.graph.heads().len() == 1);
    let graph = of_merge.unwrap_or(&history.graph);
    let heads = graph.heads();
    let twice = ids::propose(history, published);
    if !twice.is_empty() {
        return twice;
    }
    if history.raised.is_some() || !graph.problems().is_empty() || heads.len() < 2 {
        return Vec::new();
    }
    let labelled = heads.iter().find(|head| !head.branch_labels.is_empty());
    if let Some(head) = labelled {
        let label = head.branch_labels.join(", ");
        let why = format!(
            "the branch label \"{label}\" keeps head {} on purpose",
            head.id
        );
        return vec![Proposal::refused(&CRITERION, why)];
    }
    let (theirs, ours): (Vec<&str>, Vec<&str>) = heads
        .iter()
        .map(|head| head.id.as_str())
        .partition(|id| published.has(id));
    let fix = match (theirs.as_slice(), ours.as_slice()) {
        ([onto], [head]) => on_top(graph, head, onto, published),
        _ => None,
    };
    vec![Proposal::Fix(fix.unwrap_or_else(|| {
        let ids: Vec<String> = heads.iter().map(|head| head.id.clone()).collect();
        let what = format!("a revision that merges {}", ids.join(" and "));
        Fix::new(&CRITERION, what, Act::Write(Writing::Merge(ids)))
    }))]
}

/// Sets what only our branch has on top of the published head. The other order has to lead
/// to the same catalog: databases of this branch went that way.
fn on_top(graph: &Graph, head: &str, onto: &str, published: &PublishedIds) -> Option<Fix> {
    let is_ours = |id: &str| !published.has(id);
    let edits = graph.rebased(head, onto, &is_ours)?;
    let moved: Vec<&str> = edits.iter().map(|edit| edit.id.as_str()).collect();
    let what = format!("{} follows {onto}, which is published", moved.join(" and "));
    let other_order = graph.rebased(onto, head, &published_alone(graph, head, published));
    Some(Fix {
        same_as: other_order.as_deref().and_then(patch),
        ..Fix::new(&CRITERION, what, Act::Edit(patch(&edits)?))
    })
}

/// The published revisions that our branch was not written on top of.
fn published_alone<'a>(
    graph: &'a Graph,
    head: &'a str,
    published: &'a PublishedIds,
) -> impl Fn(&str) -> bool + 'a {
    move |id| published.has(id) && !graph.follows(head, id)
}

/// None where a `down_revision` is computed.
fn patch(edits: &[DownRevisionEdit]) -> Option<Patch> {
    edits.iter().try_fold(Patch::default(), |patch, edit| {
        let edits = Source::read(&edit.file)?.with_parents(&edit.down_revisions)?;
        Some(patch.edit(&edit.file, edits))
    })
}
