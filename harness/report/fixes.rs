//! The text of what `fix` found for a service: [`ServiceFixes`].

use std::path::PathBuf;

use similar::{Algorithm, DiffOp, capture_diff_slices, group_diff_ops};

use super::{data, given, quoted};
use crate::criteria::proposal::{Class, Refusal};
use crate::invocation::Invocation;
use crate::manifest::{BASE_REF, DIRECTORY_VARIABLE};

/// The fixes of one service, proved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceFixes {
    /// The service.
    pub service: String,
    /// The number of criteria that apply, and of those that are red.
    pub judged: (usize, usize),
    /// The fixes that are offered, in the order in which they are applied.
    pub offered: Vec<OfferedFix>,
    /// The fixes that are not, and why.
    pub refused: Vec<Refusal>,
    /// The findings that no fix ends, each with its criterion.
    pub left: Vec<(String, String)>,
    /// The lines of the manifest that accept that published files are not what they were.
    pub accepted: Vec<String>,
    /// The effects of writing, if that was asked for.
    pub written: Vec<String>,
    /// Tells whether something was not written, since it is unsafe.
    pub withholds: bool,
    /// The branch that has to be merged, where fixes build on its revisions.
    pub to_be_merged: Option<String>,
    /// Tells whether the schema that was accepted is another one afterwards.
    pub other_schema: bool,
}

/// A fix that was proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedFix {
    /// The criterion whose finding it ends.
    pub criterion: String,
    /// Its effect on the files.
    pub what: String,
    /// Its class.
    pub class: Class,
    /// The criteria that turn green.
    pub turned: Vec<String>,
    /// The number of criteria that stay green.
    pub stayed: usize,
    /// Tells whether two orders of revisions gave one catalog.
    pub both_orders: bool,
    /// The positions of the findings that it ends, among those of the criterion's case.
    pub ends: Vec<usize>,
    /// The files, before it and after it.
    pub files: Vec<FileChange>,
    /// The files as they are, and after all fixes up to this one.
    pub whole: Vec<FileChange>,
}

/// A file before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// The file.
    pub file: PathBuf,
    /// Its path from the monorepo's root.
    pub path: PathBuf,
    /// Its text before; `None` where it is new.
    pub before: Option<String>,
    /// Its text after.
    pub after: String,
}

impl ServiceFixes {
    /// Tells whether everything that is red has a fix.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.left.is_empty()
    }

    /// Tells whether a fix is only written where that is asked for twice.
    #[must_use]
    pub fn has_unsafe(&self) -> bool {
        self.offered.iter().any(|fix| fix.class == Class::Unsafe)
    }
}

/// The whole text, for standard output.
#[must_use]
pub fn text(fixed: &ServiceFixes) -> String {
    let (all, red) = fixed.judged;
    if red == 0 {
        return format!(
            "{}: nothing to fix, {} green\n",
            fixed.service,
            criteria(all)
        );
    }
    let mut lines: Vec<String> = Vec::new();
    lines.push(format!("{}: {red} of {} red", fixed.service, criteria(all)));
    for fix in &fixed.offered {
        lines.push(String::new());
        lines.push(format!(
            "fix[{}] ({}): {}",
            fix.criterion,
            class(fix).word(),
            fix.what
        ));
        lines.push(format!("  proved on a copy: {}", proved(fix)));
        lines.extend(
            fix.files
                .iter()
                .map(|file| unified(file).trim_end().to_owned()),
        );
    }
    if !fixed.accepted.is_empty() {
        lines.push(String::new());
    }
    let accepted = fixed.accepted.iter();
    lines.extend(accepted.map(|line| format!("accepted with it: {line}")));
    if !fixed.refused.is_empty() || !fixed.left.is_empty() {
        lines.push(String::new());
    }
    let refused = fixed.refused.iter();
    lines.extend(refused.map(|one| format!("no fix[{}]: {}", one.criterion, one.why)));
    let left = fixed.left.iter();
    lines.extend(left.map(|(criterion, title)| format!("left red[{criterion}]: {title}")));
    lines.push(String::new());
    lines.extend(last_lines(fixed));
    lines.join("\n") + "\n"
}

fn criteria(count: usize) -> String {
    match count {
        1 => "1 criterion".to_owned(),
        many => format!("{many} criteria"),
    }
}

/// The class of a fix, as reports have it.
pub(super) fn class(fix: &OfferedFix) -> data::Class {
    match fix.class {
        Class::Safe => data::Class::Safe,
        Class::Unsafe => data::Class::Unsafe,
    }
}

/// The proof of a fix, in words.
pub(super) fn proved(fix: &OfferedFix) -> String {
    let turned = match fix.turned.as_slice() {
        [] => format!("{} gets further", fix.criterion),
        [one] => format!("{one} turns green"),
        many => format!("{} turn green", many.join(", ")),
    };
    let stayed = match fix.stayed {
        0 => String::new(),
        1 => ", 1 other stays green".to_owned(),
        many => format!(", {many} others stay green"),
    };
    let orders = match fix.both_orders {
        true => ", both orders give the same catalog",
        false => "",
    };
    format!("{turned}{stayed}{orders}")
}

/// The effects of writing, and the next thing to do.
fn last_lines(fixed: &ServiceFixes) -> Vec<String> {
    let next = next(fixed).into_iter();
    let next = next.map(|(when, command)| format!("{when}: {command}"));
    fixed.written.iter().cloned().chain(next).collect()
}

/// The commands to type next.
pub(super) fn next_commands(fixed: &ServiceFixes) -> Vec<String> {
    next(fixed)
        .into_iter()
        .map(|(_, command)| command)
        .collect()
}

/// The commands to type next, each with when.
fn next(fixed: &ServiceFixes) -> Vec<(&'static str, String)> {
    let mut commands = Vec::new();
    let switches: &[&str] = match fixed.has_unsafe() {
        true => &["WRITE", "UNSAFE"],
        false => &["WRITE"],
    };
    let is_offered = !fixed.offered.is_empty();
    if is_offered && (fixed.written.is_empty() || fixed.withholds) {
        commands.push(("write", command(&fixed.service, switches)));
    }
    let merge = fixed.to_be_merged.iter().filter(|_| is_offered);
    commands.extend(merge.map(|base_ref| ("then", format!("git merge {}", quoted(base_ref)))));
    if fixed.other_schema {
        let judge = Invocation::current().judge_with(
            "UPDATE_SCHEMAS=1",
            &format!("deployed_schema::{}.toml", fixed.service),
            &fixed.service,
        );
        let judge = given(DIRECTORY_VARIABLE) + &judge;
        commands.push(("then, since the schema is another one", judge));
    }
    commands
}

/// The command that looks for fixes of a service, as it is typed.
#[must_use]
pub fn command(service: &str, switches: &[&str]) -> String {
    let command = Invocation::current().fix(&quoted(service), switches);
    given(DIRECTORY_VARIABLE) + &given(BASE_REF) + &command
}

/// A unified diff of one file, as patch(1) reads it.
pub(super) fn unified(file: &FileChange) -> String {
    let path = file.path.display();
    let before = file.before.as_deref().unwrap_or_default();
    let (old, new) = (lines_of(before), lines_of(&file.after));
    let from = match file.before {
        Some(_) => format!("--- a/{path}\n"),
        None => "--- /dev/null\n".to_owned(),
    };
    let mut text = format!("{from}+++ b/{path}\n");
    let operations = capture_diff_slices(Algorithm::Myers, &old, &new);
    for group in group_diff_ops(operations, 3) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else {
            continue;
        };
        let span = |start: usize, end: usize| match end - start {
            0 => format!("{start},0"),
            1 => (start + 1).to_string(),
            many => format!("{},{many}", start + 1),
        };
        let removed = span(first.old_range().start, last.old_range().end);
        let added = span(first.new_range().start, last.new_range().end);
        text += &format!("@@ -{removed} +{added} @@\n");
        text.extend(group.iter().map(|operation| hunk(operation, &old, &new)));
    }
    text
}

fn hunk(operation: &DiffOp, old: &[&str], new: &[&str]) -> String {
    let signed = |sign: char, lines: &[&str]| -> String {
        let all = lines.iter().map(|line| match line.ends_with('\n') {
            true => format!("{sign}{line}"),
            false => format!("{sign}{line}\n\\ No newline at end of file\n"),
        });
        all.collect()
    };
    let (before, after) = (&old[operation.old_range()], &new[operation.new_range()]);
    match operation {
        DiffOp::Equal { .. } => signed(' ', before),
        _ => signed('-', before) + &signed('+', after),
    }
}

/// Lines with their ends.
pub(super) fn lines_of(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    fn diff(before: Option<&str>, after: &str) -> String {
        unified(&FileChange {
            file: "/a.py".into(),
            path: "a.py".into(),
            before: before.map(str::to_owned),
            after: after.to_owned(),
        })
    }

    #[test]
    fn a_diff_is_one_that_patch_reads() {
        assert_eq!(
            diff(Some("1\n2\n3\n4\n5\n6\n"), "1\n2\n3\n4\nx\n6\n"),
            "--- a/a.py\n+++ b/a.py\n@@ -2,5 +2,5 @@\n 2\n 3\n 4\n-5\n+x\n 6\n"
        );
        assert_eq!(
            diff(None, "1\n2"),
            "--- /dev/null\n+++ b/a.py\n@@ -0,0 +1,2 @@\n+1\n+2\n\\ No newline at end of file\n"
        );
    }
}
