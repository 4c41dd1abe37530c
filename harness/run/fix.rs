//! `migration-harness fix`: fixes that are proved before they are offered.

mod bench;
mod kept;
mod known;
mod offered;
mod overlay;
mod search;
mod write;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use tokio::runtime::Runtime;

use super::selection::Selection;
use super::{Arguments, schemas};
use crate::criteria::proposal::{Class, PublishedIds, Refusal};
use crate::criteria::{
    self, Acceptance, Verdict, deployed_schema, published_revisions, single_head,
};
use crate::error::{HarnessError, Result, Stage};
use crate::evidence::Merge;
use crate::manifest::{Manifest, Service, base_ref};
use crate::report::fixes::ServiceFixes;
use crate::report::outputs::Output;
use crate::report::{self, fixes};
use bench::{Bench, Judgement};
use kept::Kept;
use offered::KnownFindings;
use overlay::Files;
use search::{Search, Step, accepted, first_line};

/// A request for fixes.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Parts of the names of cases; all without one.
    pub filters: Vec<String>,
    /// Tells whether what is safe is written.
    pub write: bool,
    /// Tells whether what is unsafe is written too.
    pub write_unsafe: bool,
    /// The formats in which the report is written for other programs.
    pub outputs: Vec<Output>,
    /// The time for all that is tried on one service, beside judging it as it is.
    pub limit: Duration,
}

/// Looks for fixes of each selected service. The exit status is 0 where everything that is red
/// has a fix, and where that was asked for, is written.
#[must_use]
pub fn fix(request: &Request) -> ExitCode {
    match all(request) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{}", report::error(&error, None));
            ExitCode::FAILURE
        }
    }
}

fn all(request: &Request) -> Result<bool> {
    if request.write {
        schemas::not_in_ci("WRITE", "nothing is written")?;
    }
    let manifest = Manifest::locate()?;
    let arguments = Arguments::with_filters(&request.filters);
    let selection = Selection::new(arguments, manifest.service_names()?)?;
    let runtime = super::threads()?;
    let files = bench::store(&[], selection.cores(), None)?;
    let kept = Kept::begin(files.directory(), &manifest, &selection, &request.outputs);
    let looked = FixSearch {
        request,
        selection: &selection,
        runtime: &runtime,
        kept: &kept,
    };
    let mut is_whole = true;
    for name in selection.judged(|_| true) {
        let file = manifest.services_directory().join(format!("{name}.toml"));
        let fixed = manifest
            .service(&file, &criteria::ids())
            .and_then(|service| looked.fix_service(&service));
        match fixed {
            Ok((fixed, is_done)) => {
                print!("{}", fixes::text(&fixed));
                kept.fixes(&fixed);
                is_whole &= is_done;
            }
            Err(error) => {
                println!("{}", report::error(&error, None));
                kept.failed(&file, &error);
                is_whole = false;
            }
        }
    }
    let told = kept.end();
    told.map_err(|cause| HarnessError::new(Stage::Evidence, cause.to_string()))?;
    Ok(is_whole)
}

/// One look for fixes, of all services.
struct FixSearch<'a> {
    request: &'a Request,
    selection: &'a Selection,
    runtime: &'a Runtime,
    kept: &'a Kept<'a>,
}

impl FixSearch<'_> {
    /// The fixes of one service, and whether nothing is left to do about it.
    fn fix_service(&self, service: &Service) -> Result<(ServiceFixes, bool)> {
        let bench = Bench {
            service,
            runtime: self.runtime,
            cores: self.selection.cores(),
        };
        let say = |text: &str| report::note(&service.name, text);
        say("judging it as it is");
        let found = bench.judge(&Files::new(), None)?;
        self.kept.judged(service, &found);
        let is_selected = |id: &str| self.selection.contains(id, &service.name);
        let red = found.red().into_iter().map(|one| one.id);
        let red: Vec<&'static str> = red.filter(|id| is_selected(id)).collect();
        let mut fixed = ServiceFixes {
            service: service.name.clone(),
            judged: (found.verdicts.len(), red.len()),
            ..ServiceFixes::default()
        };
        if red.is_empty() {
            return Ok((fixed, true));
        }
        if let Some(file) = conflicted(&found) {
            fixed.left = left(&red, &found);
            fixed.refused.push(Refusal {
                criterion: single_head::CRITERION.id,
                why: format!(
                    "{} has conflict markers of a merge: settle that first",
                    service.shown(&file)
                ),
            });
            return Ok((fixed, false));
        }
        let was_green = found.is_green(published_revisions::CRITERION.id);
        let told = KnownFindings::new(&red, &found);
        let merge = merged(service, &found)?;
        let published = PublishedIds::new(service, &found.evidence, merge.as_ref());
        let start = started(service, &bench, found, merge.as_ref())?;
        let base = start.0.clone();
        let limit = self.request.limit;
        let mut search = Search::new(&bench, published, start, &is_selected, &say, limit);
        search.run()?;
        if !base.is_empty() {
            fixed.to_be_merged = merge.map(|merge| merge.base_ref);
        }
        let lines = found_out(&mut fixed, service, &search, &red, was_green);
        fixed.offered = offered::all(service, &search.steps, &base, &told);
        let is_done = fixed.is_whole();
        if !self.request.write {
            return Ok((fixed, is_done));
        }
        let is_written = self.write(&mut fixed, service, &search, &base, &lines)?;
        Ok((fixed, is_done && is_written))
    }

    /// Writes the fixes as far as that was asked for, and tells whether it was all of them.
    fn write(
        &self,
        fixed: &mut ServiceFixes,
        service: &Service,
        search: &Search<'_>,
        base: &Files,
        lines: &[Acceptance],
    ) -> Result<bool> {
        let steps = &search.steps;
        let is_written = |step: &&Step| self.request.write_unsafe || step.fix.class == Class::Safe;
        let written = steps.iter().take_while(is_written).count();
        let target = match written {
            0 => base,
            _ if written == steps.len() => &search.files,
            _ => &steps[written - 1].after,
        };
        fixed.written = write::write(service, base, target)?;
        if written == steps.len() && !lines.is_empty() {
            accept(service, lines, steps)?;
        }
        let withheld = fixed.offered[written..].iter();
        let withheld: Vec<&str> = withheld.map(|fix| fix.what.as_str()).collect();
        if !withheld.is_empty() {
            let what = format!("not written, since unsafe: {}", withheld.join("; "));
            fixed.written.push(what);
            fixed.withholds = true;
        }
        Ok(withheld.is_empty())
    }
}

/// Adds what a search found out; the lines of the manifest that go with its fixes.
fn found_out(
    fixed: &mut ServiceFixes,
    service: &Service,
    search: &Search<'_>,
    red: &[&'static str],
    was_green: bool,
) -> Vec<Acceptance> {
    fixed.refused = search.refused();
    let Search { judged, steps, .. } = search;
    let is_new_schema = steps.iter().any(|step| step.fix.changes_schema);
    let schema = judged.verdict(deployed_schema::CRITERION.id);
    fixed.other_schema = is_new_schema && matches!(schema, Some(Ok(Verdict::Fail(_))));
    fixed.left = left(red, judged);
    let published = judged.verdict(published_revisions::CRITERION.id);
    let lines = published.filter(|_| was_green).and_then(accepted);
    let lines = lines.unwrap_or_default();
    fixed.accepted = lines
        .iter()
        .filter_map(|line| shown_line(service, line))
        .collect();
    lines
}

/// A line of the manifest as it is written.
fn shown_line(service: &Service, line: &Acceptance) -> Option<String> {
    let table = line.table.path()?.join(".");
    let file = service.shown(&service.file);
    Some(format!("[{table}] \"{}\" in {file}", line.key))
}

/// Writes into the manifest why published files are not what they were.
fn accept(service: &Service, lines: &[Acceptance], steps: &[Step]) -> Result<()> {
    let what: Vec<&str> = steps.iter().map(|step| step.fix.what.as_str()).collect();
    let lines: Vec<&Acceptance> = lines.iter().collect();
    let written = super::accept::write(&service.file, &lines, &what.join("; "));
    written.map(drop).map_err(|cause| {
        let problem = format!("{} cannot be written: {cause}", service.file.display());
        HarnessError::new(Stage::Manifest, problem)
    })
}

/// A revision file that a merge left with conflict markers.
fn conflicted(judged: &Judgement) -> Option<PathBuf> {
    let files = judged
        .evidence
        .history
        .graph
        .unread
        .iter()
        .map(|file| file.file());
    let has_markers = |file: &&Path| {
        let text = std::fs::read(file).unwrap_or_default();
        text.split(|byte| *byte == b'\n')
            .any(|line| line.starts_with(b"<<<<<<< "))
    };
    files.into_iter().find(has_markers).map(Path::to_owned)
}

/// The history with that of the base ref, where one is named and git can tell.
fn merged(service: &Service, judged: &Judgement) -> Result<Option<Merge>> {
    let history = &judged.evidence.history;
    match base_ref().filter(|_| history.raised.is_none()) {
        Some(base_ref) => Merge::read(service, history, &base_ref).map(Some),
        None => Ok(None),
    }
}

/// The state from which fixes are tried: the working tree, or what a merge makes of it where
/// only that is red.
fn started(
    service: &Service,
    bench: &Bench<'_>,
    found: Judgement,
    merge: Option<&Merge>,
) -> Result<(Files, Judgement)> {
    let in_tree = &found.evidence.history;
    let is_one_line = in_tree.problems().is_empty() && in_tree.graph.heads().len() == 1;
    let of_merge = merge.filter(|_| is_one_line && !found.is_green(single_head::CRITERION.id));
    let Some(merge) = of_merge else {
        return Ok((Files::new(), found));
    };
    let root = service.root.canonicalize();
    let root = root.unwrap_or_else(|_| service.root.clone());
    let below = |path: &Path| path.strip_prefix(&root).map(Path::to_owned).ok();
    let brought = merge.brought.iter();
    let files: Files = brought
        .filter_map(|(path, content)| Some((below(path)?, Some(content.clone()))))
        .collect();
    let judged = bench.judge(&files, None)?;
    Ok((files, judged))
}

/// The findings of what was red, and is still.
fn left(red: &[&'static str], judged: &Judgement) -> Vec<(String, String)> {
    let still = judged.verdicts.iter();
    let still = still.filter(|(one, _)| red.contains(&one.id) && !judged.is_green(one.id));
    still
        .map(|(criterion, verdict)| (criterion.id.to_owned(), first_line(verdict)))
        .collect()
}
