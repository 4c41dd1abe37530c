//! The result of `discover`, for people.

use std::fmt::Write;
use std::path::Path;

use super::shown;
use crate::discover::service::{Common, FoundService};
use crate::discover::write::{State, WrittenFile};
use crate::discover::{Discovery, Request, Sure};
use crate::invocation::Invocation;

/// The whole text.
#[must_use]
pub fn text(request: &Request, discovery: &Discovery) -> String {
    let mut text = String::new();
    let services = discovery.services.len();
    let plural = if services == 1 { "" } else { "s" };
    let _ = writeln!(
        text,
        "{services} Alembic environment{plural} below {} ({} directories, {:.1} s)\n",
        shown(&discovery.root),
        discovery.directories,
        discovery.took.as_secs_f64(),
    );
    for (sure, why) in discovery.common.reasons() {
        let _ = writeln!(text, "unless said otherwise, {sure}: {why}\n");
    }
    let widest = discovery
        .services
        .iter()
        .map(|found| found.name.chars().count())
        .max();
    for found in &discovery.services {
        text.push_str(&service(
            found,
            &discovery.common,
            widest.unwrap_or_default(),
        ));
    }
    if !discovery.left_out.is_empty() {
        text.push_str("\nnot in the manifest:\n");
        for (path, why) in &discovery.left_out {
            let _ = writeln!(text, "  {path}: {why}");
        }
    }
    text.push('\n');
    match request.dry_run {
        true => text.push_str(&would_be(&discovery.files)),
        false => text.push_str(&files(discovery)),
    }
    text.push_str(&next(request, discovery));
    text
}

fn service(found: &FoundService, common: &Common, width: usize) -> String {
    let history = match found
        .history
        .as_ref()
        .map(|(all, heads)| (*all, heads.len()))
    {
        Some((0, _)) => "no revision".to_owned(),
        Some((1, 1)) => "1 revision".to_owned(),
        Some((revisions, 1)) => format!("{revisions} revisions"),
        Some((revisions, heads)) => format!("{revisions} revisions, {heads} heads"),
        None => "revisions that only Python can tell".to_owned(),
    };
    let mut text = format!(
        "{:width$}  {:7}  {}, {history}\n",
        found.name,
        found.sure(common),
        found.path
    );
    for (_, why) in found.reasons(common) {
        let _ = writeln!(text, "{:width$}           {why}", "");
    }
    text
}

fn files(discovery: &Discovery) -> String {
    let mut text = String::new();
    for written in &discovery.files {
        let state = match written.state {
            State::New => "wrote",
            State::Unchanged => "unchanged",
            State::Kept => "kept",
            State::Replaced => "replaced",
        };
        let _ = writeln!(text, "{state:9} {}", shown(&written.file));
    }
    if discovery
        .files
        .iter()
        .any(|written| written.state == State::Kept)
    {
        text.push_str(
            "what was kept differs from what was discovered; FORCE=1 (--force) replaces it\n",
        );
    }
    text
}

fn would_be(files: &[WrittenFile]) -> String {
    let mut text = String::new();
    for written in files {
        let state = match written.state {
            State::New => "would be written",
            State::Unchanged => "is there, unchanged",
            State::Kept => "is there, would be kept, and differs from",
            State::Replaced => "would be replaced",
        };
        let _ = writeln!(text, "--- {} {state}", shown(&written.file));
        if written.state != State::Unchanged {
            let _ = writeln!(text, "{}", written.text);
        }
    }
    text.push_str("nothing was written (DRY_RUN)\n");
    text
}

fn next(request: &Request, discovery: &Discovery) -> String {
    let doubtful = discovery
        .services
        .iter()
        .filter(|found| found.sure(&discovery.common) == Sure::Unsure);
    let doubtful: Vec<&str> = doubtful.map(|found| found.name.as_str()).collect();
    let mut text = String::new();
    if !doubtful.is_empty() && !request.dry_run {
        let _ = writeln!(text, "\nlook first at {}", doubtful.join(", "));
    }
    let command = match request.dry_run {
        true => format!("the same without {}", Invocation::current().dry_run()),
        false => format!(
            "SERVICES_MANIFEST={} {}",
            word(&discovery.to),
            Invocation::current().judge_all()
        ),
    };
    let _ = writeln!(text, "\nnext: {command}");
    text
}

/// A path as a shell takes it.
fn word(path: &Path) -> String {
    super::quoted(shown(path))
}
