//! `BASE_REF`: what the branch will be merged into.

use std::env;

use crate::criteria::{Criterion, single_head};
use crate::error::Result;
use crate::evidence::{Evidence, Merge};
use crate::manifest::{BASE_REF, Service};

/// Puts the merged history into the evidence of the criterion that judges it, where there
/// is a history to merge.
///
/// # Errors
/// It is asked for, and git cannot tell.
pub fn merge(criterion: &Criterion, service: &Service, evidence: &mut Evidence) -> Result<()> {
    let base_ref = env::var(BASE_REF).unwrap_or_default();
    let base_ref = base_ref.trim();
    if base_ref.is_empty()
        || criterion.id != single_head::CRITERION.id
        || single_head::is_broken(&evidence.history)
    {
        return Ok(());
    }
    evidence.merge = Some(Merge::read(service, &evidence.history, base_ref)?);
    Ok(())
}
