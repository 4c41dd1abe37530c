//! The tables of a deployment, the rows that they got and what became of them.

use maud::{Markup, html};

use super::{broken, counted};
use crate::data::{Became, Change, Rollout, Service, Table};

/// The deployment of a service, where one was tried.
pub fn section(service: &Service) -> Markup {
    let Some(deployment) = service
        .deployment
        .as_ref()
        .filter(|one| !one.rollouts.is_empty())
    else {
        return html! {};
    };
    html! {
        details {
            summary { "On tables with rows: " (deployment.plan) }
            @for (nth, rollout) in deployment.rollouts.iter().enumerate() { (tables(service, nth, rollout)) }
        }
    }
}

fn tables(service: &Service, nth: usize, rollout: &Rollout) -> Markup {
    let revisions = rollout.revisions.join(", ");
    html! {
        p {
            code { (broken(&revisions)) } ": "
            (counted(rollout.with_rows, "table")) " with rows, "
            (counted(rollout.special, "special row")) " beside the plain ones"
            @if !rollout.ok { ", " span.outcome.failed { "✗ fails" } }
        }
        @if !rollout.tables.is_empty() {
            div.scroll tabindex="0" role="region" aria-label={ "Tables of deployment " (nth + 1) " of " (service.name) } {
                table {
                    thead { tr { th scope="col" { "Table" } th scope="col" { "Rows" } th scope="col" { "Afterwards" } } }
                    tbody { @for table in &rollout.tables { (row(table)) } }
                }
            }
        }
    }
}

fn row(table: &Table) -> Markup {
    html! {
        tr {
            th scope="row" { code { (broken(&table.name)) } }
            td {
                @match &table.without {
                    Some(reason) => { span.faint { "none: " (reason) } }
                    None => { (table.rows) }
                }
            }
            td { @for change in &table.changes { div { (change_of(change)) } } }
        }
    }
}

fn change_of(change: &Change) -> Markup {
    let class = if change.meant { "faint" } else { "failed" };
    html! {
        span.(class) {
            @if let Some(column) = &change.column { code { (broken(column)) } " " }
            (words(change.became)) ": " (change.rows) " of " (change.of)
        }
        @if change.before.is_some() || change.after.is_some() {
            ", " code { (value(change.before.as_deref())) } " → " code { (value(change.after.as_deref())) }
        }
        @if change.meant { span.faint { ", as a statement says" } }
    }
}

fn words(became: Became) -> &'static str {
    match became {
        Became::Gone => "gone",
        Became::Fewer => "rows are gone",
        Became::Changed => "changed",
        Became::Converted => "does not come back from its new type",
        Became::NotRestored => "not given back by the way down",
    }
}

fn value(value: Option<&str>) -> &str {
    value.unwrap_or("NULL")
}
