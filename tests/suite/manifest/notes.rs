//! The convention of the notes.

use pretty_assertions::assert_eq;

use super::*;

const NOTES: &str = r#"
files = ["README.md"]
[[topic]]
id = "enums"
title = "creating enums"
words = ["create_type", ["enum", "once"]]
paragraph = "Create an enum once."
"#;

fn with_notes(notes: &str) -> Result<Service, String> {
    let (_directory, manifest, file) = written(DEFAULTS, SERVICE);
    let conventions = manifest.directory.join("conventions");
    std::fs::create_dir(&conventions).unwrap();
    std::fs::write(conventions.join("notes.toml"), notes).unwrap();
    let service = manifest.service(&file, &criteria::ids());
    service.map_err(|error| error.to_string())
}

#[test]
fn notes_are_a_convention_where_there_is_a_file() {
    assert_eq!(read(DEFAULTS, SERVICE).unwrap().notes, None);
    let notes = with_notes(NOTES).unwrap().notes.unwrap();
    assert_eq!(notes.files, [PathBuf::from("README.md")]);
    let words: Vec<&[String]> = notes.topics[0]
        .words
        .iter()
        .map(|words| &*words.0)
        .collect();
    assert_eq!(
        words,
        [
            &["create_type".to_owned()][..],
            &["enum".to_owned(), "once".to_owned()][..]
        ]
    );
}

#[rstest]
#[case::no_files("[\"README.md\"]", "[]", "`files` is empty")]
#[case::leaves(
    "\"README.md\"",
    "\"../README.md\"",
    "\"../README.md\", which leaves the service"
)]
#[case::absolute("\"README.md\"", "\"/README.md\"", "which leaves the service")]
#[case::never_shown(
    "words =",
    "headings = [] #",
    "topic \"enums\": neither `headings` nor `words`"
)]
#[case::always_shown(
    "\"create_type\"",
    "\"\"",
    "topic \"enums\": `words` holds an empty list"
)]
#[case::all_of_none(
    "\"create_type\"",
    "[]",
    "topic \"enums\": `words` holds an empty list"
)]
#[case::always_headed(
    "words =",
    "headings = [\"#\"] #",
    "topic \"enums\": `headings` holds one"
)]
#[case::nothing_to_paste("Create an enum once.", " ", "`title` and `paragraph` need text")]
#[case::key("words", "word", "unknown field `word`")]
fn wrong_notes_are_named(#[case] from: &str, #[case] to: &str, #[case] says: &str) {
    let error = with_notes(&NOTES.replace(from, to)).unwrap_err();
    assert!(
        error.contains("conventions/notes.toml") && error.contains(says),
        "{error}"
    );
}
