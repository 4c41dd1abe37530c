//! The findings of a criterion in the base ref, which are all that may be accepted beside it.

use std::collections::BTreeSet;

use tokio::runtime::Runtime;

use crate::criteria::{Criterion, Verdict};
use crate::error::Result;
use crate::gather::store::Store;
use crate::manifest::{Service, base_ref};
use crate::report;

/// The findings of a base ref.
pub(in crate::run) struct Base {
    /// The base ref, as it is named.
    pub(super) name: String,
    /// The keys that would accept them.
    pub(super) keys: BTreeSet<String>,
}

/// Judges the service as `BASE_REF` has it; none where nothing is named.
///
/// # Errors
/// Git cannot tell what the base ref has, or nothing can be judged.
pub(in crate::run) fn judge_base(
    criterion: &Criterion,
    service: &Service,
    runtime: &Runtime,
    cores: usize,
) -> Result<Option<Base>> {
    let Some(name) = base_ref() else {
        return Ok(None);
    };
    let services = std::slice::from_ref(&service.name);
    let store = Store::apart(&report::directory(), services, cores)?;
    let then = store.as_of(service, &name)?;
    let mut keys = BTreeSet::new();
    // A service that the base ref has not has no findings there.
    if then.directory.is_dir() {
        let needs = criterion.needs;
        let gathered = store.evidence(&then, needs, needs, runtime, &|_| {});
        let verdict = gathered.map(|evidence| criterion.verdict(&then, &evidence));
        if let Ok(Verdict::Fail(findings)) = verdict {
            let lines = findings.into_iter().flat_map(|one| one.acceptances);
            keys.extend(lines.map(|line| line.key));
        }
    }
    store.end(runtime)?;
    Ok(Some(Base { name, keys }))
}
