//! SQL by lines, where a line break within quotes ends no line.

use super::unreadable::Unreadable;

/// A line; it holds line breaks where they are quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// The line in which it begins, from 1.
    pub number: u32,
    /// Its text, without the line break at its end.
    pub text: &'a str,
}

/// The lines of `text`.
///
/// # Errors
/// A quote is not closed; the error names the line on which it is opened.
pub fn lines(text: &str) -> Result<Vec<Line<'_>>, Unreadable> {
    let mut lines = Vec::new();
    let mut rest = text;
    let mut number = 1;
    while !rest.is_empty() {
        let end = end_of_line(rest, number)?;
        lines.push(Line {
            number,
            text: &rest[..end],
        });
        number += u32::try_from(rest[..end].matches('\n').count()).unwrap_or_default() + 1;
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    Ok(lines)
}

/// The byte at which the first line of `text` ends.
fn end_of_line(text: &str, number: u32) -> Result<usize, Unreadable> {
    let mut at = 0;
    while let Some(letter) = text[at..].chars().next() {
        let rest = &text[at..];
        let quoted = match letter {
            '\n' => return Ok(at),
            '-' if rest.starts_with("--") => return Ok(at + rest.find('\n').unwrap_or(rest.len())),
            '\'' => Some(single_quoted(rest, escapes(&text[..at]))),
            '"' => Some(rest[1..].find('"').map(|end| end + 2)),
            '$' if !in_word(&text[..at]) => dollar_quoted(rest),
            _ => None,
        };
        at += match quoted {
            None => letter.len_utf8(),
            Some(Some(length)) => length,
            Some(None) => {
                let line =
                    number + u32::try_from(text[..at].matches('\n').count()).unwrap_or_default();
                return Err(Unreadable::new(
                    line,
                    "a quote that is opened here is never closed",
                ));
            }
        };
    }
    Ok(text.len())
}

/// The length of a quoted text; `None` where it does not end.
fn single_quoted(text: &str, escapes: bool) -> Option<usize> {
    let mut skip = false;
    let end = text.char_indices().skip(1).find(|(_, letter)| {
        let ends = *letter == '\'' && !skip;
        skip = escapes && *letter == '\\' && !skip;
        ends
    });
    end.map(|(at, _)| at + 1)
}

/// The same for `$tag$ ... $tag$`; the outer `None` where it is no such quote.
fn dollar_quoted(text: &str) -> Option<Option<usize>> {
    let close = text[1..].find('$')? + 2;
    let tag = &text[..close];
    let name = &tag[1..tag.len() - 1];
    let is_tag = name
        .chars()
        .all(|letter| letter.is_alphanumeric() || letter == '_')
        && !name.starts_with(|letter: char| letter.is_ascii_digit());
    is_tag.then(|| text[close..].find(tag).map(|end| close + end + close))
}

/// Tells whether a quote after `before` is one of `E'...'`.
fn escapes(before: &str) -> bool {
    before
        .strip_suffix(['e', 'E'])
        .is_some_and(|before| !in_word(before))
}

fn in_word(before: &str) -> bool {
    before.ends_with(|letter: char| letter.is_alphanumeric() || letter == '_' || letter == '$')
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rstest::rstest;

    use super::lines;

    #[rstest]
    #[case::plain("a\n\nb\n", &[(1, "a"), (2, ""), (3, "b")])]
    #[case::text("a 'x\ny' b\nc", &[(1, "a 'x\ny' b"), (3, "c")])]
    #[case::doubled("'it''s\n'\nc", &[(1, "'it''s\n'"), (3, "c")])]
    #[case::backslash("'a\\'\nb", &[(1, "'a\\'"), (2, "b")])]
    #[case::escaped("E'a\\'\n'\nb", &[(1, "E'a\\'\n'"), (3, "b")])]
    #[case::name("\"a\nb\"\nc", &[(1, "\"a\nb\""), (3, "c")])]
    #[case::dollars("$f$\n'\n$$\n$f$;\nc", &[(1, "$f$\n'\n$$\n$f$;"), (5, "c")])]
    #[case::no_dollar_quote("$1 + a$b\nc", &[(1, "$1 + a$b"), (2, "c")])]
    #[case::comment("-- it's\nb", &[(1, "-- it's"), (2, "b")])]
    fn splits(#[case] text: &str, #[case] expected: &[(u32, &str)]) {
        let found: Vec<_> = lines(text)
            .unwrap()
            .iter()
            .map(|line| (line.number, line.text))
            .collect();
        assert_eq!(found, expected);
    }

    #[rstest]
    #[case::text("a\nb 'c\nd", 2)]
    #[case::name("\"a\"\n\"b\n", 2)]
    #[case::dollars("$f$ a\n$g$", 1)]
    #[case::after_another("'a\n' 'b", 2)]
    fn says_where_a_quote_is_opened(#[case] text: &str, #[case] line: u32) {
        assert_eq!(lines(text).unwrap_err().line, line);
    }
}
