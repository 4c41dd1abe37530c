//! One spelling for what PostgreSQL prints in two.

/// Gives `a IN ('x', 'y')` one spelling where PostgreSQL has two: it prints
/// `(ARRAY['x'::character varying])::text[]`, and once that is loaded again, as from a
/// dump, `ARRAY[('x'::character varying)::text]`. Both mean the same.
pub fn one_spelling(sql: &str) -> String {
    const OPENING: &str = "ARRAY[";
    let mut text = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(at) = rest.find(OPENING) {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        match labels_as_text(&from[OPENING.len()..]) {
            Some((labels, after)) => {
                text.push_str(&format!("(ARRAY[{}])::text[]", labels.join(", ")));
                rest = after;
            }
            None => {
                text.push_str(OPENING);
                rest = &from[OPENING.len()..];
            }
        }
    }
    text + rest
}

/// The elements of `('x'::character varying)::text, ...]` without the last cast, and what
/// follows the bracket; `None` where any of them is something else.
fn labels_as_text(mut rest: &str) -> Option<(Vec<String>, &str)> {
    let mut labels = Vec::new();
    loop {
        let inside = rest.strip_prefix("('")?;
        let mut letters = inside.char_indices().peekable();
        let end = loop {
            let (at, letter) = letters.next()?;
            if letter == '\'' && letters.next_if(|(_, next)| *next == '\'').is_none() {
                break at;
            }
        };
        let after = inside[end + 1..].strip_prefix("::character varying)::text")?;
        labels.push(format!("'{}'::character varying", &inside[..end]));
        match after.strip_prefix(", ") {
            Some(next) => rest = next,
            None => return Some((labels, after.strip_prefix(']')?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::one_spelling;

    #[rstest]
    #[case::two(
        "= ANY (ARRAY[('a'::character varying)::text, ('it''s, ]'::character varying)::text])))",
        "= ANY ((ARRAY['a'::character varying, 'it''s, ]'::character varying])::text[])))"
    )]
    #[case::as_it_is(
        "= ANY ((ARRAY['a'::character varying])::text[])",
        "= ANY ((ARRAY['a'::character varying])::text[])"
    )]
    #[case::columns(
        "ARRAY[(a)::text, ('b'::character varying)::text]",
        "ARRAY[(a)::text, ('b'::character varying)::text]"
    )]
    #[case::unfinished(
        "ARRAY[('a'::character varying)::text",
        "ARRAY[('a'::character varying)::text"
    )]
    fn lists_of_labels_have_one_spelling(#[case] printed: &str, #[case] text: &str) {
        assert_eq!(one_spelling(printed), text);
    }
}
