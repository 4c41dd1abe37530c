//! Findings laid out with the source they are about.
//!
//! One finding takes less than [`LINES`] lines, whatever Python or PostgreSQL printed:
//! long texts are cut, and say so.

use std::ops::Range;
use std::path::PathBuf;

use annotate_snippets::{AnnotationKind, Element, Group, Level, Renderer, Snippet};

use super::{Case, changes, diff, documentation, shown};
use crate::criteria::{Finding, Help, Mark, Verdict};
use crate::error::HarnessError;
use crate::postgres::Kept;

/// A finding's lines, the one with `rerun` included.
const LINES: usize = 36;
/// A text that is cut keeps this many lines.
const KEPT: usize = 4;
/// The number of places that one finding shows in their files.
const MARKS: usize = 6;
/// Letters of one line.
const LETTERS: usize = 400;

/// The text of a red verdict.
pub fn verdict(case: &Case, verdict: &Verdict, renderer: &Renderer) -> String {
    let text = match verdict {
        Verdict::Fail(found) => findings(case, found, renderer),
        Verdict::Blocked { by, because } => {
            let title = Level::ERROR
                .with_name("blocked")
                .primary_title(local(&format!("by {by}: {because}")))
                .id(case.criterion.id);
            renderer.render(&[Group::with_title(title)])
        }
        Verdict::Pass { .. } | Verdict::NotApplicable { .. } => return String::new(),
    };
    let mut lines = last_lines(case, &text);
    if let Verdict::Fail(_) = verdict {
        lines.insert(0, about(case));
    }
    with_last_lines(text, &lines)
}

/// The line that names the page about a finding's criterion.
fn about(case: &Case) -> String {
    format!("about: {}", documentation::page_of(case.criterion.id))
}

fn findings(case: &Case, findings: &[Finding], renderer: &Renderer) -> String {
    let texts = findings.iter().map(|found| finding(case, found, renderer));
    texts.collect::<Vec<_>>().join("\n\n")
}

/// The findings of what blocks a case, where no other case reports them.
pub fn explanation(case: &Case, renderer: &Renderer) -> Option<String> {
    let explanation = case.explanation.as_ref()?;
    let reporter = case.reporter()?;
    let text = findings(&reporter, &explanation.findings, renderer);
    let rerun = (!explanation.declared).then(|| format!("rerun: {}", reporter.rerun()));
    let lines: Vec<String> = [about(&reporter)].into_iter().chain(rerun).collect();
    Some(with_last_lines(text, &lines))
}

/// A text whose explanation was printed with the case of this name.
pub fn explained_before(text: String, name: &str) -> String {
    with_last_lines(
        text,
        &[format!("note: what that is about is said for {name}")],
    )
}

/// The text of an error that was said of another case.
pub fn repeated(error: &HarnessError, before: &str, case: &Case, renderer: &Renderer) -> String {
    let same = HarnessError::new(error.stage, format!("the same as for {before}"));
    let text = self::error(&same, None, renderer);
    with_last_lines(text, &[format!("rerun: {}", case.rerun())])
}

/// The text of an error.
pub fn error(error: &HarnessError, case: Option<&Case>, renderer: &Renderer) -> String {
    let id = error.stage.to_string();
    let title = || {
        Level::ERROR
            .with_name("harness error")
            .primary_title(local(&error.message))
            .id(id.clone())
    };
    let mut messages = Vec::new();
    if !error.details.is_empty() {
        messages.push((Level::NOTE, local(&error.details.join("\n"))));
    }
    messages.extend(error.help.iter().map(|help| (Level::HELP, local(help))));
    let text = fitted(messages, |messages| {
        let group = Group::with_title(title()).elements(as_elements(messages));
        renderer.render(&[group])
    });
    match case {
        Some(case) => {
            let note =
                "note: this is no verdict on the service: nothing could be judged".to_owned();
            let lines = last_lines(case, &text);
            let lines: Vec<String> = std::iter::once(note).chain(lines).collect();
            with_last_lines(text, &lines)
        }
        None => text,
    }
}

/// The lines that end the text of every red case.
fn last_lines(case: &Case, text: &str) -> Vec<String> {
    const PRINTED: &str = "everything Python printed: ";
    let said = text.contains(PRINTED);
    let printed = case.printed.iter().filter(|_| !said);
    let printed = printed.map(|file| format!("note: {PRINTED}{}", shown(file)));
    let rerun = format!("rerun: {}", case.rerun());
    let fix = case.fix.iter().map(|command| format!("fix: {command}"));
    printed
        .chain(case.looks().flat_map(look))
        .chain(fix)
        .chain([rerun])
        .collect()
}

/// The lines that say how a server that was left running is opened and removed.
fn look((kept, open): (&Kept, &str)) -> [String; 3] {
    let labels: Vec<&str> = kept.open.iter().map(|one| one.label.as_str()).collect();
    [
        format!("server: {} (databases: {})", kept.about, labels.join(", ")),
        format!("open: {open}"),
        format!("remove: {}", kept.remove),
    ]
}

fn finding(case: &Case, finding: &Finding, renderer: &Renderer) -> String {
    let marks = &finding.marks[..finding.marks.len().min(MARKS)];
    let sources = sources(marks);
    let mut messages = Vec::new();
    messages.extend(
        finding
            .comparison
            .iter()
            .map(|comparison| (Level::NOTE, diff::aligned(comparison))),
    );
    messages.extend(
        changes::lines(&finding.changed)
            .into_iter()
            .map(|text| (Level::NOTE, text)),
    );
    messages.extend(finding.notes.iter().map(|note| (Level::NOTE, local(note))));
    let help = |help: &Help| local(&help.line(&case.accept()));
    messages.extend(finding.help.iter().map(|one| (Level::HELP, help(one))));
    fitted(messages, |messages| {
        let title = Level::ERROR
            .primary_title(local(&finding.title))
            .id(case.criterion.id);
        let group = Group::with_title(title).elements(sources.iter().map(Source::element));
        renderer.render(&[group.elements(as_elements(messages))])
    })
}

type Message = (Level<'static>, String);

fn as_elements(messages: &[Message]) -> impl Iterator<Item = Element<'_>> {
    messages
        .iter()
        .map(|(level, text)| level.clone().message(text.as_str()).into())
}

/// Renders, with less and less of the messages, until it is short enough: first long
/// texts are cut, then notes left out, never help.
fn fitted(mut messages: Vec<Message>, render: impl Fn(&[Message]) -> String) -> String {
    let mut left_out = 0;
    loop {
        let mut shown = messages.clone();
        let helps = shown.iter().filter(|message| message.0 == Level::HELP);
        let notes = shown.len() - helps.count();
        if left_out > 0 {
            shown.insert(notes, (Level::NOTE, format!("and {left_out} more")));
        }
        let text = render(&shown);
        let excess = text.lines().count().saturating_sub(LINES - 2);
        let longest = messages
            .iter_mut()
            .max_by_key(|message| message.1.lines().count());
        match longest {
            _ if excess == 0 => return text,
            Some((_, long)) if long.lines().count() > KEPT + 1 => cut(long, excess),
            _ if notes == 0 => return text,
            _ => {
                messages.remove(notes - 1);
                left_out += 1;
            }
        }
    }
}

/// Takes at least `excess` lines out of a text's end, as far as it goes.
fn cut(text: &mut String, excess: usize) {
    let lines: Vec<&str> = text.lines().collect();
    let kept = lines.len().saturating_sub(excess + 1).max(KEPT);
    let more = lines.len() - kept;
    *text = format!("{}\n... {more} more lines", lines[..kept].join("\n"));
}

/// A text without trailing space, with paths as short as they can be read, and no
/// line longer than anyone would read.
pub(super) fn local(text: &str) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let here = format!("{}/", here.display());
    let text = if here.len() > 1 {
        text.replace(&here, "")
    } else {
        text.to_owned()
    };
    let lines = text.trim_end().lines().map(|line| {
        let mut letters = line.trim_end().chars();
        let start: String = letters.by_ref().take(LETTERS).collect();
        match letters.count() {
            0 => start,
            more => format!("{start} ... ({more} more characters)"),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Appends lines that look like the notes above them.
fn with_last_lines(text: String, lines: &[String]) -> String {
    let plain = anstream::adapter::strip_str(&text).to_string();
    let mut notes = plain
        .lines()
        .filter(|line| line.trim_start().starts_with("= "));
    let indent = notes
        .next_back()
        .map_or(3, |line| line.len() - line.trim_start().len());
    lines
        .iter()
        .fold(text, |text, line| format!("{text}\n{:indent$}= {line}", ""))
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

/// The offset of a line (from 1), and its text without the line's end.
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
