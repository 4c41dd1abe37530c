//! Fixes that criteria propose: each a pure function from evidence to [`Proposal`]s, in a file
//! beside its criterion. Nothing here is offered before [`crate::run`] has proved it.

use super::proposal::{Proposal, PublishedIds};
use super::{
    Criterion, downgrade, enum_types, locks, migration_notes, model_drift, outbox_indexes, rows,
    single_head, upgrade_head,
};
use crate::evidence::Evidence;
use crate::manifest::Service;

/// A criterion's way to propose fixes of what it is red about.
#[derive(Debug, Clone, Copy)]
pub struct Fixer {
    /// The criterion.
    pub criterion: &'static Criterion,
    /// The proposals.
    pub propose: fn(&Service, &Evidence, &PublishedIds) -> Vec<Proposal>,
}

/// Every fixer, in the order in which fixes are tried: first what keeps others from judging.
pub const ALL: &[Fixer] = &[
    Fixer {
        criterion: &single_head::CRITERION,
        propose: single_head::fix::propose,
    },
    Fixer {
        criterion: &upgrade_head::CRITERION,
        propose: upgrade_head::fix::propose,
    },
    Fixer {
        criterion: &enum_types::CRITERION,
        propose: enum_types::fix::propose,
    },
    Fixer {
        criterion: &outbox_indexes::CRITERION,
        propose: outbox_indexes::fix::propose,
    },
    Fixer {
        criterion: &downgrade::CRITERION,
        propose: downgrade::fix::propose,
    },
    Fixer {
        criterion: &rows::CRITERION,
        propose: rows::fix::propose,
    },
    Fixer {
        criterion: &locks::CRITERION,
        propose: locks::fix::propose,
    },
    Fixer {
        criterion: &model_drift::CRITERION,
        propose: model_drift::fix::propose,
    },
    Fixer {
        criterion: &migration_notes::CRITERION,
        propose: migration_notes::fix::propose,
    },
];

/// Everything that the criteria propose for a service.
#[must_use]
pub fn proposed(service: &Service, evidence: &Evidence, published: &PublishedIds) -> Vec<Proposal> {
    let applying = ALL
        .iter()
        .filter(|fixer| fixer.criterion.waived(service).is_none());
    applying
        .flat_map(|fixer| (fixer.propose)(service, evidence, published))
        .collect()
}
