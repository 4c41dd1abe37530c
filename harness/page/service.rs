//! One service: its findings as the log has them, and what was seen of it.

use maud::{Markup, html};
use rayon::prelude::*;

use super::{
    anchor, class, counted, deployment, fixes, history, link, locks, outbox, running, symbol, text,
    time,
};
use crate::data::{Case, Outcome, Report, Service};

pub fn sections(report: &Report) -> Markup {
    html! {
        section #services aria-labelledby="services-title" {
            h2 #services-title { "Service by service" }
            @for section in all(report) { (section) }
        }
    }
}

/// The services one after the other, laid out side by side: a long history takes a while.
fn all(report: &Report) -> Vec<Markup> {
    let shown = report.shown();
    let laid_out = |service: &&Service| section(report, service);
    match report.has_seen_anything() {
        true => shown.par_iter().map(laid_out).collect(),
        false => shown.iter().map(laid_out).collect(),
    }
}

fn section(report: &Report, service: &Service) -> Markup {
    let name = &service.name;
    let cases: Vec<&Case> = report
        .cases
        .iter()
        .filter(|case| case.service == *name)
        .collect();
    let red = cases.iter().filter(|case| case.outcome.is_red()).count();
    html! {
        details.service #{ "service-" (anchor(name)) } data-service=(name) data-red[red > 0] open[red > 0] {
            summary {
                h3 { (name) }
                span.faint { (standing(&cases, red)) }
            }
            @for case in cases.iter().filter(|case| case.outcome.is_red()) { (red_case(report, case)) }
            (fixes::section(service))
            ul.green {
                @for case in cases.iter().filter(|case| !case.outcome.is_red()) { (green_case(case)) }
            }
            (history::section(service))
            (deployment::section(service))
            (locks::section(service))
            (running::section(service))
            (time::section(service))
            (outbox::of_service(service))
        }
    }
}

fn standing(cases: &[&Case], red: usize) -> String {
    match red {
        0 => format!("{}, none red", counted(cases.len(), "case")),
        red => format!("{red} of {} red", counted(cases.len(), "case")),
    }
}

fn red_case(report: &Report, case: &Case) -> Markup {
    html! {
        article #{ "case-" (anchor(&case.name())) } {
            h4 {
                span.outcome.(class(case.outcome)) { (symbol(case.outcome)) " " (case.outcome.words()) }
                " "
                @match case.about.starts_with("https://") {
                    true => a href=(case.about) { (case.criterion) },
                    false => (case.criterion),
                }
            }
            @match (report.reported_before(case), case.text.is_empty(), case.outcome) {
                (Some(first), ..) => {
                    p { "The same harness error as for " (link(first)) ". To judge it: " (text::command(&case.rerun)) }
                }
                (None, false, _) => { (text::section(&case.text, &case.commands)) }
                (None, true, Outcome::NotJudged) => {
                    p { (case.summary) ". To judge it: " (text::command(&case.rerun)) }
                }
                (None, true, _) => { p { (case.summary) } }
            }
            @if let Some(explanation) = &case.explanation { (text::section(&explanation.text, &case.commands)) }
        }
    }
}

fn green_case(case: &Case) -> Markup {
    html! {
        li #{ "case-" (anchor(&case.name())) } {
            span.outcome.(class(case.outcome)) { (symbol(case.outcome)) " " (case.outcome.words()) }
            " " (case.criterion)
            @if !case.summary.is_empty() { ": " (case.summary) }
            @if !case.notes.is_empty() { ul { @for note in &case.notes { li { (note) } } } }
        }
    }
}
