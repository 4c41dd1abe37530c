//! The page that a team pins up: [`html`], a pure function of the [`Report`], which is
//! also `report.json`.
//!
//! A package of its own so that it is optimised where the rest is not: every run ends
//! with it, and `cargo test` builds with the dev profile.
//!
//! One file that needs no network. Services may print anything: every text goes
//! through the template's escaping, and the page's own policy runs no script but ours.

pub mod data;
mod deployment;
mod fixes;
mod history;
mod layout;
mod locks;
mod matrix;
mod outbox;
mod running;
mod service;
mod text;
mod time;

use std::collections::BTreeSet;

use maud::{DOCTYPE, Markup, PreEscaped, html as markup};

use data::{Case, Outcome, Report};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
/// The SHA-256 of [`SCRIPT`], without which a browser does not run it
/// (<https://www.w3.org/TR/CSP3/#external-hash>). The test in a browser notices when it
/// is outdated: `openssl dgst -sha256 -binary harness/page/script.js | base64`.
const SCRIPT_HASH: &str = "sha256-aCZY1FIadNqt6bwIwshypM4Q/Njpq6aaj9pkiqs+xjo=";

/// The whole page.
#[must_use]
pub fn html(report: &Report) -> String {
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src '{SCRIPT_HASH}'; img-src data:; base-uri 'none'; form-action 'none'"
    );
    let page = markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "migration-harness " (report.harness) };
                title { (headline(report)) " · migrations" }
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#matrix" { "Skip to the matrix" }
                (header(report))
                main {
                    (red(report))
                    (matrix::section(report))
                    (service::sections(report))
                    (outbox::section(report))
                    (promises(report))
                }
                (footer(report))
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// The run in a few words.
fn headline(report: &Report) -> String {
    let red = report
        .cases
        .iter()
        .filter(|case| case.outcome.is_red())
        .count();
    match (red, report.cases.len()) {
        (_, 0) => "nothing was judged".to_owned(),
        (0, all) => format!("all {all} cases green"),
        (red, all) => format!("{red} of {all} cases red"),
    }
}

fn header(report: &Report) -> Markup {
    let services = report.shown().len();
    let is_red = report.cases.iter().any(|case| case.outcome.is_red());
    markup! {
        header {
            p.what { "Alembic migrations, judged on a fresh PostgreSQL" }
            h1 .red[is_red] { (headline(report)) }
            p { (counted(report.cases.len(), "case")) " in " (counted(services, "service")) }
            ul.counts aria-label="How the cases ended" {
                @for (outcome, count) in report.counts() {
                    li { span.outcome.(class(outcome)) { (symbol(outcome)) " " (count) " " (outcome.words()) } }
                }
            }
            @for run in &report.runs {
                p.run { "Began " time datetime=(run.began) { (minute(&run.began)) } " UTC on " (run.host) }
            }
            (gaps(report))
        }
    }
}

/// The cases that nobody judged, before anything else.
fn gaps(report: &Report) -> Markup {
    let unjudged = report
        .counts()
        .get(&Outcome::NotJudged)
        .copied()
        .unwrap_or_default();
    let absent = counted(report.absent.len(), "case");
    let joined = report.runs.len() > 1;
    markup! {
        @if unjudged > 0 {
            p.notice role="note" {
                strong { (counted(unjudged, "case")) " not judged." }
                " The run ended before them: it was killed, stopped at the first red case, or a case took too long."
            }
        }
        @if !report.absent.is_empty() {
            details.notice[joined] .faint[!joined] {
                summary {
                    @if joined { "No part holds " strong { (absent) " of the manifest" } }
                    @else { (absent) " of the manifest not selected, or not begun" }
                }
                ul { @for name in absent_names(report) { li { code { (name) } } } }
            }
        }
    }
}

/// The cases that are not there; of a service without any case only its name.
fn absent_names(report: &Report) -> Vec<String> {
    let whole = |service: &&str| !is_shown(report, service);
    let names = report.services.iter().map(|service| service.name.as_str());
    let services = names
        .filter(whole)
        .map(|name| format!("{name}: every criterion"));
    let of_shown = |name: &&String| {
        let service = name.split_once("::").map_or("", |(_, service)| service);
        is_shown(report, service)
    };
    services
        .chain(report.absent.iter().filter(of_shown).cloned())
        .collect()
}

/// The things to do, in one line each; what another finding explains is not listed.
fn red(report: &Report) -> Markup {
    let listed = |case: &&Case| matches!(case.outcome, Outcome::Failed | Outcome::Error);
    let cases = report.cases.iter().filter(listed);
    let cases: Vec<&Case> = cases
        .filter(|case| report.reported_before(case).is_none())
        .collect();
    markup! {
        @if !cases.is_empty() {
            section #red aria-labelledby="red-title" {
                h2 #red-title { "What is red" }
                ul.red-list {
                    @for case in cases {
                        @let others = others(report, case);
                        li data-service=(services_of(case, &others)) {
                            (link(case))
                            " " (case.summary)
                            @if !others.is_empty() { span.faint { " (keeps " (counted(others.len(), "more case")) " from being judged)" } }
                            @if case.findings.len() > 1 { span.faint { " (and " (case.findings.len() - 1) " more)" } }
                        }
                    }
                }
            }
        }
    }
}

/// The other cases that the same harness error kept from being judged.
fn others<'a>(report: &'a Report, case: &Case) -> Vec<&'a Case> {
    let same = |one: &&Case| one.name() != case.name() && one.shares_error_with(case);
    report.cases.iter().filter(same).collect()
}

/// The services that a line is about, a line each; the filter shows it for any of them.
fn services_of(case: &Case, others: &[&Case]) -> String {
    let services = others.iter().map(|one| one.service.as_str());
    let all: BTreeSet<&str> = services.chain([case.service.as_str()]).collect();
    all.into_iter().collect::<Vec<_>>().join("\n")
}

/// A way to what is said of a case.
fn link(case: &Case) -> Markup {
    markup! { a href={ "#case-" (anchor(&case.name())) } { (case.service) ": " (case.criterion) } }
}

fn promises(report: &Report) -> Markup {
    markup! {
        section #promises aria-labelledby="promises-title" {
            h2 #promises-title { "What the criteria assert" }
            dl {
                @for criterion in &report.criteria {
                    dt #{ "criterion-" (criterion.id) } { code { (criterion.id) } }
                    dd {
                        p { (criterion.asserts) }
                        p.faint { "Why: " (criterion.why) ". What to do: " (criterion.remedy) "." }
                    }
                }
            }
        }
    }
}

fn footer(report: &Report) -> Markup {
    markup! {
        footer {
            p {
                "migration-harness " (report.harness)
                @if let Some(run) = report.runs.last() { " · written " time datetime=(run.written) { (minute(&run.written)) } " UTC" }
                " · the same as data: " code { "report.json" } " beside this page"
            }
        }
    }
}

/// A name that may be broken after each of its words.
fn broken(name: &str) -> Markup {
    markup! { @for word in name.split_inclusive('_') { (word) wbr; } }
}

/// Tells whether any case of the service was selected.
fn is_shown(report: &Report, service: &str) -> bool {
    report.cases.iter().any(|case| case.service == service)
}

/// `2026-11-24T20:31:28.1Z` as `2026-11-24 20:31`.
fn minute(time: &str) -> String {
    time.get(..16).unwrap_or(time).replace('T', " ")
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// A part of an element's id. Ids may not hold white space; a service's name might.
fn anchor(text: &str) -> String {
    text.chars()
        .map(|letter| {
            if letter.is_alphanumeric() || "_-.".contains(letter) {
                letter
            } else {
                '-'
            }
        })
        .collect()
}

/// Seconds as one reads them.
fn seconds(seconds: f64) -> String {
    match seconds {
        long if long >= 9.95 => format!("{long:.0} s"),
        some if some >= 0.995 => format!("{some:.1} s"),
        short => format!("{:.0} ms", short * 1000.0),
    }
}

fn class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Failed => "failed",
        Outcome::Error => "error",
        Outcome::Blocked => "blocked",
        Outcome::NotJudged => "unjudged",
        Outcome::Passed => "passed",
        Outcome::NotApplicable => "waived",
    }
}

/// Told apart without colour.
fn symbol(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Failed => "✗",
        Outcome::Error => "!",
        Outcome::Blocked => "⊘",
        Outcome::NotJudged => "?",
        Outcome::Passed => "✓",
        Outcome::NotApplicable => "–",
    }
}
