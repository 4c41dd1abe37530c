//! Files that are taken from directories, as Alembic takes them.

use super::*;

/// A version location below `dir`.
fn location(dir: &TempDir, recursive: bool) -> ScriptLocation {
    ScriptLocation {
        directory: dir.path().to_owned(),
        versions: vec![dir.path().join("versions"), dir.path().join("missing")],
        recursive,
        config_file: dir.path().join("alembic.ini"),
    }
}

fn with_files(names: &[&str]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for name in names {
        let file = dir.path().join("versions").join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "revision = 'r'\ndown_revision = None\n").unwrap();
    }
    dir
}

/// The files read, relative to the version location.
fn names(dir: &TempDir, recursive: bool) -> Vec<String> {
    let versions = dir.path().join("versions");
    let files = read_all(&location(dir, recursive)).unwrap();
    files
        .iter()
        .map(|f| {
            f.file()
                .strip_prefix(&versions)
                .unwrap()
                .display()
                .to_string()
        })
        .collect()
}

#[test]
fn takes_the_files_that_alembic_takes() {
    let dir = with_files(&[
        "b.py",
        "a.py",
        ".hidden.py",
        ".#a.py",
        "__init__.py",
        "__init__old.py",
        "c.pyc",
        "d.PY",
        "e.pyi",
        "readme",
        "__pycache__/f.py",
        "directory.py/g.py",
        "sub/h.py",
    ]);
    assert_eq!(names(&dir, false), [".hidden.py", "a.py", "b.py"]);
    let recursive = [
        ".hidden.py",
        "a.py",
        "b.py",
        "directory.py/g.py",
        "sub/h.py",
    ];
    assert_eq!(names(&dir, true), recursive);
}

#[test]
fn no_version_location_is_no_revision() {
    let dir = TempDir::new().unwrap();
    assert_eq!(read_all(&location(&dir, false)).unwrap(), []);
}

#[test]
fn a_location_that_is_no_directory_is_an_error() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("versions"), "").unwrap();
    let error = read_all(&location(&dir, false)).unwrap_err();
    assert!(error.message.contains("cannot be listed"), "{error:?}");
}

#[cfg(unix)]
#[test]
fn follows_links_to_files_once_and_to_directories_never() {
    use std::os::unix::fs::symlink;

    let dir = with_files(&["a.py", "sub/b.py"]);
    let versions = dir.path().join("versions");
    fs::write(
        dir.path().join("outside.py"),
        "revision = 'o'\ndown_revision = None\n",
    )
    .unwrap();
    symlink("a.py", versions.join("again.py")).unwrap();
    symlink("../outside.py", versions.join("outside.py")).unwrap();
    symlink("loop.py", versions.join("loop.py")).unwrap();
    symlink("nowhere.py", versions.join("nothing.py")).unwrap();
    symlink("..", versions.join("sub/up")).unwrap();

    let files = read_all(&location(&dir, true)).unwrap();
    let shown: Vec<String> = files
        .iter()
        .map(|file| {
            let name = file.file().file_name().unwrap().to_string_lossy();
            let problem = match file {
                RevisionFile::Unreadable { problem, .. } => problem.as_str(),
                _ => "",
            };
            format!("{name} {problem}").trim().to_owned()
        })
        .collect();
    assert_eq!(shown.len(), 5, "{shown:?}");
    assert_eq!(shown[0], "a.py");
    assert!(
        shown[1].starts_with("loop.py it cannot be read"),
        "{shown:?}"
    );
    assert_eq!(
        shown[2],
        "nothing.py a symbolic link to a file that does not exist"
    );
    assert_eq!(shown[3..], ["outside.py", "b.py"]);
}

#[test]
fn takes_no_directory_for_a_file_and_waits_for_no_pipe() {
    let dir = with_files(&["a.py"]);
    let versions = dir.path().join("versions");
    fs::create_dir(versions.join("x.py")).unwrap();
    std::os::unix::fs::symlink("x.py", versions.join("y.py")).unwrap();
    let pipe = versions.join("z.py");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    assert_eq!(names(&dir, true), ["a.py", "z.py"]);
    let files = read_all(&location(&dir, false)).unwrap();
    assert!(
        matches!(&files[1], RevisionFile::Unreadable { problem, .. } if problem.contains("regular"))
    );
}

#[test]
fn a_file_that_vanishes_once_it_was_listed_says_so() {
    let dir = with_files(&["a.py"]);
    let versions = dir.path().join("versions");
    let open = fs::File::open(&versions).unwrap();
    for directory in [None, Some(Arc::new(open.into()))] {
        let file = versions.join("gone.py");
        assert!(matches!(
            crate::revision_file::ListedFile { file, directory }.read(),
            RevisionFile::Unreadable { problem, .. } if problem.contains("gone when it was to be read")
        ));
    }
}

#[test]
fn reads_many_files_in_order() {
    let names_of: Vec<String> = (0..10_000).map(|n| format!("{n:05}.py")).collect();
    let dir = with_files(&names_of.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(names(&dir, false), names_of);
}
