//! The files that git's objects of a commit do not hold: [`missing`].

use std::fs;
use std::path::Path;

use walkdir::WalkDir;

/// The beginning of what Git LFS commits in the place of a file
/// (<https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>).
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";
/// So many bytes a pointer has at the most.
const POINTER_BYTES: u64 = 1024;
/// So many files are named.
const NAMED: usize = 3;

/// Says which directories of a tree are submodules, which are empty there as nothing else in git
/// is, and which files are pointers.
pub(super) fn missing(tree: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in WalkDir::new(tree).sort_by_file_name() {
        let Ok(entry) = entry else { continue };
        let name = entry.path().strip_prefix(tree).unwrap_or(entry.path());
        let said = match entry.file_type() {
            kind if kind.is_dir() && is_empty(entry.path()) => {
                "a submodule, whose files are not there"
            }
            kind if kind.is_file() && is_pointer(entry.path()) => {
                "a pointer of Git LFS, whose contents are not there"
            }
            _ => continue,
        };
        found.push(format!("{} of it is {said}", name.display()));
        if found.len() == NAMED {
            break;
        }
    }
    found
}

fn is_empty(directory: &Path) -> bool {
    fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_none())
}

fn is_pointer(file: &Path) -> bool {
    let is_short = fs::metadata(file).is_ok_and(|about| about.len() <= POINTER_BYTES);
    is_short && fs::read(file).is_ok_and(|text| text.starts_with(POINTER))
}
