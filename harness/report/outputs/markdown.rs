//! Markdown for the summary of a job: what is red first, as far as there is room.

use std::fmt::Write;

use crate::report::data::{Case, Outcome, Report};

/// The bytes that GitHub takes of one step are 1,048,576: more, and it shows nothing.
pub(super) const LIMIT: usize = 1_048_000;
/// The bytes kept free for the sentence that says what was left out.
const REST: usize = 200;

/// The report in at most `room` bytes.
pub(super) fn text(report: &Report, room: usize) -> String {
    let room = room.saturating_sub(REST);
    let mut text = String::new();
    let mut left_out = 0;
    for section in sections(report) {
        if text.len() + section.len() <= room {
            text.push_str(&section);
        } else {
            left_out += 1;
        }
    }
    if left_out > 0 && room > 0 {
        let _ = writeln!(
            text,
            "\n{left_out} more do not fit in here; the report has them."
        );
    }
    text
}

/// The sections, the one that matters most first.
fn sections(report: &Report) -> Vec<String> {
    let of = |outcome: Outcome| {
        report
            .cases
            .iter()
            .filter(move |case| case.outcome == outcome)
    };
    let mut sections = vec![headline(report)];
    sections.extend(of(Outcome::Failed).map(detailed));
    let errors = of(Outcome::Error).filter(|case| report.reported_before(case).is_none());
    sections.extend(errors.map(detailed));
    let (explained, blocked): (Vec<_>, Vec<_>) =
        of(Outcome::Blocked).partition(|case| case.explanation.is_some());
    sections.extend(explained.into_iter().map(detailed));
    sections.extend(list("Blocked", &blocked));
    sections.extend(list(
        "Not judged",
        &of(Outcome::NotJudged).collect::<Vec<_>>(),
    ));
    if !report.absent.is_empty() {
        let count = report.absent.len();
        sections.push(format!(
            "\n{} of the manifest's cases {} not selected.\n",
            count,
            if count == 1 { "was" } else { "were" }
        ));
    }
    sections.extend(list(
        "Not applicable",
        &of(Outcome::NotApplicable).collect::<Vec<_>>(),
    ));
    sections
}

fn headline(report: &Report) -> String {
    let counts = report.counts();
    let counted: Vec<String> = counts
        .iter()
        .map(|(outcome, count)| format!("{count} {}", outcome.words()))
        .collect();
    let cases = report.cases.len();
    let plural = if cases == 1 { "" } else { "s" };
    format!(
        "## Migrations: {cases} case{plural}, {}\n",
        counted.join(", ")
    )
}

/// A red case with its text, folded up below its first finding.
fn detailed(case: &Case) -> String {
    let explanation = case
        .explanation
        .as_ref()
        .map(|one| format!("\n\n{}", one.text));
    let text = format!("{}{}", case.text, explanation.unwrap_or_default());
    let fence = fence(&text);
    format!(
        "\n<details><summary><b>{}</b>: {}: {}</summary>\n\n{fence}text\n{}\n{fence}\n\n</details>\n",
        in_html(&case.name()),
        case.outcome.words(),
        in_html(&case.summary),
        text.trim_end()
    )
}

/// Cases in a line each, folded up.
fn list(title: &str, cases: &[&Case]) -> Option<String> {
    let lines = cases
        .iter()
        .map(|case| format!("- {}: {}\n", in_html(&case.name()), in_html(&case.summary)));
    let lines: String = lines.collect();
    let count = cases.len();
    (count > 0)
        .then(|| format!("\n<details><summary>{title}: {count}</summary>\n\n{lines}\n</details>\n"))
}

/// A fence that is longer than any in the text.
fn fence(text: &str) -> String {
    let mut longest = 2;
    let mut run = 0;
    for letter in text.chars() {
        run = if letter == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    "`".repeat(longest + 1)
}

/// One line in which nothing is Markdown or HTML.
fn in_html(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '\n' | '\r' => safe.push(' '),
            '`' | '*' | '_' | '[' | ']' | '\\' | '#' | '~' | '|' | '@' => {
                let _ = write!(safe, "&#{};", u32::from(letter));
            }
            _ => safe.push(letter),
        }
    }
    safe
}
