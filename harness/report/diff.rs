//! The expected text beside the one that was found, line by line.

use similar::{Algorithm, DiffTag, capture_diff_slices};

use crate::criteria::Comparison;

/// Lines around a change that both sides have.
const CONTEXT: usize = 3;

/// An aligned diff: `-` was expected and is not there, `+` is there instead.
pub fn aligned(comparison: &Comparison) -> String {
    // A last line's end is no line.
    let [expected, found] = [&comparison.expected, &comparison.found]
        .map(|text| text.trim_end().split('\n').collect::<Vec<&str>>());
    let mut rows: Vec<(char, &str)> = Vec::new();
    for change in capture_diff_slices(Algorithm::Myers, &expected, &found) {
        let (tag, old, new) = change.as_tag_tuple();
        match tag {
            DiffTag::Equal => rows.extend(expected[old].iter().map(|line| (' ', *line))),
            DiffTag::Delete | DiffTag::Insert | DiffTag::Replace => {
                rows.extend(expected[old].iter().map(|line| ('-', *line)));
                rows.extend(found[new].iter().map(|line| ('+', *line)));
            }
        }
    }
    let is_near = |at: usize| {
        let near = at.saturating_sub(CONTEXT)..rows.len().min(at + CONTEXT + 1);
        rows[near].iter().any(|(sign, _)| *sign != ' ')
    };
    let mut lines = vec!["- expected".to_owned(), "+ found".to_owned()];
    let mut skipped = 0;
    for (at, (sign, line)) in rows.iter().enumerate() {
        if is_near(at) {
            lines.extend(counted(std::mem::take(&mut skipped)));
            lines.push(format!("{sign} {line}").trim_end().to_owned());
        } else {
            skipped += 1;
        }
    }
    lines.extend(counted(skipped));
    lines.join("\n")
}

fn counted(skipped: usize) -> Option<String> {
    match skipped {
        0 => None,
        1 => Some("  ... 1 equal line".to_owned()),
        many => Some(format!("  ... {many} equal lines")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diff(expected: &str, found: &str) -> String {
        aligned(&Comparison {
            expected: expected.to_owned(),
            found: found.to_owned(),
        })
    }

    #[test]
    fn both_sides_stand_in_one_column() {
        assert_eq!(
            diff(
                "CREATE INDEX\nUSING btree (a, b)\nWHERE a",
                "CREATE INDEX\nUSING btree (b, a)\nWHERE a"
            ),
            "- expected\n+ found\n  CREATE INDEX\n- USING btree (a, b)\n+ USING btree (b, a)\n  WHERE a"
        );
    }

    #[test]
    fn what_both_have_is_counted_where_it_is_long() {
        let many: String = (0..50).map(|number| format!("{number}\n")).collect();
        let text = diff(&many, &format!("{many}new\n"));
        assert_eq!(
            text,
            "- expected\n+ found\n  ... 47 equal lines\n  47\n  48\n  49\n+ new"
        );
    }
}
