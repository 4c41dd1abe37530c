//! A deployment as time goes: its statements, their transactions, and the tables that others
//! wait for.

use maud::{Markup, html};

use super::broken;
use crate::data::{Blocks, Service, TimelineEntry};

/// The locks of a service's deployment; nothing where nothing was measured.
pub fn section(service: &Service) -> Markup {
    let statements = &service.locks;
    if statements.is_empty() {
        return html! {};
    }
    let mut tables: Vec<&str> = Vec::new();
    for lock in statements.iter().flat_map(|one| &one.locks) {
        if !tables.contains(&lock.table.as_str()) {
            tables.push(&lock.table);
        }
    }
    html! {
        details {
            summary { "What the deployment locks, statement by statement" }
            p { "A bar is a lock that the transaction holds after the statement: others can read and not write (▒), or neither (█)." }
            div.scroll tabindex="0" role="region" aria-label={ "Locks of the deployment of " (service.name) } {
                table.locks {
                    thead {
                        tr {
                            th scope="col" { "Transaction" }
                            th scope="col" { "Statement" }
                            @for table in &tables { th scope="col" { code { (broken(table)) } } }
                            th scope="col" { "Work on many rows" }
                        }
                    }
                    tbody { @for (nth, one) in statements.iter().enumerate() { (row(statements, nth, one, &tables)) } }
                }
            }
        }
    }
}

fn row(all: &[TimelineEntry], nth: usize, one: &TimelineEntry, tables: &[&str]) -> Markup {
    let is_next = nth == 0 || all[nth - 1].transaction != one.transaction;
    html! {
        tr {
            td { @if is_next { (one.transaction) } }
            th scope="row" {
                code { (broken(&one.statement)) }
                @if let Some(revision) = &one.revision {
                    br;
                    span.faint { (revision) @if let Some(line) = one.line { ", line " (line) } }
                }
            }
            @for table in tables { (held(one, table)) }
            td { @for work in &one.work { div { (work) } } }
        }
    }
}

/// The bar of a table.
fn held(one: &TimelineEntry, table: &str) -> Markup {
    let of_table = one.locks.iter().filter(|lock| lock.table == table);
    match of_table.max_by_key(|lock| lock.blocks) {
        None => html! { td {} },
        Some(lock) => {
            let (class, bar) = match lock.blocks {
                Blocks::Writes => ("writes", "▒"),
                Blocks::ReadsAndWrites => ("all", "█"),
            };
            html! { td.held.(class) { (bar) " " (lock.mode) } }
        }
    }
}
