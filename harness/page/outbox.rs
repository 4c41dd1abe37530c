//! The outbox tables beside the convention, of one service and of all.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::{anchor, broken};
use crate::data::{Index, Outbox, Outcome, Report, Service, Shape};

/// The indexes of the services and their shapes; nothing where no outbox was looked at.
pub fn section(report: &Report) -> Markup {
    let services = report.shown();
    let mut names: Vec<&str> = Vec::new();
    for index in services
        .iter()
        .filter_map(|service| service.outbox.as_ref())
        .flat_map(|outbox| &outbox.indexes)
    {
        if !names.contains(&index.name.as_str()) {
            names.push(&index.name);
        }
    }
    if services.iter().all(|service| service.outbox.is_none()) {
        return html! {};
    }
    html! {
        section #outbox aria-labelledby="outbox-title" {
            h2 #outbox-title { "The outbox, across services" }
            p { "Who has which index of " code { "conventions/outbox.toml" } ", in which shape." }
            div.scroll tabindex="0" role="region" aria-label="Table of outbox indexes" {
                table.matrix.shapes {
                    thead {
                        tr {
                            th scope="col" { "Service" }
                            @for name in &names { th scope="col" { (name) } }
                            th scope="col" { "further indexes" }
                        }
                    }
                    tbody { @for service in &services { (row(report, service, &names)) } }
                }
            }
        }
    }
}

fn row(report: &Report, service: &Service, names: &[&str]) -> Markup {
    let seen = service.outbox.as_ref();
    html! {
        tr data-service=(service.name) data-red[seen.is_some_and(|outbox| !is_aligned(outbox))] {
            th scope="row" { a href={ "#service-" (anchor(&service.name)) } { (broken(&service.name)) } }
            @match seen {
                Some(outbox) => {
                    @for name in names {
                        td { (shape(outbox.indexes.iter().find(|index| index.name == *name))) }
                    }
                    td.faint { (more(outbox)) }
                }
                None => { td.faint colspan=(names.len() + 1) { (unseen(report, service)) } }
            }
        }
    }
}

fn is_aligned(outbox: &Outbox) -> bool {
    !outbox.indexes.is_empty()
        && outbox
            .indexes
            .iter()
            .all(|index| index.shape == Shape::Same)
}

fn unseen(report: &Report, service: &Service) -> String {
    match report.case("outbox_indexes", &service.name) {
        Some(case) if case.outcome == Outcome::NotApplicable => {
            format!("not applicable: {}", case.summary)
        }
        Some(case) => format!("not looked at: {}", case.outcome.words()),
        None => "not selected".to_owned(),
    }
}

fn more(outbox: &Outbox) -> String {
    let names: BTreeSet<&str> = outbox.more.iter().map(|(name, _)| name.as_str()).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

fn shape(index: Option<&Index>) -> Markup {
    let Some(index) = index else {
        return html! { span.faint { "no such table" } };
    };
    html! {
        (badge(index.shape))
        @if let (Shape::Differs, Some(found)) = (index.shape, &index.found) { br; code { (brief(found)) } }
    }
}

fn badge(shape: Shape) -> Markup {
    let (class, words) = match shape {
        Shape::Same => ("passed", "✓ as it should be"),
        Shape::Differs => ("failed", "✗ differs"),
        Shape::Invalid => ("failed", "✗ invalid"),
        Shape::Missing => ("failed", "✗ missing"),
    };
    html! { span.outcome.(class) { (words) } }
}

/// The part of a definition that tells indexes of one table apart: `USING btree (a) WHERE b`.
fn brief(definition: &str) -> String {
    let unique = if definition.starts_with("CREATE UNIQUE") {
        "UNIQUE "
    } else {
        ""
    };
    match definition.find("USING ") {
        Some(at) => format!("{unique}{}", &definition[at..]),
        None => definition.to_owned(),
    }
}

/// The table's indexes beside the convention's.
pub fn of_service(service: &Service) -> Markup {
    let Some(outbox) = &service.outbox else {
        return html! {};
    };
    let right = outbox
        .indexes
        .iter()
        .filter(|index| index.shape == Shape::Same)
        .count();
    html! {
        details {
            summary { "Outbox table " code { (outbox.table) } ": " (right) " of " (outbox.indexes.len()) " indexes as the convention says" }
            @if outbox.schemas.len() != 1 {
                p { "Schemas that hold a table of that name: " (if outbox.schemas.is_empty() { "none".to_owned() } else { outbox.schemas.join(", ") }) }
            }
            div.scroll tabindex="0" role="region" aria-label={ "Outbox indexes of " (service.name) } {
                table {
                    thead { tr { th scope="col" { "Index" } th scope="col" { "Convention" } th scope="col" { "Found" } th scope="col" { "" span.sr { "Comparison" } } } }
                    tbody {
                        @for index in &outbox.indexes {
                            tr {
                                th scope="row" { code { (broken(&index.name)) } }
                                td { code { (brief(&index.expected)) } }
                                td { @match &index.found { Some(found) => { code { (brief(found)) } } None => { span.faint { "none" } } } }
                                td { (badge(index.shape)) }
                            }
                        }
                        @for (name, definition) in &outbox.more {
                            tr {
                                th scope="row" { code { (broken(name)) } }
                                td.faint { "not in the convention" }
                                td { code { (brief(definition)) } }
                                td {}
                            }
                        }
                    }
                }
            }
        }
    }
}
