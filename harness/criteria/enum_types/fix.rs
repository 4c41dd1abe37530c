//! An enum type that is created once: the later place leaves it to the earlier one.

use super::CRITERION;
use crate::alembic::edits::{Creation, Source};
use crate::alembic::sql;
use crate::alembic::transcript::{EnumSource, Place};
use crate::criteria::duplicate_creation::{DuplicateCreation, duplicate_creations};
use crate::criteria::proposal::{Act, Fix, Proposal, PublishedIds};
use crate::evidence::Evidence;
use crate::manifest::Service;
use crate::patch::{Edit, Patch};

/// Proposes `create_type=False`, or to leave out what creates the type again.
pub fn propose(_: &Service, evidence: &Evidence, published: &PublishedIds) -> Vec<Proposal> {
    let Some(migrated) = &evidence.migrated else {
        return Vec::new();
    };
    let mut all = duplicate_creations(migrated.reached());
    if let Some(stepped) = &evidence.stepped {
        let further = duplicate_creations(&stepped.upgrade).into_iter();
        let further: Vec<DuplicateCreation<'_>> = further
            .filter(|one| !all.iter().any(|other| other.is_same(one)))
            .collect();
        all.extend(further);
    }
    all.iter()
        .map(|second| proposal(second, published))
        .collect()
}

fn proposal(second: &DuplicateCreation<'_>, published: &PublishedIds) -> Proposal {
    let name = second.name;
    if second.refused.is_none() || second.asks_for_others() {
        let why = format!(
            "the two creations of type \"{name}\" have other labels: which are meant, only you know"
        );
        return Proposal::refused(&CRITERION, why);
    }
    if second.is_rename() {
        let why = format!("type \"{name}\" gets its name by a rename: drop the old one yourself");
        return Proposal::refused(&CRITERION, why);
    }
    let Some(place) = second.place else {
        let why = format!("no line of a revision was seen creating type \"{name}\" again");
        return Proposal::refused(&CRITERION, why);
    };
    match edits(second, place) {
        Some((what, edits)) => {
            let id = place.revision.as_deref().unwrap_or_default();
            let act = Act::Edit(Patch::default().edit(&place.file, edits));
            Proposal::Fix(Fix {
                class: published.class(id),
                ..Fix::new(&CRITERION, format!("revision {id} {what}"), act)
            })
        }
        None => {
            let file = place.file.display();
            let why = format!("{file}:{} does not spell out type \"{name}\"", place.line);
            Proposal::refused(&CRITERION, why)
        }
    }
}

fn edits(second: &DuplicateCreation<'_>, place: &Place) -> Option<(String, Vec<Edit>)> {
    let name = second.name;
    let source = Source::read(&place.file)?;
    let leaves_out = format!("does not create type \"{name}\" again");
    if second.again.map(|again| again.how) != Some(EnumSource::Create) {
        let statement = second.statement?;
        // What else it does would be lost with it.
        let creates = sql::creates(&statement.sql, "type", name)?;
        let is_more = statement.sql.trim_end().trim_end_matches(';').contains(';');
        if is_more || creates.guarded || sql::mentions(&statement.sql, "function") {
            return None;
        }
        return Some((leaves_out, source.without_statement(place.line)?));
    }
    let lines = place.line..=place.end_line.unwrap_or(place.line);
    let first = second.first.and_then(|(first, _)| first.revision.as_ref());
    let is_of_another = first.is_some_and(|first| Some(first) != place.revision.as_ref());
    match source.without_creation(name, lines, is_of_another)? {
        Creation::Call(edits) => Some((leaves_out, edits)),
        Creation::Column(edits) => {
            let what =
                format!("leaves type \"{name}\" to whoever creates it first (create_type=False)");
            Some((what, edits))
        }
    }
}
