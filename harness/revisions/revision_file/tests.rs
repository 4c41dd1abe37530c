//! Tables of headers, of files that are none, and of directories.
#![allow(clippy::unwrap_used, clippy::panic)]

mod directories;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;
use rstest::rstest;
use tempfile::TempDir;

use super::{parse, read_all};
use crate::revision::{Revision, RevisionFile};
use crate::script_location::ScriptLocation;

fn revision(source: &str) -> Revision {
    match parse(Path::new("versions/x.py"), source.as_bytes()) {
        RevisionFile::Revision(revision) => revision,
        other => panic!("{other:?}"),
    }
}

fn needs_python(source: &str) -> (u32, String) {
    match parse(Path::new("versions/x.py"), source.as_bytes()) {
        RevisionFile::NeedsPython { line, what, .. } => (line, what),
        other => panic!("{other:?}"),
    }
}

fn unreadable(name: &str, source: &[u8]) -> (Option<u32>, String) {
    match parse(Path::new(name), source) {
        RevisionFile::Unreadable { line, problem, .. } => (line, problem),
        other => panic!("{other:?}"),
    }
}

#[test]
fn reads_a_whole_header() {
    let source = "\"\"\"add users\n\nRevision ID: b2\n\"\"\"\nimport sqlalchemy as sa\n\n\
        revision: str = \"b2\"\ndown_revision: str | None = \"a1\"\nbranch_labels = (\"users\",)\n\
        depends_on = None\n\n\ndef upgrade():\n    pass\n";
    assert_eq!(
        revision(source),
        Revision {
            id: "b2".to_owned(),
            down_revisions: vec!["a1".to_owned()],
            depends_on: Vec::new(),
            branch_labels: vec!["users".to_owned()],
            message: Some("add users".to_owned()),
            file: PathBuf::from("versions/x.py"),
            line: 7,
            down_line: 8,
            depends_line: Some(10),
            labels_line: Some(9),
        }
    );
}

#[rstest]
#[case::none("None", &[])]
#[case::string("'a'", &["a"])]
#[case::prefix("u'a'", &["a"])]
#[case::implicit_concatenation("'a' \"b\"", &["ab"])]
#[case::over_lines("(\n  'a'\n  'b'  # two\n)", &["ab"])]
#[case::plus("'a' + 'b'", &["ab"])]
#[case::escape(r"'\x61'", &["a"])]
#[case::parenthesized("('a')", &["a"])]
#[case::tuple("('a', 'b')", &["a", "b"])]
#[case::bare_tuple("'a', 'b'", &["a", "b"])]
#[case::list("['a', 'b']", &["a", "b"])]
#[case::set("{'a', 'b'}", &["a", "b"])]
#[case::one("('a',)", &["a"])]
#[case::empty("()", &[])]
#[case::one_none("(None,)", &[])]
#[case::comments("(\n    'a',  # left\n    # middle\n    'b',\n)", &["a", "b"])]
#[case::earlier_name("BASE", &["base"])]
#[case::names_in_a_tuple("(BASE, 'b')", &["base", "b"])]
fn down_revisions(#[case] value: &str, #[case] expected: &[&str]) {
    let source = format!("BASE = 'base'\nrevision = 'r'\ndown_revision = {value}\n");
    assert_eq!(revision(&source).down_revisions, expected);
}

#[rstest]
#[case::last_wins("revision = 'a'\nrevision = 'r'\ndown_revision = None")]
#[case::chained("revision = REV = 'r'\ndown_revision = None")]
#[case::unpacked("revision, down_revision = 'r', None")]
#[case::local_variable("revision = 'r'\ndown_revision = None\ndef f():\n    revision = g()")]
#[case::comprehension("revision = 'r'\ndown_revision = None\nx = [revision for revision in []]")]
#[case::annotation_only("revision = 'r'\nrevision: str\ndown_revision = None")]
#[case::star_before(
    "from app import *\nfrom sqlalchemy import *\nrevision = 'r'\ndown_revision = None\nbranch_labels = depends_on = None"
)]
#[case::harmless_star("from sqlalchemy import *\nrevision = 'r'\ndown_revision = None")]
#[case::block_before("if x:\n    revision = 'a'\nrevision = 'r'\ndown_revision = None")]
#[case::byte_order_mark("\u{feff}revision = 'r'\ndown_revision = None")]
#[case::carriage_returns("revision = 'r'\r\ndown_revision = None\r\n")]
#[case::old_carriage_returns("revision = 'r'\rdown_revision = None\r")]
#[case::semicolons("revision = 'r'; down_revision = None")]
#[case::no_last_newline("down_revision = None\nrevision = 'r'")]
fn finds_the_id(#[case] source: &str) {
    assert_eq!(revision(source).id, "r");
}

#[rstest]
#[case::call("revision = make()\ndown_revision = None", 1, "`revision` is `make()`")]
#[case::under_if(
    "revision = 'r'\nif x:\n    down_revision = None\nelse:\n    down_revision = 'a'",
    5,
    "`down_revision` is assigned under `if`"
)]
#[case::under_try(
    "try:\n    revision = 'r'\nfinally:\n    down_revision = None",
    2,
    "under `try`"
)]
#[case::imported(
    "from app import LABELS\nrevision = 'r'\ndown_revision = None\nbranch_labels = LABELS",
    4,
    "`branch_labels` is `LABELS`, which is imported from `app`"
)]
#[case::imported_itself(
    "from app import revision\ndown_revision = None",
    1,
    "`revision` is imported from `app`"
)]
#[case::unknown_name(
    "revision = X\ndown_revision = None",
    1,
    "which this file does not set"
)]
#[case::part(
    "revision = 'r'\ndown_revision = ('a', f())",
    2,
    "has a part that is `f()`"
)]
#[case::star_after(
    "revision = 'r'\ndown_revision = None\nfrom app import *",
    3,
    "`from app import *`"
)]
#[case::star_for_the_optional(
    "from app import *\nrevision = 'r'\ndown_revision = None",
    1,
    "`depends_on` may be set by"
)]
#[case::global(
    "revision = 'r'\ndown_revision = None\ndef f():\n    global revision",
    1,
    "with `global`"
)]
#[case::globals(
    "revision = 'r'\ndown_revision = None\nglobals()['revision'] = 'x'",
    3,
    "may be set by `globals`"
)]
#[case::module_getattr(
    "revision = 'r'\ndown_revision = None\ndef __getattr__(n): ...",
    3,
    "`__getattr__`"
)]
#[case::f_string("revision = f'{x}'\ndown_revision = None", 1, "`revision` is `f'{x}'`")]
#[case::bytes("revision = b'r'\ndown_revision = None", 1, "`revision` is `b'r'`")]
#[case::augmented(
    "revision = 'r'\nrevision += 's'\ndown_revision = None",
    2,
    "put together by"
)]
#[case::walrus(
    "print(revision := 'r')\ndown_revision = None",
    1,
    "inside an expression"
)]
#[case::empty_down("revision = 'r'\ndown_revision = ''", 2, "a base up to Alembic 1.11")]
#[case::raises(
    "revision = 'r'\ndown_revision = None\nraise SystemExit",
    3,
    "whatever follows a `raise`"
)]
#[case::encoding(
    "# coding: rot13\nerivfvba = 'e'",
    1,
    "encoding is declared as `rot13`"
)]
#[case::newer_syntax(
    "revision = 'r'\ndown_revision = None\ntype X = int",
    3,
    "not every Python reads this"
)]
fn only_python_can_tell(#[case] source: &str, #[case] at: u32, #[case] says: &str) {
    let (line, what) = needs_python(source);
    assert!(what.contains(says), "{what}");
    assert_eq!(line, at, "{what}");
}

#[rstest]
#[case::empty("x.py", b"", None, "no `revision`")]
#[case::no_revision(
    "add_users.py",
    b"down_revision = None",
    None,
    "Could not determine revision id"
)]
#[case::no_down_revision("x.py", b"\nrevision = 'r'", Some(2), "no `down_revision`")]
#[case::number(
    "x.py",
    b"revision = 'r'\ndown_revision = 12",
    Some(2),
    "is the number 12"
)]
#[case::number_as_id(
    "x.py",
    b"revision = 12\ndown_revision = None",
    Some(1),
    "`revision` is the number 12"
)]
#[case::none_as_id(
    "x.py",
    b"revision = None\ndown_revision = None",
    Some(1),
    "`revision` is None"
)]
#[case::none_among_ids(
    "x.py",
    b"revision = 'r'\ndown_revision = ('a', None)",
    Some(2),
    "None among ids"
)]
#[case::python_2(
    "x.py",
    b"revision = 'r'\ndown_revision = None\n\ndef upgrade():\n    print \"x\"\n",
    Some(5),
    "`print \"x\"`"
)]
#[case::late_future("x.py", b"'''m'''\nfrom __future__ import annotations\nrevision = 'r'\ndown_revision = None\nfrom __future__ import division", Some(5), "`from __future__` after")]
#[case::merge_conflict(
    "x.py",
    b"<<<<<<< HEAD\nrevision = 'r'\n=======\n",
    Some(1),
    "invalid Python 3"
)]
#[case::nul("x.py", b"revision = 'r'\n\0", Some(2), "NUL")]
#[case::utf_16("x.py", b"\xff\xfer\0", Some(1), "UTF-16")]
#[case::latin_1("x.py", b"revision = 'r'\nx = '\xe9'", Some(2), "not UTF-8")]
fn refuses(#[case] name: &str, #[case] source: &[u8], #[case] at: Option<u32>, #[case] says: &str) {
    let (line, problem) = unreadable(name, source);
    assert!(problem.contains(says), "{problem}");
    assert_eq!(line, at, "{problem}");
}

#[test]
fn a_hexadecimal_file_name_stands_in_for_the_id() {
    let file = Path::new("versions/1975ea83b712.py");
    match parse(file, b"down_revision = None") {
        RevisionFile::Revision(revision) => assert_eq!(revision.id, "1975ea83b712"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn keeps_the_id_of_a_file_that_is_broken_further_down() {
    let source = b"revision = 'r'\ndown_revision = None\ndef upgrade():\n    print 'x'\n";
    match parse(Path::new("x.py"), source) {
        RevisionFile::Unreadable { id, .. } => assert_eq!(id.as_deref(), Some("r")),
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case::brackets("(", ")")]
#[case::lists("[", "]")]
#[case::open("[", "")]
#[case::braces("{", "")]
#[case::minus("-", "")]
#[case::nots("not ", "")]
#[case::lambdas("lambda: ", "")]
#[case::sums("1 + ", "")]
#[case::powers("1 ** ", "")]
#[case::ternaries("1 if 1 else ", "")]
#[case::attributes("a.", "")]
#[case::calls("a()", "()")]
#[case::f_strings("f'{", "}'")]
fn survives_nesting(#[case] open: &str, #[case] close: &str) {
    for levels in [50, 1_500, 15_000 / open.len(), 300_000] {
        let nested = format!("{}1{}", open.repeat(levels), close.repeat(levels));
        let source = format!("revision = 'r'\ndown_revision = None\nx = {nested}\n");
        parse(Path::new("x.py"), source.as_bytes());
    }
}

#[test]
fn survives_indentation() {
    for levels in [10, 99, 150, 2_000] {
        let blocks: String = (0..levels)
            .map(|level| format!("{}if 1:\n", " ".repeat(level)))
            .collect();
        let source = format!(
            "revision = 'r'\ndown_revision = None\n{blocks}{}pass\n",
            " ".repeat(levels)
        );
        match parse(Path::new("x.py"), source.as_bytes()) {
            RevisionFile::Revision(_) => assert!(levels < 100),
            RevisionFile::Unreadable { problem, .. } => {
                assert!(
                    levels >= 100 && problem.contains("indentation"),
                    "{problem}"
                );
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn reads_a_megabyte() {
    let row = "    (-1, 'some text', [1.5, None], {'key': -2}),\n";
    let rows = row.repeat((1 << 20) / row.len());
    let source = format!("revision = 'r'\ndown_revision = None\nROWS = [\n{rows}]\n");
    assert_eq!(revision(&source).id, "r");
}

/// Pieces of headers and of Python, to put files together that look like some.
const PIECES: &[&str] = &[
    "revision",
    "down_revision",
    "depends_on",
    "branch_labels",
    " = ",
    ": str = ",
    "'a'",
    "\"b\"",
    "None",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\n",
    "\n    ",
    "\\\n",
    "if x:",
    "def f():",
    "#",
    "\"\"\"",
    "f'{",
    "}'",
    "lambda:",
    "import *",
    "from __future__ import annotations",
    "\0",
    "\u{feff}",
    "\r",
    "# -*- coding: latin-1 -*-",
    "global revision",
    "*",
    "+",
    "e\u{301}",
    "print 'a'",
    ";",
    ":=",
];

proptest! {
    #[test]
    fn any_bytes_are_read_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(Path::new("r.py"), &bytes);
    }

    #[test]
    fn what_looks_like_python_is_read_to_an_end(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60),
    ) {
        let source = pieces.concat();
        if let RevisionFile::Revision(revision) = parse(Path::new("r.py"), source.as_bytes()) {
            prop_assert!(source.contains("revision") && !revision.id.is_empty());
        }
    }
}
