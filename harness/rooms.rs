//! The rooms of the crate in the order of their floors: none imports one above it.

mod circles;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use walkdir::WalkDir;

/// From the ground up; rooms in one line may not import each other either.
const FLOORS: &[&[&str]] = &[
    &[
        "error",
        "files",
        "named",
        "installed",
        "invocation",
        "quoting",
        "text",
    ],
    &["git", "patch", "process", "planting"],
    &["postgres"],
    &["manifest"],
    &["alembic"],
    &["evidence"],
    &["gather", "schema"],
    &["criteria", "discover"],
    &["report"],
    &["run"],
];

/// Files that only tests compile.
fn is_for_tests(file: &Path) -> bool {
    let name = |part: &std::ffi::OsStr| part == "tests" || part == "tests.rs";
    let is_sample = file.starts_with("testing") || file.ends_with("testing.rs");
    is_sample || file.starts_with("rooms") || file.iter().any(name)
}

/// The rooms that a text imports.
fn imports(text: &str) -> Vec<String> {
    let code = text.split("\nmod tests {").next();
    let lines = code.unwrap_or_default().lines();
    let code = lines.filter(|line| !line.trim_start().starts_with("//"));
    let words = |line: &str| -> Vec<String> {
        let parts = line.split("crate::").skip(1);
        let names = parts.map(|rest| {
            let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
            rest[..end.unwrap_or(rest.len())].to_owned()
        });
        names.collect()
    };
    code.flat_map(words).collect()
}

#[test]
fn no_room_imports_one_above_it_or_beside_it() {
    let floors = FLOORS.iter().enumerate();
    let floor: BTreeMap<&str, usize> = floors
        .flat_map(|(floor, rooms)| rooms.iter().map(move |room| (*room, floor)))
        .collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("harness");
    let mut read = 0;
    for entry in WalkDir::new(&root).into_iter().flatten() {
        let file = entry.path().strip_prefix(&root).unwrap_or(entry.path());
        let room = file.iter().next().unwrap_or_default().to_string_lossy();
        let room = room.trim_end_matches(".rs");
        let is_source = file.extension().is_some_and(|ending| ending == "rs");
        let Some(own) = floor.get(room).filter(|_| is_source && !is_for_tests(file)) else {
            continue;
        };
        read += 1;
        for other in imports(&fs::read_to_string(entry.path()).unwrap_or_default()) {
            let Some(floor) = floor.get(other.as_str()) else {
                panic!("{}: crate::{other} has no floor", file.display());
            };
            let is_below = floor < own || other == room;
            assert!(is_below, "{} imports {other}", file.display());
        }
    }
    assert!(read > 150, "only {read} files were read");
}
