//! Tables of configurations and what Alembic makes of them.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;

use rstest::rstest;
use tempfile::TempDir;

use super::{ScriptLocation, Static, is_flask_migrate, locate, split_as_before_separators};
use crate::error::Error;

/// A service directory with `alembic/`, `lib/` and the given configuration files.
fn service(files: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for sub in ["alembic/versions", "lib", "conf"] {
        fs::create_dir_all(dir.path().join(sub)).unwrap();
    }
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

fn found(dir: &Path) -> Result<Static<ScriptLocation>, Error> {
    locate(dir, "alembic.ini", "alembic")
}

fn known(dir: &Path) -> ScriptLocation {
    match found(dir) {
        Ok(Static::Known(location)) => location,
        other => panic!("{other:?}"),
    }
}

/// The version locations, relative to the service's directory.
fn versions(dir: &Path) -> Vec<String> {
    let relative = |p: &std::path::PathBuf| match p.strip_prefix(dir) {
        Ok(rest) => rest.display().to_string(),
        Err(_) => p.display().to_string(),
    };
    known(dir).versions.iter().map(relative).collect()
}

#[rstest]
#[case::default("", &["alembic/versions"])]
#[case::empty("version_locations =", &["alembic/versions"])]
#[case::legacy_spaces("version_locations = a  b", &["a", "b"])]
#[case::legacy_commas("version_locations = a, b,c", &["a", "b", "c"])]
#[case::here("version_locations = %(here)s/alembic/versions", &["alembic/versions"])]
#[case::os("version_locations = a:b\nversion_path_separator = os", &["a", "b"])]
#[case::colon("version_locations = a : b\npath_separator = :", &["a", "b"])]
#[case::semicolon("version_locations = a;b\npath_separator = ;", &["a", "b"])]
#[case::space("version_locations = a  b\npath_separator = space", &["a", "b"])]
#[case::newline("version_locations =\n  a\n  b c\npath_separator = newline", &["a", "b c"])]
#[case::newer_name_wins(
    "version_locations = a:b c\nversion_path_separator = space\npath_separator = :",
    &["a", "b c"]
)]
#[case::other_key("root = x\nversion_locations = %(root)s/a %(ROOT)s/b", &["x/a", "x/b"])]
#[case::outside("version_locations = ../shared/./versions", &["/shared/versions"])]
fn version_locations(#[case] lines: &str, #[case] expected: &[&str]) {
    let ini = format!("[alembic]\nscript_location = alembic\n{lines}\n");
    let dir = service(&[("alembic.ini", &ini)]);
    let parent = dir.path().parent().unwrap().display().to_string();
    let absolute = |path: &&str| match path.starts_with('/') {
        true => format!("{parent}{path}"),
        false => (*path).to_owned(),
    };
    let expected: Vec<String> = expected.iter().map(absolute).collect();
    assert_eq!(versions(dir.path()), expected);
}

#[rstest]
#[case("a , b", &["a", "", "b"])]
#[case("a,b", &["a", "b"])]
#[case("", &[""])]
fn legacy_splitting_leaves_empty_pieces(#[case] value: &str, #[case] expected: &[&str]) {
    assert_eq!(split_as_before_separators(value), expected);
}

#[test]
fn reads_pyproject_where_the_ini_is_silent() {
    let toml = "[tool.alembic]\nscript_location = \"%(here)s/alembic\"\n\
                version_locations = [\"%(here)s/a\", \"b\"]\nrecursive_version_locations = true\n";
    let dir = service(&[("pyproject.toml", toml)]);
    let location = known(dir.path());
    assert_eq!(location.directory, dir.path().join("alembic"));
    assert_eq!(versions(dir.path()), ["a", "b"]);
    assert!(location.recursive);
    assert_eq!(location.config_file, dir.path().join("pyproject.toml"));
}

#[test]
fn the_ini_wins_over_pyproject() {
    let ini = "[alembic]\nscript_location = alembic\nrecursive_version_locations = false\n";
    let toml = "[tool.alembic]\nscript_location = \"lib\"\nrecursive_version_locations = true\n\
                version_locations = [\"c\"]\n";
    let dir = service(&[("alembic.ini", ini), ("pyproject.toml", toml)]);
    let location = known(dir.path());
    assert_eq!(location.directory, dir.path().join("alembic"));
    assert!(!location.recursive);
    assert_eq!(versions(dir.path()), ["c"]);
}

#[test]
fn locations_start_at_the_working_directory_and_here_at_the_ini() {
    let ini = "[db]\nscript_location = alembic\nversion_locations = %(here)s/v\n";
    let dir = service(&[("conf/my.ini", ini)]);
    match locate(dir.path(), "conf/my.ini", "db") {
        Ok(Static::Known(location)) => {
            assert_eq!(location.directory, dir.path().join("alembic"));
            assert_eq!(location.versions, [dir.path().join("conf/v")]);
        }
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case::package("script_location = app:migrations", "", "inside a Python package")]
#[case::package_versions(
    "version_locations = app:v\npath_separator = space",
    "",
    "inside a Python"
)]
#[case::compiled("sourceless = true", "", "compiled files")]
#[case::env(
    "",
    "context.script.version_locations = ['x']",
    "handles `version_locations`"
)]
fn only_python_can_tell(#[case] lines: &str, #[case] env: &str, #[case] says: &str) {
    let script = if lines.contains("script_location") {
        ""
    } else {
        "script_location = alembic\n"
    };
    let ini = format!("[alembic]\n{script}{lines}\n");
    let dir = service(&[("alembic.ini", &ini), ("alembic/env.py", env)]);
    match found(dir.path()) {
        Ok(Static::NeedsPython(why)) => assert!(why.contains(says), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_comment_in_env_py_decides_nothing() {
    let ini = "[alembic]\nscript_location = alembic\n";
    let dir = service(&[
        ("alembic.ini", ini),
        ("alembic/env.py", "# version_locations: see ini"),
    ]);
    assert_eq!(versions(dir.path()), ["alembic/versions"]);
}

#[rstest]
#[case::nothing(&[], "no `script_location`", "alembic.ini does not exist")]
#[case::section(&[("alembic.ini", "[other]\n")], "no `script_location`", "has no [alembic]")]
#[case::key(&[("alembic.ini", "[alembic]\nx = 1\n")], "no `script_location`", "without script_location")]
#[case::missing(&[("alembic.ini", "[alembic]\nscript_location = nope\n")], "`script_location = nope`", "/nope")]
#[case::syntax(&[("alembic.ini", "[alembic]\nx = 1\nx = 2\n")], "line 3: `x` is set twice", "")]
#[case::reference(
    &[("alembic.ini", "[alembic]\nscript_location = %(root)s/a\n")], "`%(root)s` refers to a key", ""
)]
#[case::separator(
    &[("alembic.ini", "[alembic]\nscript_location = alembic\nversion_locations = a\npath_separator = ,\n")],
    "`path_separator = ,` is none of", ""
)]
#[case::toml_type(
    &[("pyproject.toml", "[tool.alembic]\nscript_location = \"alembic\"\nversion_locations = \"a\"\n")],
    "must be an array of strings", ""
)]
#[case::toml_percent(
    &[("pyproject.toml", "[tool.alembic]\nscript_location = \"%(root)s\"\n")],
    "only `%(here)s` and `%%`", ""
)]
#[case::toml_syntax(&[("pyproject.toml", "[tool.alembic\n")], "no `script_location`", "pyproject.toml: ")]
fn says_what_is_wrong(#[case] files: &[(&str, &str)], #[case] message: &str, #[case] detail: &str) {
    let dir = service(files);
    let error = found(dir.path()).unwrap_err();
    assert!(error.message.contains(message), "{error:?}");
    assert!(error.details.join("\n").contains(detail), "{error:?}");
}

#[test]
fn a_broken_pyproject_matters_to_newer_versions_only() {
    let ini = "[alembic]\nscript_location = alembic\n";
    let dir = service(&[("alembic.ini", ini), ("pyproject.toml", "[broken")]);
    assert!(matches!(found(dir.path()), Ok(Static::NeedsPython(_))));
}

const FLASK: &str = "from flask import current_app\n";

/// Flask-Migrate sets the `script_location` itself, beside a configuration without one.
#[rstest]
#[case::env_py(&[("conf/alembic.ini", "[alembic]\n"), ("conf/env.py", FLASK)], true)]
#[case::template(&[("conf/alembic.ini", "[logger_flask_migrate]\n"), ("conf/env.py", "")], true)]
#[case::no_env_py(&[("conf/alembic.ini", "[logger_flask_migrate]\n")], false)]
#[case::no_ini(&[("conf/env.py", FLASK)], false)]
#[case::another(&[("conf/alembic.ini", "[alembic]\n"), ("conf/env.py", "")], false)]
#[case::located(
    &[("conf/alembic.ini", "[alembic]\nscript_location = lib\n"), ("conf/env.py", FLASK)],
    false
)]
fn knows_flask_migrate(#[case] files: &[(&str, &str)], #[case] expected: bool) {
    let dir = service(files);
    assert_eq!(
        is_flask_migrate(dir.path(), "conf/alembic.ini", "alembic"),
        expected
    );
    let located = locate(dir.path(), "conf/alembic.ini", "alembic");
    if expected {
        let Ok(Static::Known(location)) = located else {
            panic!("{located:?}")
        };
        assert_eq!(location.versions, [dir.path().join("conf/versions")]);
    }
}
