//! Annotations that GitHub's log reader turns into comments on changed lines
//! (<https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions>).

use std::path::{Path, PathBuf};

use super::data::Report;
use super::outputs::{Defect, DefectKind, defects};
use crate::text::counted;

/// `github` asks for annotations anywhere, `none` for none.
const VARIABLE: &str = "ANNOTATIONS";

/// Tells whether the log of this run is one that GitHub reads, or somebody says so.
#[must_use]
pub fn are_wanted() -> bool {
    match std::env::var(VARIABLE).as_deref() {
        Ok("github") => true,
        Ok("none") => false,
        _ => std::env::var("GITHUB_ACTIONS").is_ok_and(|value| value == "true"),
    }
}

/// The number of annotations that GitHub shows of a step, and of a level.
const SHOWN: usize = 10;

/// One line per finding, the last one for all that are not shown.
#[must_use]
pub fn github(report: &Report) -> Vec<String> {
    let (unjudged, judged): (Vec<_>, Vec<_>) = defects(report)
        .into_iter()
        .partition(|defect| defect.kind == DefectKind::NotJudged);
    let mut lines: Vec<String> = judged.iter().map(annotation).collect();
    if !unjudged.is_empty() {
        let names: Vec<String> = unjudged.iter().map(|one| one.case.name()).collect();
        let said = format!(
            "{} not judged: {}",
            counted(unjudged.len(), "case"),
            names.join(", ")
        );
        lines.push(without_place("migrations not judged", &said));
    }
    if lines.len() > SHOWN {
        let more = lines.len() - (SHOWN - 1);
        lines.truncate(SHOWN - 1);
        let said = format!(
            "{} in the log and in the report",
            counted(more, "more finding")
        );
        lines.push(without_place("more findings", &said));
    }
    lines
}

fn without_place(title: &str, said: &str) -> String {
    format!("::error title={}::{}", property(title), data(said))
}

fn annotation(defect: &Defect<'_>) -> String {
    let (file, line, end) = defect.location();
    let end = end.map(|end| format!(",endLine={end}")).unwrap_or_default();
    format!(
        "::error file={},line={line}{end},title={}::{}",
        property(file),
        property(&format!("{}: {}", defect.criterion, defect.case.service)),
        data(&defect.message())
    )
}

/// Escapes the text of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Escapes the value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// A file's path from the root of the git repository that holds it.
#[must_use]
pub fn in_repository(file: &Path) -> Option<String> {
    let file = file.canonicalize().ok()?;
    let root: PathBuf = file
        .ancestors()
        .skip(1)
        .find(|parent| parent.join(".git").exists())?
        .to_owned();
    let inside = file.strip_prefix(root).ok()?;
    Some(inside.to_string_lossy().into_owned())
}
