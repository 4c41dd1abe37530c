//! The password of a database, kept out of what a service makes the harness say:
//! [`Secret`].

/// What is shown instead.
const MASK: &str = "***";
/// A password this long is masked wherever it stands; a shorter one may be a word like
/// any other (`postgres`), and is masked where a URL has its password.
const UNMISTAKABLE: usize = 12;

/// The texts that must not be shown, and what is shown instead of each.
#[derive(Debug, Clone, Default)]
pub struct Secret(Vec<(String, String)>);

impl Secret {
    /// A password, as itself and as it stands in a URL.
    #[must_use]
    pub fn new(password: &str, in_url: &str) -> Self {
        if password.is_empty() {
            return Self::default();
        }
        let forms = [password, in_url].into_iter();
        Self(if password.len() >= UNMISTAKABLE {
            forms
                .map(|form| (form.to_owned(), MASK.to_owned()))
                .collect()
        } else {
            forms
                .map(|form| (format!(":{form}@"), format!(":{MASK}@")))
                .collect()
        })
    }

    /// The text without it.
    #[must_use]
    pub fn mask(&self, text: String) -> String {
        self.0
            .iter()
            .fold(text, |text, (form, shown)| match text.contains(form) {
                true => text.replace(form, shown),
                false => text,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_password_is_masked_everywhere_and_a_word_in_urls_only() {
        let long = Secret::new("correct horse battery", "correct%20horse%20battery");
        assert_eq!(
            long.mask("correct horse battery and //u:correct%20horse%20battery@h".into()),
            "*** and //u:***@h"
        );
        let word = Secret::new("postgres", "postgres");
        assert_eq!(
            word.mask("postgresql://postgres:postgres@h/postgres".into()),
            "postgresql://postgres:***@h/postgres"
        );
        assert_eq!(Secret::new("", "").mask("a:@b".into()), "a:@b");
    }
}
