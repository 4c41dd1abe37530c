//! Values and names as SQL text.

use super::catalog::Type;
use crate::quoting::escaped;

/// A value that an INSERT gives to a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text that PostgreSQL reads as the column's type.
    Text(String),
    /// NULL.
    Null,
    /// The column's default.
    Default,
}

impl Value {
    /// The value as an INSERT writes it: numbers and truth without quotes.
    #[must_use]
    pub fn literal(&self, base: Option<&Type>) -> String {
        match self {
            Self::Null => "NULL".to_owned(),
            Self::Default => "DEFAULT".to_owned(),
            Self::Text(text) => {
                let category = base.map_or("", |found| found.category.as_str());
                let is_bare = match category {
                    "N" => is_number(text),
                    "B" => text == "true" || text == "false",
                    _ => false,
                };
                if is_bare { text.clone() } else { quoted(text) }
            }
        }
    }
}

/// Tells whether a text is a number that needs no quotes.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.starts_with(|first: char| first.is_ascii_digit())
        && digits.chars().all(|one| one.is_ascii_digit() || one == '.')
        && digits.matches('.').count() <= 1
}

/// A text as a string constant, for `standard_conforming_strings = on`.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// An array's text; every element is quoted.
/// <https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO>
#[must_use]
pub fn array(elements: &[&str], delimiter: char) -> String {
    let elements: Vec<String> = elements.iter().map(|one| escaped(one)).collect();
    format!("{{{}}}", elements.join(&delimiter.to_string()))
}

/// A composite value's text; every field is quoted.
/// <https://www.postgresql.org/docs/current/rowtypes.html#ROWTYPES-IO-SYNTAX>
#[must_use]
pub fn composite(fields: &[&str]) -> String {
    let fields: Vec<String> = fields.iter().map(|one| escaped(one)).collect();
    format!("({})", fields.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_values_keep_their_quotes() {
        assert_eq!(array(&["a\"b", "c\\d"], ','), r#"{"a\"b","c\\d"}"#);
        assert_eq!(composite(&["1", r#"{"x"}"#]), r#"("1","{\"x\"}")"#);
        assert_eq!(quoted("it's"), "'it''s'");
    }
}
