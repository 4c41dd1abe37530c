//! The release that is running: what it could do with each table before, between and after.

use maud::{Markup, html};

use super::broken;
use crate::data::{ReleaseState, Service, StatementCounts};

/// The running release beside a service's deployment; nothing where none was tried.
pub fn section(service: &Service) -> Markup {
    let Some(running) = service.running.as_ref().filter(|one| !one.deeds.is_empty()) else {
        return html! {};
    };
    html! {
        details {
            summary { "What the running release can do meanwhile: " (running.release) }
            p { "So many statements of its models worked, on rows that were planted: before the deployment, whenever it had committed something, and after it." }
            div.scroll tabindex="0" role="region" aria-label={ "The running release of " (service.name) } {
                table {
                    thead {
                        tr {
                            th scope="col" { "Table" }
                            th scope="col" { "Statement" }
                            th scope="col" { "Before" }
                            @for state in &running.states { th scope="col" { (heading(state)) } }
                        }
                    }
                    tbody { @for deed in &running.deeds { (row(deed)) } }
                }
            }
        }
    }
}

fn heading(state: &ReleaseState) -> Markup {
    html! {
        @match &state.revision {
            None => { "After" }
            Some(revision) => {
                "After " code { (broken(revision)) }
                @if let Some(line) = state.line { ", line " (line) }
            }
        }
    }
}

fn row(deed: &StatementCounts) -> Markup {
    html! {
        tr {
            th scope="row" { code { (broken(&deed.table)) } }
            td { (deed.kind) }
            td { (deed.before) @if deed.before < deed.statements { span.faint { " of " (deed.statements) } } }
            @for works in &deed.then {
                td {
                    @if *works < deed.before { span.outcome.failed { "✗ " (works) " of " (deed.before) } }
                    @else { (works) }
                }
            }
        }
    }
}
