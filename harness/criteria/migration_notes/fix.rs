//! The notes that are missing, as the convention words them.

use super::{CRITERION, Document, place, without_comments};
use crate::criteria::proposal::{Act, Fix, Proposal, PublishedIds};
use crate::evidence::notes::Content;
use crate::evidence::{Evidence, NotesFile};
use crate::manifest::{Service, Topic};
use crate::patch::{Edit, Patch};

/// Proposes all paragraphs that are missing, at the end of the file that has the others.
pub fn propose(service: &Service, evidence: &Evidence, _: &PublishedIds) -> Vec<Proposal> {
    let (Some(convention), Some(files)) = (&service.notes, &evidence.notes) else {
        return Vec::new();
    };
    let documents: Vec<Document<'_>> = files.iter().filter_map(Document::read).collect();
    let shows = |topic: &&Topic| documents.iter().any(|document| document.shows(topic));
    let missing: Vec<&Topic> = convention
        .topics
        .iter()
        .filter(|topic| !shows(topic))
        .collect();
    let place = place(convention, &documents);
    let file = files
        .iter()
        .find(|file| place.is_none_or(|place| file.path == place));
    let (Some(file), false) = (file, missing.is_empty()) else {
        return Vec::new();
    };
    if let Content::Unreadable(problem) = &file.content {
        let why = format!("{} cannot be read: {problem}", service.shown(&file.path));
        return vec![Proposal::refused(&CRITERION, why)];
    }
    let titles: Vec<&str> = missing.iter().map(|topic| topic.title.as_str()).collect();
    let what = format!(
        "{} says something on {}",
        service.shown(&file.path),
        titles.join(" and ")
    );
    let edits = missing.iter().map(|topic| edit(file, topic)).collect();
    let act = Act::Edit(Patch::default().edit(&file.path, edits));
    vec![Proposal::Fix(Fix::new(&CRITERION, what, act))]
}

/// The paragraph at the end, or below the heading that has nothing below it.
fn edit(file: &NotesFile, topic: &Topic) -> Edit {
    let text = match &file.content {
        Content::Text(text) => text.as_str(),
        _ => "",
    };
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let paragraph = topic.paragraph.trim();
    let written = |paragraph: &str| paragraph.lines().collect::<Vec<_>>().join(end);
    if let Some(at) = empty_heading(file, topic) {
        let below = paragraph
            .lines()
            .next()
            .filter(|line| line.starts_with('#'));
        let below = paragraph[below.map_or(0, str::len)..].trim_start();
        return Edit {
            at: at..at,
            text: format!("{end}{}{end}", written(below)),
        };
    }
    let gap = match text {
        "" => String::new(),
        _ if text.ends_with('\n') => end.to_owned(),
        _ => end.repeat(2),
    };
    Edit {
        at: text.len()..text.len(),
        text: format!("{gap}{}{end}", written(paragraph)),
    }
}

/// The end of the line with a heading on the topic that has no text below it.
fn empty_heading(file: &NotesFile, topic: &Topic) -> Option<usize> {
    let document = Document::read(file)?;
    let Content::Text(text) = &file.content else {
        return None;
    };
    let mut headings = document.headings.iter();
    let heading = headings.find(|heading| heading.is_on(topic) && !heading.has_text)?;
    let line = usize::try_from(heading.line).ok()?;
    let is_commented = without_comments(text).lines().count() != text.lines().count();
    let before = text.split_inclusive('\n').take(line).map(str::len).sum();
    let is_whole = text.get(..before)?.ends_with('\n');
    (is_whole && !is_commented).then_some(before)
}
