//! From what `fix` proved to what a report shows of it.

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::data;
use crate::report::annotations::in_repository;
use crate::report::fixes::{self, FileChange, OfferedFix, ServiceFixes, lines_of};

/// The page data of the fixes of a service.
pub fn fixes(fixed: &ServiceFixes) -> data::Fixes {
    let refused = fixed.refused.iter().map(|one| data::DefectWithoutFix {
        criterion: one.criterion.to_owned(),
        why: one.why.clone(),
    });
    let left = fixed
        .left
        .iter()
        .map(|(criterion, title)| data::DefectWithoutFix {
            criterion: criterion.clone(),
            why: title.clone(),
        });
    data::Fixes {
        offered: fixed.offered.iter().map(fix).collect(),
        refused: refused.collect(),
        left: left.collect(),
        accepted: fixed.accepted.clone(),
        written: fixed.written.clone(),
        commands: fixes::next_commands(fixed),
    }
}

fn fix(offered: &OfferedFix) -> data::Fix {
    data::Fix {
        criterion: offered.criterion.clone(),
        what: offered.what.clone(),
        class: fixes::class(offered),
        proved: fixes::proved(offered),
        turned: offered.turned.clone(),
        stayed: offered.stayed,
        ends: offered.ends.clone(),
        diff: offered.files.iter().map(fixes::unified).collect(),
        changes: offered.whole.iter().map(edits).collect(),
    }
}

/// The lines of a file that become others; those between two differences stay.
fn edits(change: &FileChange) -> data::FileEdits {
    let before = change.before.as_deref().unwrap_or_default();
    let (old, new) = (lines_of(before), lines_of(&change.after));
    let operations = capture_diff_slices(Algorithm::Myers, &old, &new);
    let changed = operations
        .iter()
        .filter(|one| !matches!(one, DiffOp::Equal { .. }));
    let edits = changed.map(|one| data::LineEdit {
        line: one.old_range().start + 1,
        lines: one.old_range().len(),
        text: new[one.new_range()].concat(),
    });
    let directory = change.file.parent().and_then(in_repository);
    let repository_file = directory.zip(change.file.file_name()).map(|(above, name)| {
        let above = std::path::PathBuf::from(above);
        above.join(name).display().to_string()
    });
    data::FileEdits {
        file: change.path.display().to_string(),
        repository_file,
        is_new: change.before.is_none(),
        edits: edits.collect(),
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    #[test]
    fn edits_are_whole_lines_and_leave_those_between_them() {
        let edits = edits(&FileChange {
            file: "/nowhere/a.py".into(),
            path: "a.py".into(),
            before: Some("1\n2\n3\n4\n".to_owned()),
            after: "0\n1\n2\nx\ny\n4\n".to_owned(),
        });
        let found: Vec<_> = edits
            .edits
            .iter()
            .map(|one| (one.line, one.lines, one.text.as_str()))
            .collect();
        assert_eq!(found, [(1, 0, "0\n"), (3, 1, "x\ny\n")]);
    }
}
