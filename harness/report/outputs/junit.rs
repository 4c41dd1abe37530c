//! `JUnit` XML as Jenkins reads it (the xunit plugin's `junit-10.xsd`): a suite per service.

use std::fmt::Write;

use crate::report::data::{Case, Outcome, Report};

pub(super) fn text(report: &Report) -> String {
    let mut suites = String::new();
    for service in report
        .cases
        .chunk_by(|one, other| one.service == other.service)
    {
        suite(&mut suites, report, service);
    }
    let all = attributes(&report.cases);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"migrations\" {all}>\n{suites}</testsuites>\n"
    )
}

/// The attributes that count the cases and sum up their time.
fn attributes(cases: &[Case]) -> String {
    let count = |of: &dyn Fn(Outcome) -> bool| cases.iter().filter(|case| of(case.outcome)).count();
    format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{}\"",
        cases.len(),
        count(&|outcome| outcome == Outcome::Failed),
        count(&is_error),
        seconds(cases.iter().map(|case| case.seconds).sum())
    )
}

/// Tells whether no judgement was possible; never passed, and no failure of the promise.
fn is_error(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Error | Outcome::Blocked | Outcome::NotJudged
    )
}

fn suite(text: &mut String, report: &Report, cases: &[Case]) {
    let name = cases.first().map_or("", |case| &case.service);
    let skipped = cases
        .iter()
        .filter(|case| case.outcome == Outcome::NotApplicable);
    let run = report.runs.first();
    let began = run.map_or("", |run| &run.began);
    let _ = writeln!(
        text,
        "  <testsuite name=\"{}\" {} skipped=\"{}\" timestamp=\"{}\" hostname=\"{}\">",
        escaped(name),
        attributes(cases),
        skipped.count(),
        escaped(
            began
                .split('.')
                .next()
                .unwrap_or_default()
                .trim_end_matches('Z')
        ),
        escaped(run.map_or("", |run| &run.host)),
    );
    cases.iter().for_each(|case| testcase(text, case));
    text.push_str("  </testsuite>\n");
}

fn testcase(text: &mut String, case: &Case) {
    let _ = write!(
        text,
        "    <testcase classname=\"{}\" name=\"{}\" time=\"{}\">",
        escaped(&case.service),
        escaped(&case.criterion),
        seconds(case.seconds)
    );
    let element = match case.outcome {
        Outcome::Passed => None,
        Outcome::NotApplicable => Some("skipped"),
        Outcome::Failed => Some("failure"),
        Outcome::Error | Outcome::Blocked | Outcome::NotJudged => Some("error"),
    };
    if let Some(element) = element {
        let explained = case
            .explanation
            .as_ref()
            .map(|one| format!("\n\n{}", one.text));
        let _ = write!(
            text,
            "<{element} type=\"{}\" message=\"{}\">{}{}</{element}>",
            case.outcome.words(),
            escaped(&case.summary),
            escaped(&case.text),
            escaped(&explained.unwrap_or_default()),
        );
    }
    if !case.notes.is_empty() {
        let notes = escaped(&case.notes.join("\n"));
        let _ = write!(text, "<system-out>{notes}</system-out>");
    }
    text.push_str("</testcase>\n");
}

fn seconds(seconds: f64) -> String {
    format!("{seconds:.3}")
}

/// The text as XML 1.0 can hold it; what it has no form for becomes U+FFFD.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(letter),
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(letter),
        }
    }
    escaped
}
