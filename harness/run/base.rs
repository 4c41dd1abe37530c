//! `BASE_REF`: what the branch will be merged into.

use crate::criteria::{Criterion, single_head};
use crate::error::Result;
use crate::evidence::{Evidence, Merge};
use crate::manifest::{Service, base_ref};

/// Puts the merged history into the evidence of the criterion that judges it, where there
/// is a history to merge.
///
/// # Errors
/// It is asked for, and git cannot tell.
pub fn merge(criterion: &Criterion, service: &Service, evidence: &mut Evidence) -> Result<()> {
    if criterion.id != single_head::CRITERION.id || single_head::is_broken(&evidence.history) {
        return Ok(());
    }
    if let Some(base_ref) = base_ref() {
        evidence.merge = Some(Merge::read(service, &evidence.history, &base_ref)?);
    }
    Ok(())
}
