//! Literals of SQL texts with the column that each stands beside, as fuzzers keep a
//! dictionary: [`entries`]. It proposes values; PostgreSQL alone says which are valid.

/// A literal that a text holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Literal {
    /// A string.
    Text(String),
    /// A pattern of LIKE.
    Like(String),
    /// A regular expression.
    Regex(String),
    /// A number.
    Number(String),
}

/// A literal and the column that it stands beside, if there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The column's name.
    pub column: Option<String>,
    /// The literal.
    pub literal: Literal,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Number(String),
    Mark(String),
}

/// The literals of a text beside one of `columns`, or in a text that names one of them.
#[must_use]
pub fn entries(sql: &str, columns: &[&str]) -> Vec<Entry> {
    let tokens = tokens(sql);
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let literal = match token {
            Token::Text(text) => text_literal(text, &tokens[..at]),
            Token::Number(number) => Literal::Number(signed(number, &tokens[..at])),
            _ => continue,
        };
        if matches!(token, Token::Number(_)) && is_type_modifier(&tokens[..at]) {
            continue;
        }
        let is_column =
            |token: &&Token| matches!(token, Token::Word(word) if columns.contains(&word.as_str()));
        let before = tokens[..at].iter().rev().find(is_column);
        // A literal may stand first: CHECK (0 < pages).
        let beside = before.or_else(|| tokens[at..].iter().find(is_column));
        let column = match beside {
            Some(Token::Word(word)) => Some(word.clone()),
            _ => None,
        };
        let entry = Entry { column, literal };
        if !found.contains(&entry) {
            found.push(entry);
        }
    }
    found
}

/// Tells whether a text names something as a whole word.
#[must_use]
pub fn names(sql: &str, name: &str) -> bool {
    let mut tokens = tokens(sql).into_iter();
    tokens.any(|token| matches!(token, Token::Word(word) if word == name))
}

/// A domain's CHECK with the name of a column in the place of `VALUE`.
#[must_use]
pub fn with_value(check: &str, column: &str) -> Option<String> {
    let inside = check.strip_prefix("CHECK (")?;
    let end = inside.rfind(')')?;
    let mut written = String::new();
    let mut rest = &inside[..end];
    while let Some(first) = rest.chars().next() {
        let (token, taken) = next(rest, first);
        match token {
            Some(Token::Word(word)) if word == "value" && first == 'V' => written.push_str(column),
            _ => written.push_str(&rest[..taken]),
        }
        rest = &rest[taken..];
    }
    Some(written)
}

fn text_literal(text: &str, before: &[Token]) -> Literal {
    // Between operator and pattern may stand marks: x ~ ANY (ARRAY['a'])
    let mut back = before.iter().rev().take(4);
    let operator = back.find_map(|token| match token {
        Token::Mark(mark) if mark.contains('~') => Some(mark.as_str()),
        Token::Word(word) if word == "like" || word == "ilike" => Some("~~"),
        Token::Mark(mark) if mark == "=" => Some("="),
        _ => None,
    });
    match operator {
        Some(mark) if mark.contains("~~") => Literal::Like(text.to_owned()),
        Some(mark) if mark.contains('~') => Literal::Regex(text.to_owned()),
        _ => Literal::Text(text.to_owned()),
    }
}

fn signed(number: &str, before: &[Token]) -> String {
    let minus = |token: &Token| matches!(token, Token::Mark(mark) if mark.ends_with('-'));
    match before {
        [.., last] if minus(last) => format!("-{number}"),
        [.., last, Token::Mark(open)] if open == "(" && minus(last) => format!("-{number}"),
        _ => number.to_owned(),
    }
}

/// Tells whether a number stands in `::numeric(10,2)` or `::character varying(50)`.
fn is_type_modifier(before: &[Token]) -> bool {
    let is_mark = |token: &Token, marks: &[&str]| matches!(token, Token::Mark(mark) if marks.contains(&mark.as_str()));
    let mut back = before
        .iter()
        .rev()
        .skip_while(|token| matches!(token, Token::Number(_)) || is_mark(token, &[","]));
    let is_open = back.next().is_some_and(|token| is_mark(token, &["("]));
    let mut words = back.skip_while(|token| matches!(token, Token::Word(_)));
    is_open && words.next().is_some_and(|token| is_mark(token, &["::"]))
}

fn tokens(sql: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let (token, taken) = next(rest, first);
        found.extend(token);
        rest = &rest[taken.max(1)..];
    }
    found
}

/// The token at the start of a text, and how many bytes it takes.
fn next(rest: &str, first: char) -> (Option<Token>, usize) {
    let until = |stop: &dyn Fn(char) -> bool| rest.find(stop).unwrap_or(rest.len());
    if rest.starts_with("--") {
        (None, until(&|one| one == '\n'))
    } else if rest.starts_with("/*") {
        (None, rest.find("*/").map_or(rest.len(), |end| end + 2))
    } else if first == '\'' || first == '"' {
        let (text, taken) = quoted(rest, first);
        let token = if first == '"' {
            Token::Word(text)
        } else {
            Token::Text(text)
        };
        (Some(token), taken)
    } else if first.is_alphabetic() || first == '_' {
        let end = until(&|one| !(one.is_alphanumeric() || one == '_'));
        if rest[end..].starts_with('\'') && rest[..end].eq_ignore_ascii_case("e") {
            return (None, end);
        }
        (Some(Token::Word(rest[..end].to_lowercase())), end)
    } else if first.is_ascii_digit() {
        let end = until(&|one| !(one.is_ascii_digit() || one == '.'));
        (
            Some(Token::Number(rest[..end].trim_end_matches('.').to_owned())),
            end,
        )
    } else if "+-*/<>=~!@#%^&|`?:".contains(first) {
        let end = until(&|one| !"+-*/<>=~!@#%^&|`?:".contains(one));
        (Some(Token::Mark(rest[..end].to_owned())), end)
    } else if first.is_whitespace() {
        (None, first.len_utf8())
    } else {
        (Some(Token::Mark(first.to_string())), first.len_utf8())
    }
}

/// The text between quotes, and the number of bytes that it takes with them.
fn quoted(rest: &str, quote: char) -> (String, usize) {
    let mut text = String::new();
    let mut letters = rest.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if letter != quote {
            text.push(letter);
        } else if letters.next_if(|(_, next)| *next == quote).is_some() {
            text.push(quote);
        } else {
            return (text, at + 1);
        }
    }
    (text, rest.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn found(sql: &str, columns: &[&str]) -> Vec<(String, Literal)> {
        let entries = entries(sql, columns).into_iter();
        let named = entries.map(|one| (one.column.unwrap_or_default(), one.literal));
        named.collect()
    }

    #[test]
    fn literals_stand_beside_columns() {
        let sql = "((status)::text = ANY ((ARRAY['new'::character varying(5), 'a'::text, 'it''s'::text])::text[])) AND (pages > '-1'::integer) AND (0 < n)";
        let text = |one: &str| Literal::Text(one.to_owned());
        assert_eq!(
            found(sql, &["status", "pages", "n"]),
            [
                ("status".into(), text("new")),
                ("status".into(), text("a")),
                ("status".into(), text("it's")),
                ("pages".into(), text("-1")),
                ("pages".into(), Literal::Number("0".into())),
            ]
        );
    }

    #[test]
    fn patterns_are_told_from_texts() {
        let sql = "(code ~ '^[A-Z]+$'::text) AND (name ~~ 'a%') AND x LIKE 'b_'";
        assert_eq!(
            found(sql, &["code", "name", "x"]),
            [
                ("code".into(), Literal::Regex("^[A-Z]+$".into())),
                ("name".into(), Literal::Like("a%".into())),
                ("x".into(), Literal::Like("b_".into())),
            ]
        );
    }

    #[test]
    fn a_domains_check_is_one_of_its_column() {
        let check = "CHECK ((VALUE ~ 'VALUE'::text))";
        assert_eq!(
            with_value(check, "\"Mail\"").unwrap(),
            "(\"Mail\" ~ 'VALUE'::text)"
        );
    }
}
