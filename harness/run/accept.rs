//! `--accept`, or `ACCEPT=1`: what was found gets a line in the service's manifest file, with
//! the date as its reason, so that a monorepo that is red can begin to watch for what is new. With
//! `BASE_REF` only what that has too is accepted, and what a branch brings by its key.

mod base;

use std::env;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use time::OffsetDateTime;
use toml_edit::{DocumentMut, Item, Table, TableLike, value};

pub(super) use base::{Base, judge_base};

use super::arguments::{ACCEPT, Arguments};
use super::schemas;
use crate::criteria::{Acceptance, Finding, Verdict};
use crate::error::{HarnessError, Result, Stage};
use crate::gather::progress::{Progress, Say};
use crate::manifest::Service;

impl Arguments {
    /// Tells whether anything is to be accepted.
    pub(super) fn accepts_anything(&self) -> bool {
        !self.accept.is_empty() || from_variable().is_some()
    }

    /// Tells whether something is to be accepted by its key; what is grave only where that is
    /// named.
    pub(super) fn accepts(&self, key: &str, is_grave: bool) -> bool {
        self.asks_for(key, is_grave, None).is_ok()
    }

    /// Tells why the line with a key is not to be written; a grave one is only where its key is
    /// named, and so is one that the base ref does not have.
    fn asks_for(
        &self,
        key: &str,
        is_grave: bool,
        base: Option<&Base>,
    ) -> Result<(), WithheldReason> {
        let variable = from_variable();
        let asked: Vec<&String> = self.accept.iter().chain(&variable).collect();
        if asked.iter().any(|asked| *asked == key) {
            return Ok(());
        }
        let is_new = base.is_some_and(|base| !base.keys.contains(key));
        match asked.iter().any(|asked| asked.is_empty()) {
            true if is_grave => Err(WithheldReason::Grave),
            true if is_new => Err(WithheldReason::New),
            true => Ok(()),
            false => Err(WithheldReason::NotNamed),
        }
    }
}

/// The reasons why a line is not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WithheldReason {
    /// A deployment loses something by it, or is blocked.
    Grave,
    /// The base ref does not have it.
    New,
    /// Other keys were named.
    NotNamed,
}

/// The key of the variable, which is empty for all that are not grave.
fn from_variable() -> Option<String> {
    match env::var(ACCEPT).ok()?.as_str() {
        "" | "0" => None,
        "1" => Some(String::new()),
        key => Some(key.to_owned()),
    }
}

/// Writes the lines that accept the findings of a red verdict, as far as that is asked for, and
/// says of each what was done.
///
/// # Errors
/// The service's file cannot be written, or the base ref cannot be judged.
pub(super) fn findings(
    service: &Service,
    verdict: &Verdict,
    arguments: &Arguments,
    base: impl FnOnce() -> Result<Option<Base>>,
    say: Say<'_>,
) -> Result<()> {
    let Verdict::Fail(findings) = verdict else {
        return Ok(());
    };
    if !arguments.accepts_anything() {
        return Ok(());
    }
    let can_be = findings.iter().any(|one| !one.acceptances.is_empty());
    let base = if can_be { base()? } else { None };
    for finding in findings {
        for note in finding_accepted(service, finding, arguments, base.as_ref())? {
            say(Progress::Note(note));
        }
    }
    Ok(())
}

fn finding_accepted(
    service: &Service,
    finding: &Finding,
    arguments: &Arguments,
    base: Option<&Base>,
) -> Result<Vec<String>> {
    if finding.acceptances.is_empty() {
        return Ok(vec![format!("cannot be accepted: {}", finding.title)]);
    }
    let file = &service.file;
    let mut wanted: Vec<&Acceptance> = Vec::new();
    let mut left = Vec::new();
    for one in &finding.acceptances {
        match arguments.asks_for(&one.key, one.is_grave, base) {
            Ok(()) => wanted.push(one),
            Err(why) => left.push((one, why)),
        }
    }
    let reason = format!("accepted {}", OffsetDateTime::now_utc().date());
    let written = write(file, &wanted, &reason).map_err(|cause| {
        let problem = format!("{} cannot be written: {cause}", file.display());
        HarnessError::new(Stage::Manifest, problem)
    })?;
    let written = written.iter().filter_map(|(one, is_new)| {
        let table = one.table.path()?.join(".");
        let file = service.shown(file);
        Some(match is_new {
            true => format!("accepted: [{table}] \"{}\" in {file}", one.key),
            false => format!(
                "not accepted, since {file} has a line for it: [{table}] \"{}\"",
                one.key
            ),
        })
    });
    let left = left.iter().map(|(one, why)| {
        let why = match (why, base) {
            (WithheldReason::New, Some(base)) => format!("{} does not have it", base.name),
            (WithheldReason::NotNamed, _) => "another key is named".to_owned(),
            _ => "a deployment is at stake".to_owned(),
        };
        format!(
            "not accepted, since {why}; \"--accept={}\" would: {}",
            one.key, finding.title
        )
    });
    Ok(written.chain(left).collect())
}

/// Adds lines to a file that keeps its comments and its order; tells of each whether it was not
/// there before.
pub(super) fn write<'a>(
    file: &Path,
    lines: &[&'a Acceptance],
    reason: &str,
) -> io::Result<Vec<(&'a Acceptance, bool)>> {
    // One writer at a time, of all processes: each reads what the one before it wrote.
    let lock = File::open(file.parent().unwrap_or(Path::new(".")))?;
    lock.lock()?;
    let text = fs::read_to_string(file)?;
    let mut document: DocumentMut = text.parse().map_err(io::Error::other)?;
    let mut written = Vec::new();
    for line in lines {
        let Some(path) = line.table.path() else {
            continue;
        };
        let table = table(&mut document, path)?;
        let is_new = !table.contains_key(&line.key);
        if is_new {
            table.insert(&line.key, value(reason));
        }
        written.push((*line, is_new));
    }
    if written.iter().any(|(_, is_new)| *is_new) {
        schemas::write(file, &document.to_string())?;
    }
    Ok(written)
}

/// The table of a path, which is made where there is none.
fn table<'a>(document: &'a mut DocumentMut, path: [&str; 2]) -> io::Result<&'a mut dyn TableLike> {
    let mut table: &mut dyn TableLike = document.as_table_mut();
    for (depth, key) in path.into_iter().enumerate() {
        let mut new = Table::new();
        // A header of its own is for the innermost one.
        new.set_implicit(depth == 0);
        let item = table.entry(key).or_insert(Item::Table(new));
        table = item
            .as_table_like_mut()
            .ok_or_else(|| io::Error::other(format!("\"{key}\" is no table")))?;
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use pretty_assertions::assert_eq;
    use rstest::rstest;

    use super::*;
    use crate::criteria::AcceptedIn;

    fn line(table: AcceptedIn, key: &str, is_grave: bool) -> Acceptance {
        Acceptance {
            table,
            key: key.to_owned(),
            is_grave,
        }
    }

    #[rstest]
    #[case::new(
        "path = \"a\" # here\n",
        "path = \"a\" # here\n\n[model_drift.accepted]\n\"a.b\" = \"R\"\n"
    )]
    #[case::beside(
        "[model_drift]\nowned_elsewhere = [\"x\"]\n# last\n\n[env]\nA = \"1\"\n",
        "[model_drift]\nowned_elsewhere = [\"x\"]\n\n[model_drift.accepted]\n\"a.b\" = \"R\"\n# last\n\n[env]\nA = \"1\"\n"
    )]
    #[case::known(
        "[model_drift.accepted]\n# why\nz = \"y\"\n",
        "[model_drift.accepted]\n# why\nz = \"y\"\n\"a.b\" = \"R\"\n"
    )]
    #[case::inline(
        "model_drift = { accepted = { z = \"y\" } }\n",
        "model_drift = { accepted = { z = \"y\" , \"a.b\" = \"R\" } }\n"
    )]
    #[case::there_already(
        "[model_drift.accepted]\n\"a.b\" = false\n",
        "[model_drift.accepted]\n\"a.b\" = false\n"
    )]
    fn lines_are_added_and_the_rest_stays(#[case] before: &str, #[case] after: &str) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.toml");
        fs::write(&file, before).unwrap();
        let line = line(AcceptedIn::ModelDrift, "a.b", false);
        write(&file, &[&line], "R").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), after);
    }

    #[test]
    fn what_is_grave_is_accepted_by_its_key() {
        let accepts = |words: &[&str], is_grave| {
            let words = ["services"].iter().chain(words).map(Into::into);
            Arguments::read(words).accepts("r2 a.b gone", is_grave)
        };
        assert!(accepts(&["--accept"], false) && !accepts(&["--accept"], true));
        assert!(accepts(&["--accept=r2 a.b gone"], true));
        assert!(!accepts(&["--accept=another"], false) && !accepts(&[], false));
        assert!(
            !accepts(&["--accept", "r2 a.b gone"], true),
            "that is a filter"
        );
    }

    #[test]
    fn what_the_base_ref_does_not_have_is_accepted_by_its_key() {
        let base = Base {
            name: "main".to_owned(),
            keys: ["a.b".to_owned()].into(),
        };
        let accepts = |word: &str, key: &str| {
            let words = ["services", word].map(Into::into);
            Arguments::read(words).asks_for(key, false, Some(&base))
        };
        assert_eq!(accepts("--accept", "a.b"), Ok(()));
        assert_eq!(accepts("--accept", "a.c"), Err(WithheldReason::New));
        assert_eq!(accepts("--accept=a.c", "a.c"), Ok(()));
        assert_eq!(
            accepts("--accept=a.c", "a.b"),
            Err(WithheldReason::NotNamed)
        );
    }
}
