//! Objects before and after, line under line, within what can be read at a glance.

use crate::criteria::{ChangedLine, ChangedObject};

/// The number of lines of all objects together.
const LINES: usize = 16;
/// The number of lines of one object that are shown where there are several.
const LINES_EACH: usize = 6;
/// The number of objects that are named and not shown.
const NAMED: usize = 6;
/// Columns from which on a line's end does not push remarks to the right.
const WIDE: usize = 64;

/// One text per object, and one that names those that are not shown.
pub fn lines(changed: &[ChangedObject]) -> Vec<String> {
    let mut texts = Vec::new();
    let mut left = LINES;
    let each = if changed.len() == 1 {
        LINES
    } else {
        LINES_EACH
    };
    for (position, object) in changed.iter().enumerate() {
        if left < 2 && position + 1 < changed.len() {
            texts.push(others(&changed[position..]));
            break;
        }
        let (text, taken) = one(object, each.min(left.max(2)));
        left = left.saturating_sub(taken + 1);
        texts.push(text);
    }
    texts
}

fn others(changed: &[ChangedObject]) -> String {
    let named: Vec<&str> = changed
        .iter()
        .take(NAMED)
        .map(|object| object.title.as_str())
        .collect();
    match changed.len().saturating_sub(NAMED) {
        0 => named.join("\n"),
        more => format!("{}\nand {more} more", named.join("\n")),
    }
}

/// The text of one object, and how many lines of it were shown.
fn one(object: &ChangedObject, most: usize) -> (String, usize) {
    let rows: Vec<(String, &str)> = object.lines.iter().flat_map(rows).collect();
    let hidden = if rows.len() > most {
        rows.len() + 1 - most
    } else {
        0
    };
    let shown = &rows[..rows.len() - hidden];
    let ends = shown
        .iter()
        .map(|(text, _)| text.chars().count())
        .filter(|end| *end <= WIDE);
    let column = ends.max().unwrap_or_default();
    let mut text = object.title.clone();
    for (row, remark) in shown {
        let remark = if remark.is_empty() {
            String::new()
        } else {
            format!("   <- {remark}")
        };
        text.push_str(format!("\n{row:column$}{remark}").trim_end());
    }
    if hidden > 0 {
        text.push_str(&format!("\n  ({hidden} more lines)"));
    }
    (text, shown.len() + usize::from(hidden > 0))
}

/// The line before above the line after, with the remark beside the last of them.
fn rows(line: &ChangedLine) -> Vec<(String, &str)> {
    let remark = line.remark.as_deref().unwrap_or_default();
    let sides = [("-", &line.before), ("+", &line.after)];
    let mut rows: Vec<(String, &str)> = Vec::new();
    for (sign, text) in sides {
        let lines = text
            .iter()
            .flat_map(|text| text.lines().map(move |line| format!("{sign} {line}")));
        rows.extend(lines.map(|row| (row, "")));
    }
    if let Some(last) = rows.last_mut() {
        last.1 = remark;
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::lines;
    use crate::criteria::{ChangedLine, ChangedObject};

    fn line(before: Option<&str>, after: Option<&str>, remark: Option<&str>) -> ChangedLine {
        ChangedLine {
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
            remark: remark.map(str::to_owned),
        }
    }

    fn object(lines: Vec<ChangedLine>) -> ChangedObject {
        ChangedObject {
            title: "changed: table a".to_owned(),
            lines,
        }
    }

    #[test]
    fn remarks_stand_in_one_column() {
        let changed = object(vec![
            line(Some("a bigint"), Some("a int"), Some("narrowed")),
            line(Some("title text"), None, Some("dropped")),
        ]);
        let text =
            "changed: table a\n- a bigint\n+ a int        <- narrowed\n- title text   <- dropped";
        assert_eq!(lines(&[changed]), [text]);
    }

    #[test]
    fn what_is_not_shown_is_counted() {
        let long = object((0..40).map(|_| line(None, Some("b"), None)).collect());
        let alone = lines(std::slice::from_ref(&long));
        assert_eq!(alone[0].lines().count(), 17, "{alone:?}");
        assert!(alone[0].ends_with("(25 more lines)"), "{alone:?}");
        let many = lines(&vec![long; 20]);
        let count: usize = many.iter().map(|text| text.lines().count()).sum();
        assert!(count < 30, "{many:?}");
        assert!(many[many.len() - 1].ends_with("more"), "{many:?}");
    }
}
