//! The promises of the criteria, as text for a terminal.

use std::fmt::Write;

use crate::criteria::{self, Criterion};

/// The criterion with this id in full; all of them in a line each without one.
#[must_use]
pub fn text(id: Option<&str>) -> String {
    let mut text = String::new();
    match id.and_then(|id| criteria::ALL.iter().find(|one| one.id == id)) {
        Some(criterion) => explain(&mut text, criterion),
        None => {
            let width = criteria::ids().into_iter().map(str::len).max();
            for criterion in criteria::ALL {
                let width = width.unwrap_or_default();
                let _ = writeln!(text, "{:width$}  {}", criterion.id, criterion.asserts);
            }
        }
    }
    text
}

fn explain(text: &mut String, criterion: &Criterion) {
    let parts = [
        ("asserts", criterion.asserts),
        ("why", criterion.why),
        ("when it is red", criterion.remedy),
    ];
    let _ = writeln!(text, "{}", criterion.id);
    for (title, said) in parts {
        let _ = writeln!(text, "\n{title}:\n  {said}");
    }
}
