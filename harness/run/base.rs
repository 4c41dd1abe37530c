//! `BASE_REF`: what the branch will be merged into.

use crate::criteria::{Criterion, published_revisions, single_head};
use crate::error::Result;
use crate::evidence::{Evidence, Merge, PublishedRevisions};
use crate::manifest::{Service, base_ref};

/// Puts what git tells into the evidence of the criterion that judges it, where there is a
/// history to tell it of.
///
/// # Errors
/// It is asked for, and git cannot tell.
pub fn compare(criterion: &Criterion, service: &Service, evidence: &mut Evidence) -> Result<()> {
    let Some(base_ref) = base_ref() else {
        return Ok(());
    };
    let history = &evidence.history;
    if criterion.id == single_head::CRITERION.id && !single_head::is_broken(history) {
        evidence.merge = Some(Merge::read(service, history, &base_ref)?);
    }
    if criterion.id == published_revisions::CRITERION.id && history.is_graph() {
        evidence.published = Some(PublishedRevisions::read(service, history, &base_ref)?);
    }
    Ok(())
}
