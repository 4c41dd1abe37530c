//! From the bytes of a Python file to its text, as Python's own reader would
//! have it: encoding declarations, byte-order marks, what it refuses.
//!
//! Source: <https://docs.python.org/3/reference/lexical_analysis.html#encoding-declarations>

use std::borrow::Cow;

use ruff_python_ast::token::TokenKind;

/// The reason that a file gave no revision.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ParseProblem {
    /// Python refuses it too.
    Refused { line: Option<u32>, problem: String },
    /// Python may well read it.
    NeedsPython { line: u32, what: String },
}

/// Encodings besides UTF-8, ASCII and Latin-1 in which bytes below 128 mean
/// what they mean in ASCII. A file that has only those needs no decoder.
const ASCII_COMPATIBLE: [&str; 10] = [
    "cp1250",
    "cp1251",
    "cp1252",
    "iso-8859-2",
    "iso-8859-15",
    "koi8-r",
    "koi8-u",
    "gb2312",
    "euc-jp",
    "windows-1252",
];

/// Decodes a Python source file.
///
/// # Errors
///
/// Bytes that Python refuses, or an encoding that only Python knows.
pub(super) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, ParseProblem> {
    let refused = |line, problem: &str| {
        Err(ParseProblem::Refused {
            line: Some(line),
            problem: problem.to_owned(),
        })
    };
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return refused(1, "UTF-16, which Python does not read as source");
    }
    if let Some(at) = memchr::memchr(0, bytes) {
        return refused(
            line_at(bytes, at),
            "a NUL byte, which Python does not accept in source",
        );
    }
    let (marked, bytes) = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => (true, rest),
        None => (false, bytes),
    };
    let declared = declared_encoding(bytes);
    let encoding = declared.as_ref().map_or("utf-8", |(_, name)| name);
    let line = declared.as_ref().map_or(1, |(line, _)| *line);
    // With a mark, Python 3.11 refuses even the alias `utf8`.
    if marked && encoding != "utf-8" {
        return refused(
            line,
            &format!("a UTF-8 byte-order mark, but declared as `{encoding}`"),
        );
    }
    match encoding {
        "utf-8" | "utf8" => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Cow::Borrowed(text)),
            Err(e) => refused(
                line_at(bytes, e.valid_up_to()),
                "bytes that are not UTF-8, and no encoding is declared",
            ),
        },
        "iso-8859-1" => Ok(bytes.iter().map(|byte| char::from(*byte)).collect()),
        name if (name == "ascii" || ASCII_COMPATIBLE.contains(&name)) && bytes.is_ascii() => {
            Ok(String::from_utf8_lossy(bytes))
        }
        "ascii" => {
            let at = bytes.iter().take_while(|byte| byte.is_ascii()).count();
            let problem = "bytes that are not ASCII, which the file declares as its encoding";
            refused(line_at(bytes, at), problem)
        }
        name => {
            let what = format!("the file's encoding is declared as `{name}`");
            Err(ParseProblem::NeedsPython { line, what })
        }
    }
}

/// The line and the normalized name of the encoding declared in the first two
/// lines: `^[ \t\f]*#.*?coding[:=][ \t]*([-_.a-zA-Z0-9]+)`.
fn declared_encoding(bytes: &[u8]) -> Option<(u32, String)> {
    for (number, line) in (1..=2).zip(bytes.split(|byte| *byte == b'\n')) {
        let start = line
            .iter()
            .position(|byte| !matches!(byte, b' ' | b'\t' | b'\x0c' | b'\r'));
        match start.map(|at| &line[at..]) {
            None => {}
            Some(comment @ [b'#', ..]) => {
                if let Some(name) = declared_in(&String::from_utf8_lossy(comment)) {
                    return Some((number, normalized(&name)));
                }
            }
            Some(_) => return None,
        }
    }
    None
}

fn declared_in(comment: &str) -> Option<String> {
    comment.match_indices("coding").find_map(|(at, found)| {
        let rest = comment[at + found.len()..].strip_prefix([':', '='])?;
        let rest = rest.trim_start_matches([' ', '\t']);
        let part_of_name = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let name: String = rest.chars().take_while(part_of_name).collect();
        (!name.is_empty()).then_some(name)
    })
}

/// The names that `tokenize._get_normal_name` and the codec registry take for one.
fn normalized(name: &str) -> String {
    let name = name.to_ascii_lowercase().replace('_', "-");
    let is = |known: &str| name == known || name.starts_with(&format!("{known}-"));
    if is("utf-8") || matches!(&*name, "u8" | "utf" | "cp65001") {
        "utf-8".to_owned()
    } else if ["latin-1", "iso-8859-1", "iso-latin-1"]
        .iter()
        .any(|known| is(known))
        || matches!(&*name, "latin1" | "iso8859-1" | "l1" | "latin")
    {
        "iso-8859-1".to_owned()
    } else if matches!(&*name, "us-ascii" | "646") {
        "ascii".to_owned()
    } else {
        name
    }
}

/// The line, from 1, of the byte at `offset`; `\n`, `\r\n` and `\r` end lines.
pub(super) fn line_at(bytes: &[u8], offset: usize) -> u32 {
    let before = &bytes[..offset.min(bytes.len())];
    let newlines = memchr::memchr_iter(b'\n', before).count();
    let is_end = |(at, byte): &(usize, &u8)| **byte == b'\r' && bytes.get(at + 1) != Some(&b'\n');
    let returns = match memchr::memchr(b'\r', before) {
        Some(_) => before.iter().enumerate().filter(is_end).count(),
        None => 0,
    };
    u32::try_from(newlines + returns + 1).unwrap_or(u32::MAX)
}

/// The number of brackets that Python allows inside each other (`MAXLEVEL` in its tokenizer).
const MAX_BRACKETS: usize = 200;
/// The number of levels of indentation that it allows (`MAXINDENT`, which counts level 0).
const MAX_INDENTS: usize = 99;
/// The number of tokens that may depend on each other here before only Python is asked.
/// It refuses some such expressions as well, at a depth that differs by version.
const MAX_CHAINED: usize = 2_000;

/// The depth to which a stream of tokens nests.
#[derive(Debug, Default)]
pub(super) struct Nesting {
    /// Tokens since the last separator, one count per open bracket.
    open: Vec<usize>,
    here: usize,
    chained: usize,
    indents: usize,
}

impl Nesting {
    /// Takes the next token into account.
    ///
    /// # Errors
    ///
    /// The nesting is deeper than Python allows, or than can be parsed here.
    pub(super) fn token(&mut self, kind: TokenKind) -> Result<(), TooDeep> {
        match kind {
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => {
                self.open.push(self.here);
                self.here = 0;
            }
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => {
                self.chained -= self.here;
                self.here = self.open.pop().unwrap_or_default();
            }
            TokenKind::Comma | TokenKind::Newline | TokenKind::Semi => {
                self.chained -= self.here;
                self.here = 0;
                return Ok(());
            }
            TokenKind::Indent => self.indents += 1,
            TokenKind::Dedent => self.indents = self.indents.saturating_sub(1),
            TokenKind::Comment | TokenKind::NonLogicalNewline => return Ok(()),
            _ => {}
        }
        self.here += 1;
        self.chained += 1;
        if self.open.len() > MAX_BRACKETS {
            return Err(TooDeep::ForPython("too many nested parentheses"));
        }
        if self.indents > MAX_INDENTS {
            return Err(TooDeep::ForPython("too many levels of indentation"));
        }
        match self.chained > MAX_CHAINED {
            true => Err(TooDeep::ForUs),
            false => Ok(()),
        }
    }
}

/// The limit that [`Nesting::token`] met.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum TooDeep {
    /// Python ends in this `SyntaxError`.
    ForPython(&'static str),
    /// An expression of thousands of parts.
    ForUs,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rstest::rstest;

    use super::{ParseProblem, decode, line_at};

    #[rstest]
    #[case::plain(b"a = 'x'", "a = 'x'")]
    #[case::mark(b"\xef\xbb\xbfa", "a")]
    #[case::mark_and_cookie(b"\xef\xbb\xbf# coding: utf-8\na", "# coding: utf-8\na")]
    #[case::latin_1(
        b"# -*- coding: latin-1 -*-\n'\xe9'",
        "# -*- coding: latin-1 -*-\n'\u{e9}'"
    )]
    #[case::second_line(
        b"#!x\n# vim: set fileencoding=ISO_8859_1 :\n\xe9",
        "#!x\n# vim: set fileencoding=ISO_8859_1 :\n\u{e9}"
    )]
    #[case::third_line_is_a_comment(b"\n\n# coding: koi8-r\na", "\n\n# coding: koi8-r\na")]
    #[case::after_code(b"a\n# coding: koi8-r\n", "a\n# coding: koi8-r\n")]
    #[case::ascii_only(b"# coding=cp1252\na", "# coding=cp1252\na")]
    #[case::alias(b"# coding: utf8\n\xc3\xa9", "# coding: utf8\n\u{e9}")]
    #[case::word_without_name(b"# encoding is hard\na", "# encoding is hard\na")]
    fn decodes(#[case] bytes: &[u8], #[case] text: &str) {
        assert_eq!(decode(bytes).unwrap(), text);
    }

    #[rstest]
    #[case::utf_16(b"\xff\xfea\0", 1, "UTF-16")]
    #[case::nul(b"a\nb\0", 2, "NUL")]
    #[case::latin_1_undeclared(b"a\n\n'\xe9'", 3, "not UTF-8")]
    #[case::not_ascii(b"# coding: ascii\n\xe9", 2, "not ASCII")]
    #[case::mark_against_alias(b"\xef\xbb\xbf# coding: utf8", 1, "byte-order mark")]
    #[case::mark_against_cookie(b"\xef\xbb\xbf\n# coding: latin-1", 2, "byte-order mark")]
    fn refuses(#[case] bytes: &[u8], #[case] at: u32, #[case] says: &str) {
        match decode(bytes) {
            Err(ParseProblem::Refused { line, problem }) => {
                assert_eq!(line, Some(at));
                assert!(problem.contains(says), "{problem}");
            }
            other => assert_eq!(format!("{other:?}"), "refused"),
        }
    }

    #[rstest]
    #[case::other_bytes(b"# coding: cp1252\n\x80")]
    #[case::other_codec(b"# coding: rot13\na")]
    fn leaves_other_encodings_to_python(#[case] bytes: &[u8]) {
        assert!(matches!(
            decode(bytes),
            Err(ParseProblem::NeedsPython { line: 1, .. })
        ));
    }

    #[rstest]
    #[case(0, 1)]
    #[case(2, 2)]
    #[case(4, 3)]
    #[case(5, 4)]
    #[case(99, 4)]
    fn counts_lines(#[case] offset: usize, #[case] line: u32) {
        assert_eq!(line_at(b"a\nb\r\rc", offset), line);
    }
}
