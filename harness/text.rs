//! Text for people: in one line, cut, counted.

/// The text with its white space folded into single spaces.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// At most so many letters of a text, with `...` where more follow.
#[must_use]
pub fn cut(text: &str, letters: usize) -> String {
    match text.char_indices().nth(letters) {
        Some((end, _)) => format!("{} ...", &text[..end]),
        None => text.to_owned(),
    }
}

/// The beginning of a text in one line, with `...` where more follows.
#[must_use]
pub fn beginning(text: &str, letters: usize) -> String {
    cut(&one_line(text), letters)
}

/// `1 revision`, `2 revisions`.
#[must_use]
pub fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::{counted, cut, one_line};

    #[test]
    fn a_long_text_is_cut_between_letters() {
        assert_eq!(cut("prüfung", 7), "prüfung");
        assert_eq!(cut("prüfung", 3), "prü ...");
    }

    #[test]
    fn a_text_of_several_lines_comes_into_one() {
        assert_eq!(one_line(" SELECT 1\n   FROM a\t"), "SELECT 1 FROM a");
    }

    #[test]
    fn one_is_singular() {
        assert_eq!(counted(1, "index column"), "1 index column");
        assert_eq!(counted(0, "revision"), "0 revisions");
    }
}
