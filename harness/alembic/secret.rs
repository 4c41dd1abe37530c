//! The passwords of a database, kept out of what a service makes the harness say:
//! [`Secret`].

use std::cmp::Reverse;

use percent_encoding::utf8_percent_encode;
use serde_json::Value;

use crate::postgres::database::RESERVED;

/// The text that is shown instead.
const MASK: &str = "***";
/// A password this long is masked wherever it stands; a shorter one may be a word like
/// any other (`postgres`), and is masked where a URL has its password.
const UNMISTAKABLE: usize = 12;

/// The texts that must not be shown, and what is shown instead of each.
#[derive(Debug, Clone, Default)]
pub struct Secret(Vec<(String, String)>);

impl Secret {
    /// Passwords, each in all the forms in which a program may print it.
    #[must_use]
    pub fn new<'a>(passwords: impl IntoIterator<Item = &'a str>) -> Self {
        let mut forms: Vec<(String, String)> = passwords
            .into_iter()
            .filter(|password| !password.is_empty())
            .flat_map(|password| {
                let unmistakable = password.chars().count() >= UNMISTAKABLE;
                printed(password).into_iter().map(move |form| {
                    if unmistakable {
                        (form, MASK.to_owned())
                    } else {
                        (format!(":{form}@"), format!(":{MASK}@"))
                    }
                })
            })
            .collect();
        // A form may be part of a longer one.
        forms.sort_by_key(|(form, _)| Reverse(form.len()));
        forms.dedup();
        Self(forms)
    }

    /// The text without them.
    #[must_use]
    pub fn mask(&self, text: String) -> String {
        self.0
            .iter()
            .fold(text, |text, (form, shown)| match text.contains(form) {
                true => text.replace(form, shown),
                false => text,
            })
    }

    /// The same in every text that a value holds.
    pub fn mask_value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.mask(std::mem::take(text)),
            Value::Array(values) => values.iter_mut().for_each(|value| self.mask_value(value)),
            Value::Object(fields) => fields.values_mut().for_each(|value| self.mask_value(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// A password as itself, in a URL, in JSON, in a Python and in an SQL literal.
fn printed(password: &str) -> Vec<String> {
    let in_url = utf8_percent_encode(password, RESERVED).to_string();
    let slashes = password.replace('\\', "\\\\");
    vec![
        password.to_owned(),
        // `quote_plus`, and what SQLAlchemy's URLs are printed with.
        in_url.replace("%20", "+"),
        in_url.replace("%20", " ").replace("%2B", "+"),
        in_url,
        slashes.replace('\'', "\\'"),
        slashes.replace('"', "\\\""),
        ascii(&slashes.replace('\'', "\\'"), python_escape),
        ascii(&slashes, python_escape),
        ascii(&slashes.replace('"', "\\\""), json_escape),
        password.replace('\'', "''"),
        slashes,
    ]
}

/// A text with its letters beyond ASCII written as an escape.
fn ascii(text: &str, escape: fn(char) -> String) -> String {
    text.chars()
        .map(|letter| match letter.is_ascii() {
            true => letter.to_string(),
            false => escape(letter),
        })
        .collect()
}

/// A letter as `ascii()` and `bytes` of Python print it
/// (<https://docs.python.org/3/library/functions.html#ascii>).
fn python_escape(letter: char) -> String {
    match u32::from(letter) {
        code @ ..0x100 => format!("\\x{code:02x}"),
        code @ ..0x10000 => format!("\\u{code:04x}"),
        code => format!("\\U{code:08x}"),
    }
}

/// A letter as `json.dumps` prints it (RFC 8259, section 7).
fn json_escape(letter: char) -> String {
    let mut units = [0; 2];
    let units = letter.encode_utf16(&mut units).iter();
    units.map(|unit| format!("\\u{unit:04x}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_long_password_is_masked_everywhere_and_a_word_in_urls_only() {
        let long = Secret::new(["correct horse battery"]);
        assert_eq!(
            long.mask("correct horse battery and //u:correct%20horse%20battery@h".into()),
            "*** and //u:***@h"
        );
        let word = Secret::new(["postgres"]);
        assert_eq!(
            word.mask("postgresql://postgres:postgres@h/postgres".into()),
            "postgresql://postgres:***@h/postgres"
        );
        assert_eq!(Secret::new([""]).mask("a:@b".into()), "a:@b");
    }

    #[test]
    fn any_letter_is_masked_however_it_is_printed() {
        let secret = Secret::new([r#"it's a "back\slash" é€😀"#, "another password"]);
        // As CPython 3.12 prints it: the text, json.dumps, repr, ascii, quote, quote_plus,
        // a SQLAlchemy URL, and an SQL literal.
        for printed in [
            r#"it's a "back\slash" é€😀"#,
            r#"it's a \"back\\slash\" \u00e9\u20ac\ud83d\ude00"#,
            r#"it's a \"back\\slash\" é€😀"#,
            r#"it\'s a "back\\slash" é€😀"#,
            r#"it\'s a "back\\slash" \xe9\u20ac\U0001f600"#,
            "it%27s%20a%20%22back%5Cslash%22%20%C3%A9%E2%82%AC%F0%9F%98%80",
            "it%27s+a+%22back%5Cslash%22+%C3%A9%E2%82%AC%F0%9F%98%80",
            "it%27s a %22back%5Cslash%22 %C3%A9%E2%82%AC%F0%9F%98%80",
            r#"it''s a "back\slash" é€😀"#,
        ] {
            assert_eq!(secret.mask(format!("<{printed}>")), "<***>", "{printed}");
        }
    }

    #[test]
    fn every_text_of_a_value_is_masked() {
        let secret = Secret::new([r#"a "quoted" \ pässword"#]);
        let mut value = json!({"a": [r#"//u:a "quoted" \ pässword@h"#, 1], "b": {"c": null}});
        secret.mask_value(&mut value);
        assert_eq!(value, json!({"a": ["//u:***@h", 1], "b": {"c": null}}));
    }
}
