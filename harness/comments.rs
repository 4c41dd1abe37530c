//! The doc comments of the crate, its tests and their services: each begins with a noun or with
//! a verb in the third person. The words that no such comment begins with are the test.

use std::fs;
use std::path::Path;

use walkdir::{DirEntry, WalkDir};

/// Words that begin a question or half a sentence.
const NEVER_FIRST: &[&str] = &[
    "How",
    "If",
    "That",
    "What",
    "Whatever",
    "When",
    "Whenever",
    "Where",
    "Wherever",
    "Whether",
    "Which",
    "Whichever",
    "Who",
    "Whoever",
    "Whose",
    "Why",
];

/// The text of a line that is a doc comment or the beginning of a docstring.
fn documented(line: &str) -> Option<&str> {
    ["///", "//!", "\"\"\""]
        .iter()
        .find_map(|mark| line.trim_start().strip_prefix(mark))
}

/// The lines, from 1, with which doc comments begin as none should.
fn misworded(text: &str) -> Vec<usize> {
    let mut lines = Vec::new();
    let mut goes_on = false;
    for (at, line) in text.lines().enumerate() {
        let text = documented(line);
        let mut words = text.unwrap_or_default().split(|c: char| !c.is_alphabetic());
        let first = words.find(|word| !word.is_empty()).unwrap_or_default();
        if !goes_on && NEVER_FIRST.contains(&first) {
            lines.push(at + 1);
        }
        goes_on = text.is_some();
    }
    lines
}

/// Tells whether a folder may hold code that somebody wrote here.
fn is_ours(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    !name.starts_with('.') && name != "target"
}

#[test]
fn doc_comments_begin_with_a_noun_or_a_verb() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut read = 0;
    let mut found = Vec::new();
    for folder in ["harness", "tests"] {
        let entries = WalkDir::new(root.join(folder)).into_iter();
        for entry in entries.filter_entry(is_ours).flatten() {
            let ending = entry.path().extension().unwrap_or_default();
            if entry.file_type().is_file() && (ending == "rs" || ending == "py") {
                read += 1;
                let text = fs::read(entry.path()).unwrap_or_default();
                let lines = misworded(&String::from_utf8_lossy(&text));
                let file = entry.path().strip_prefix(root).unwrap_or(entry.path());
                found.extend(
                    lines
                        .iter()
                        .map(|line| format!("{}:{line}", file.display())),
                );
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(read > 300, "only {read} files were read");
}

#[test]
fn only_the_beginning_of_a_comment_is_read() {
    assert_eq!(misworded("/// What it is."), [1]);
    assert_eq!(
        misworded("/// A place,\n/// When it has one.\n\n//! Where."),
        [4]
    );
    assert_eq!(misworded("def f():\n    \"\"\"Whether it is.\"\"\""), [2]);
    assert!(misworded("// What follows\nx = \"What\"\n/// Whatsoever.").is_empty());
}
