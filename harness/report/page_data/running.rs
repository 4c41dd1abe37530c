//! From what the running release could do to what a report shows of it.

use super::data;
use crate::evidence::Running;
use crate::evidence::running::{State, StatementCounts, StatementKind};

/// The page data of the running release; none where it was not tried to the end.
pub fn running(running: &Running) -> Option<data::Running> {
    let deeds = running.deeds.iter();
    (!running.states.is_empty()).then(|| data::Running {
        release: running.release.to_string(),
        states: running
            .states
            .iter()
            .map(|one| state(running, one))
            .collect(),
        deeds: deeds.map(|one| deed(running, one)).collect(),
    })
}

fn state(running: &Running, state: &State) -> data::ReleaseState {
    let statements = running.upgrade.iter().flat_map(|one| &one.statements);
    let mut committed = statements.filter(|one| Some(one.number) <= state.after);
    let place = committed
        .rfind(|one| one.place.is_some())
        .and_then(|one| one.place.as_ref());
    let place = place.filter(|_| state.after.is_some());
    data::ReleaseState {
        revision: place.and_then(|place| place.revision.clone()),
        line: place.map(|place| place.line),
    }
}

fn deed(running: &Running, deed: &StatementCounts) -> data::StatementCounts {
    let failed = |state: &State| {
        let same = state
            .failed
            .iter()
            .filter(|one| (&one.table, one.kind) == (&deed.table, deed.kind));
        same.count()
    };
    data::StatementCounts {
        table: deed.table.clone(),
        kind: in_sql(deed.kind).to_owned(),
        statements: deed.works + deed.fails,
        before: deed.works,
        then: running
            .states
            .iter()
            .map(|state| deed.works.saturating_sub(failed(state)))
            .collect(),
    }
}

fn in_sql(kind: StatementKind) -> &'static str {
    match kind {
        StatementKind::Select => "SELECT",
        StatementKind::Insert => "INSERT",
        StatementKind::Update => "UPDATE",
        StatementKind::Delete => "DELETE",
        StatementKind::Upsert => "INSERT ON CONFLICT",
        StatementKind::Given => "as the team gives it",
    }
}
