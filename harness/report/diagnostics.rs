//! Findings laid out with the source they are about.

use std::ops::Range;
use std::path::PathBuf;

use annotate_snippets::{AnnotationKind, Element, Group, Level, Renderer, Snippet};
use pretty_assertions::StrComparison;

use super::{Case, changes, shown};
use crate::criteria::{Finding, Mark, Verdict};
use crate::error::HarnessError;

/// How many lines of details an error shows.
const DETAILS: usize = 30;

/// The text of a red verdict.
pub fn verdict(case: &Case, verdict: &Verdict, renderer: &Renderer) -> String {
    match verdict {
        Verdict::Fail(findings) => {
            let mut texts: Vec<String> = findings
                .iter()
                .map(|found| finding(case, found, renderer))
                .collect();
            texts.push(rerun(case));
            texts.join("\n")
        }
        Verdict::Blocked { by, because } => {
            let title = Level::ERROR
                .with_name("blocked")
                .primary_title(format!("by {by}: {because}"))
                .id(case.criterion.id);
            let text = renderer.render(&[Group::with_title(title)]);
            format!("{text}\n{}", rerun(case))
        }
        Verdict::Pass { .. } | Verdict::NotApplicable { .. } => String::new(),
    }
}

/// The text of an error.
pub fn error(error: &HarnessError, case: Option<&Case>, renderer: &Renderer) -> String {
    let title = Level::ERROR
        .with_name("harness error")
        .primary_title(error.message.clone())
        .id(error.stage.to_string());
    let mut group = Group::with_title(title);
    let shown = error
        .details
        .iter()
        .take(DETAILS)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n");
    if !shown.is_empty() {
        group = group.element(Level::NOTE.message(shown));
    }
    if let Some(help) = &error.help {
        group = group.element(Level::HELP.message(help.clone()));
    }
    let text = renderer.render(&[group]);
    match case {
        Some(case) => format!(
            "{text}\n   = note: this is no verdict on the service: nothing could be judged\n{}",
            rerun(case)
        ),
        None => text,
    }
}

fn rerun(case: &Case) -> String {
    format!("   = rerun: {}", case.rerun())
}

fn finding(case: &Case, finding: &Finding, renderer: &Renderer) -> String {
    let sources = sources(&finding.marks);
    let title = Level::ERROR
        .primary_title(finding.title.clone())
        .id(case.criterion.id);
    let mut group = Group::with_title(title);
    for source in &sources {
        group = group.element(source.element());
    }
    if let Some(comparison) = &finding.comparison {
        let diff = StrComparison::new(&comparison.expected, &comparison.found).to_string();
        let diff = anstream::adapter::strip_str(&diff).to_string();
        let diff = diff
            .trim_end()
            .replace("Diff < left / right > :", "< expected / found >");
        group = group.element(Level::NOTE.message(diff));
    }
    for text in changes::lines(&finding.changed) {
        group = group.element(Level::NOTE.message(text));
    }
    for note in &finding.notes {
        group = group.element(Level::NOTE.message(note.clone()));
    }
    for help in &finding.help {
        group = group.element(Level::HELP.message(help.clone()));
    }
    renderer.render(&[group])
}

/// One file with everything to be shown of it.
struct Source<'a> {
    path: String,
    text: Option<String>,
    marks: Vec<(usize, &'a Mark)>,
}

/// The marks by file, in the order in which files are first named. The first mark
/// of all is the primary one.
fn sources(marks: &[Mark]) -> Vec<Source<'_>> {
    let mut sources: Vec<(PathBuf, Source<'_>)> = Vec::new();
    for (position, mark) in marks.iter().enumerate() {
        let file = &mark.place.file;
        match sources.iter_mut().find(|(known, _)| known == file) {
            Some((_, source)) => source.marks.push((position, mark)),
            None => {
                let text = std::fs::read(file)
                    .ok()
                    .map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                sources.push((
                    file.clone(),
                    Source {
                        path: shown(file),
                        text,
                        marks: vec![(position, mark)],
                    },
                ));
            }
        }
    }
    sources.into_iter().map(|(_, source)| source).collect()
}

impl Source<'_> {
    fn element(&self) -> Element<'_> {
        let Some(text) = self.text.as_deref().filter(|text| !text.is_empty()) else {
            let lines: Vec<String> = self
                .marks
                .iter()
                .map(|(_, mark)| format!("{}:{}: {}", self.path, mark.place.line, mark.label))
                .collect();
            return Level::NOTE.message(lines.join("\n")).into();
        };
        let annotations = self.marks.iter().map(|(position, mark)| {
            let kind = if *position == 0 {
                AnnotationKind::Primary
            } else {
                AnnotationKind::Context
            };
            kind.span(span(text, mark)).label(mark.label.clone())
        });
        Snippet::source(text)
            .path(self.path.clone())
            .annotations(annotations)
            .into()
    }
}

/// The bytes to underline: what the mark is about, if it names it, else the first
/// line of its place.
fn span(text: &str, mark: &Mark) -> Range<usize> {
    let place = &mark.place;
    let (start, line) = line_of(text, place.line);
    let last = place.end_line.unwrap_or(place.line).max(place.line);
    if let Some(about) = &mark.about {
        let end = last.min(u32::try_from(text.lines().count()).unwrap_or(u32::MAX));
        for number in place.line..=end {
            let (start, line) = line_of(text, number);
            if let Some(found) = line.find(about.as_str()) {
                return start + found..start + found + about.len();
            }
        }
    }
    let indent = line.len() - line.trim_start().len();
    let from = place
        .column
        .map_or(indent, |column| column as usize - 1)
        .min(line.len());
    let to = match place.end_column {
        Some(column) if last == place.line => column as usize - 1,
        _ => line.trim_end().len(),
    };
    let (from, to) = (boundary(line, from), boundary(line, to.min(line.len())));
    start + from..start + to.max(from)
}

/// Where a line (from 1) starts, and its text without the line's end.
fn line_of(text: &str, number: u32) -> (usize, &str) {
    let mut start = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if index + 1 == number as usize {
            return (start, line.trim_end_matches(['\n', '\r']));
        }
        start += line.len();
    }
    (text.len(), "")
}

/// The nearest boundary of a character at or before a byte.
fn boundary(line: &str, byte: usize) -> usize {
    (0..=byte.min(line.len()))
        .rev()
        .find(|at| line.is_char_boundary(*at))
        .unwrap_or(0)
}
