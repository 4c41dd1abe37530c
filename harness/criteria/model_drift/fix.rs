//! The migrations brought to the models, by Alembic's own autogenerate.

use super::CRITERION;
use crate::criteria::proposal::{Act, Class, Fix, Proposal, PublishedIds};
use crate::evidence::Evidence;
use crate::gather::Writing;
use crate::manifest::Service;

/// Proposes a revision with what Alembic finds; what loses data is left out.
pub fn propose(_: &Service, evidence: &Evidence, _: &PublishedIds) -> Vec<Proposal> {
    let Some(models) = &evidence.models else {
        return Vec::new();
    };
    if !models.metadata || models.drifts.is_empty() || !models.built.finished() {
        return Vec::new();
    }
    let message = "bring the schema to the models".to_owned();
    let what = "a revision with what the models have and the migrations have not";
    let act = Act::Write(Writing::Autogenerate { message });
    vec![Proposal::Fix(Fix {
        class: Class::Unsafe,
        changes_schema: true,
        ..Fix::new(&CRITERION, what, act)
    })]
}
