//! From text back to objects: [`read`] and [`Block`].

use std::collections::BTreeMap;

use super::kinds::SectionKind;
use super::lines::{Line, lines};
use super::unreadable::Unreadable;

/// One object of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The kind.
    pub kind: SectionKind,
    /// Its name, as the header has it.
    pub name: String,
    /// The line of the header, from 1.
    pub line: u32,
    /// Its statements, as they stand there.
    pub sql: String,
    /// The same, line by line.
    pub parts: Vec<Part>,
}

/// A line of an object, without what only separates it from the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The part of the object that it describes.
    pub key: Key,
    /// Its text.
    pub text: String,
    /// Its line, from 1.
    pub line: u32,
}

/// The identity of a line, by which two texts are compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A column of a table or composite type, by its name.
    Column(String),
    /// A constraint of a table, by its name.
    Constraint(String),
    /// A label of an enum type.
    Label(String),
    /// Nothing but its text and place.
    Line,
}

impl Block {
    /// The object in words: `table public.essays`.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{} {}", self.kind.name(), self.name)
    }
}

/// Takes a text apart.
///
/// # Errors
/// The first thing in it that [`super::text`] does not write.
pub fn read(text: &str) -> Result<Vec<Block>, Unreadable> {
    let text = text.replace("\r\n", "\n");
    conflict(&text)?;
    let mut blocks: Vec<Block> = Vec::new();
    let mut after_blank = false;
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for line in lines(&text)? {
        match header(line, after_blank)? {
            Some(block) => {
                if let Some(first) = seen.insert(block.title(), block.line) {
                    let problem =
                        format!("{} is there twice, first in line {first}", block.title());
                    return Err(Unreadable::new(line.number, problem));
                }
                blocks.push(block);
            }
            None => match blocks.last_mut() {
                Some(block) => block.parts.push(Part {
                    key: Key::Line,
                    text: line.text.to_owned(),
                    line: line.number,
                }),
                None => preamble(line)?,
            },
        }
        after_blank = line.text.trim().is_empty();
    }
    for block in &mut blocks {
        block.finish()?;
    }
    Ok(blocks)
}

/// Finds the markers that git leaves where two branches changed the same lines.
fn conflict(text: &str) -> Result<(), Unreadable> {
    let marker = |line: &str| {
        ["<<<<<<< ", ">>>>>>> ", "||||||| "]
            .iter()
            .any(|mark| line.starts_with(mark))
            || line == "======="
    };
    match (1..).zip(text.lines()).find(|(_, line)| marker(line)) {
        Some((line, found)) => Err(Unreadable {
            line,
            problem: format!("an unresolved merge conflict: `{found}`"),
            is_conflict: true,
        }),
        None => Ok(()),
    }
}

/// The object that a line announces; `None` for a line that announces none.
fn header(line: Line<'_>, after_blank: bool) -> Result<Option<Block>, Unreadable> {
    let Some(text) = line.text.strip_prefix("-- ").filter(|_| after_blank) else {
        return Ok(None);
    };
    match SectionKind::strip(text) {
        Some((kind, name)) => Ok(Some(Block {
            kind,
            name: name.to_owned(),
            line: line.number,
            sql: String::new(),
            parts: Vec::new(),
        })),
        None => Err(Unreadable::new(
            line.number,
            format!(
                "`{}` announces no object: it should be `-- <kind> <name>`",
                line.text
            ),
        )),
    }
}

/// Before the first object there are comments and settings only.
fn preamble(line: Line<'_>) -> Result<(), Unreadable> {
    let text = line.text.trim();
    if text.is_empty() || text.starts_with("--") || text.starts_with("SET ") {
        return Ok(());
    }
    Err(Unreadable::new(
        line.number,
        format!("`{}` belongs to no object", first_words(text)),
    ))
}

fn first_words(text: &str) -> String {
    let mut words: String = text
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(40)
        .collect();
    if words.len() < text.len() {
        words.push_str("...");
    }
    words
}

impl Block {
    /// Drops what only separates objects, and finds out what each line is about.
    fn finish(&mut self) -> Result<(), Unreadable> {
        while self
            .parts
            .last()
            .is_some_and(|part| part.text.trim().is_empty())
        {
            self.parts.pop();
        }
        if self.parts.is_empty() {
            return Err(Unreadable::new(
                self.line,
                format!("there is nothing below `-- {}`", self.title()),
            ));
        }
        self.sql = self
            .parts
            .iter()
            .map(|part| part.text.as_str())
            .collect::<Vec<_>>()
            .join("\n");
        let keyed: fn(&str) -> Key = match self.kind {
            SectionKind::Table | SectionKind::ForeignTable => table_key,
            SectionKind::EnumType => |text| Key::Label(text.to_owned()),
            _ => return Ok(()),
        };
        for part in &mut self.parts {
            if let Some(inner) = part.text.strip_prefix("    ") {
                let inner = inner.strip_suffix(',').unwrap_or(inner);
                part.key = keyed(inner);
                part.text = inner.to_owned();
            }
        }
        Ok(())
    }
}

/// The key of a line within `CREATE TABLE (...)`.
fn table_key(text: &str) -> Key {
    match text.strip_prefix("CONSTRAINT ") {
        Some(rest) => Key::Constraint(split_name(rest).0.to_owned()),
        None => Key::Column(split_name(text).0.to_owned()),
    }
}

/// A name, quoted or not, and what follows it.
pub fn split_name(text: &str) -> (&str, &str) {
    let end = match text.strip_prefix('"') {
        Some(quoted) => {
            let mut letters = quoted.char_indices().peekable();
            let mut end = text.len();
            while let Some((at, letter)) = letters.next() {
                if letter == '"' && letters.next_if(|(_, next)| *next == '"').is_none() {
                    end = at + 2;
                    break;
                }
            }
            end
        }
        None => text.find(' ').unwrap_or(text.len()),
    };
    (&text[..end], text[end..].trim_start())
}
