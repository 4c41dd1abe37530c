//! Services by criteria.

use maud::{Markup, html};

use super::{anchor, broken, class, seconds, symbol};
use crate::data::{Case, Report, Service};

pub fn section(report: &Report) -> Markup {
    html! {
        section #matrix aria-labelledby="matrix-title" {
            h2 #matrix-title { "Services and criteria" }
            form.filter role="search" aria-label="Services" hidden {
                label { "Filter services " input #filter type="search" autocomplete="off" spellcheck="false"; }
                label { input #only-red type="checkbox"; " only red ones" }
                span #filtered role="status" {}
            }
            div.scroll tabindex="0" role="region" aria-label="Table of services and criteria" {
                table.matrix {
                    thead {
                        tr {
                            th scope="col" { "Service" }
                            @for criterion in &report.criteria {
                                th scope="col" { a href={ "#criterion-" (criterion.id) } title=(criterion.asserts) { (broken(&criterion.id)) } }
                            }
                            th.number scope="col" { "time" }
                        }
                    }
                    tbody { @for service in report.shown() { (row(report, service)) } }
                }
            }
            (legend())
        }
    }
}

fn row(report: &Report, service: &Service) -> Markup {
    let name = &service.name;
    let cases: Vec<Option<&Case>> = report
        .criteria
        .iter()
        .map(|criterion| report.case(&criterion.id, name))
        .collect();
    let red = cases.iter().flatten().any(|case| case.outcome.is_red());
    let spent: f64 = super::time::spent(service);
    html! {
        tr data-service=(name) data-red[red] {
            th scope="row" { a href={ "#service-" (anchor(name)) } { (broken(name)) } }
            @for case in cases {
                td {
                    @match case {
                        Some(case) => { (cell(case)) }
                        None => { span.absent title="not selected" { "·" span.sr { "not selected" } } }
                    }
                }
            }
            td.number { @if spent > 0.0 { (seconds(spent)) } }
        }
    }
}

fn cell(case: &Case) -> Markup {
    html! {
        a.outcome.(class(case.outcome)) href={ "#case-" (anchor(&case.name())) } title=(title(case)) {
            span aria-hidden="true" { (symbol(case.outcome)) }
            span .sr[!case.outcome.is_red()] { " " (case.outcome.words()) }
        }
    }
}

fn title(case: &Case) -> String {
    match case.summary.as_str() {
        "" => case.outcome.words().to_owned(),
        summary => format!("{}: {summary}", case.outcome.words()),
    }
}

fn legend() -> Markup {
    html! {
        p.legend {
            "✓ passed · ✗ failed: the service breaks the promise · ⊘ blocked: another criterion explains it · "
            "! harness error: no judgement was possible · ? not judged: selected, and the run ended before · "
            "– not applicable: the manifest says why · · not selected"
        }
    }
}
