//! The time of each server, interpreter, command and revision.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::{counted, seconds};
use crate::data::{Command, Service};

/// All that was measured of a service.
pub fn spent(service: &Service) -> f64 {
    let starts = [&service.server, &service.interpreter];
    // Both start at the same time.
    let start = starts
        .into_iter()
        .flatten()
        .map(|spent| spent.seconds)
        .fold(0.0, f64::max);
    start
        + service
            .commands
            .iter()
            .map(|command| command.seconds)
            .sum::<f64>()
}

pub fn section(service: &Service) -> Markup {
    let all = spent(service);
    if all <= 0.0 {
        return html! {};
    }
    let longest = service
        .commands
        .iter()
        .map(|command| command.seconds)
        .chain(
            [&service.server, &service.interpreter]
                .into_iter()
                .flatten()
                .map(|spent| spent.seconds),
        )
        .fold(f64::MIN_POSITIVE, f64::max);
    html! {
        details {
            summary { "Where the time went: " (seconds(all)) }
            div.scroll tabindex="0" role="region" aria-label={ "Time of each command of " (service.name) } { table.times {
                thead {
                    tr {
                        th scope="col" { "On what" }
                        th.number scope="col" { "Time" }
                        th.number scope="col" { "of it in revisions" }
                        th.number scope="col" { "env.py, imports, connecting" }
                        th scope="col" aria-hidden="true" {}
                    }
                }
                tbody {
                    @if let Some(server) = &service.server { (start("Server", &server.what, server.seconds, longest)) }
                    @if let Some(python) = &service.interpreter { (start("Interpreter", &python.what, python.seconds, longest)) }
                    @for command in &service.commands { (row(command, longest)) }
                }
            } }
            @if service.server.is_some() && service.interpreter.is_some() {
                p.faint { "Server and interpreter start side by side." }
            }
            (revisions(service))
        }
    }
}

fn start(what: &str, detail: &str, took: f64, longest: f64) -> Markup {
    html! {
        tr {
            th scope="row" { (what) " " span.faint { (detail) } }
            td.number { (seconds(took)) }
            td {} td {}
            td aria-hidden="true" { (bar(took, 0.0, longest)) }
        }
    }
}

fn row(command: &Command, longest: f64) -> Markup {
    let inside: f64 = command.steps.iter().filter_map(|step| step.seconds).sum();
    let ran = command.steps.len();
    html! {
        tr {
            th scope="row" {
                (command.name)
                @if ran > 0 { " " span.faint { (counted(ran, "revision")) } }
                @if !command.ok { " " span.outcome.failed { "✗ failed" } }
            }
            td.number { (seconds(command.seconds)) }
            td.number { @if ran > 0 { (seconds(inside)) } }
            td.number { (seconds((command.seconds - inside).max(0.0))) }
            td aria-hidden="true" { (bar(command.seconds, inside, longest)) }
        }
    }
}

/// All of it, the part within revisions darker.
fn bar(all: f64, inside: f64, longest: f64) -> Markup {
    let percent = |part: f64| format!("width:{:.1}%", (part / longest * 100.0).clamp(0.0, 100.0));
    html! { span.bar { span style=(percent(inside)) {} span.rest style=(percent((all - inside).max(0.0))) {} } }
}

/// Each revision under each command that ran it.
fn revisions(service: &Service) -> Markup {
    let commands: Vec<(&Command, BTreeMap<&str, f64>)> = service
        .commands
        .iter()
        .filter(|command| !command.steps.is_empty())
        .map(|command| (command, by_revision(command)))
        .collect();
    let Some(history) = &service.history else {
        return html! {};
    };
    if commands.is_empty() {
        return html! {};
    }
    html! {
        details {
            summary { "Each revision" }
            div.scroll tabindex="0" role="region" aria-label={ "Time of each revision of " (service.name) } {
                table.matrix {
                    thead {
                        tr {
                            th scope="col" { "Revision" }
                            @for (command, _) in &commands { th.number scope="col" { (command.name) } }
                        }
                    }
                    tbody {
                        @for revision in &history.revisions {
                            tr {
                                th scope="row" { code { (revision.id) } @if let Some(message) = &revision.message { " " span.faint { (message) } } }
                                @for (_, steps) in &commands {
                                    td.number { @if let Some(took) = steps.get(revision.id.as_str()) { (seconds(*took)) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn by_revision(command: &Command) -> BTreeMap<&str, f64> {
    let mut steps = BTreeMap::new();
    for step in &command.steps {
        if let Some(seconds) = step.seconds {
            *steps.entry(step.revision.as_str()).or_default() += seconds;
        }
    }
    steps
}
