//! What was expected beside what was found, line by line.

use similar::{ChangeTag, TextDiff};

use crate::criteria::Comparison;

/// Lines around a change that both sides have.
const CONTEXT: usize = 3;

/// An aligned diff: `-` was expected and is not there, `+` is there instead.
pub fn aligned(comparison: &Comparison) -> String {
    let diff = TextDiff::from_lines(&comparison.expected, &comparison.found);
    let mut lines = vec!["- expected".to_owned(), "+ found".to_owned()];
    let mut next = 0;
    for group in diff.grouped_ops(CONTEXT) {
        let from = group.first().map_or(next, |first| first.old_range().start);
        lines.extend(skipped(from.saturating_sub(next)));
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            let line = change.value().trim_end_matches(['\n', '\r']);
            lines.push(format!("{sign} {line}").trim_end().to_owned());
        }
        next = group.last().map_or(next, |last| last.old_range().end);
    }
    lines.extend(skipped(diff.old_len().saturating_sub(next)));
    lines.join("\n")
}

fn skipped(count: usize) -> Option<String> {
    match count {
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
