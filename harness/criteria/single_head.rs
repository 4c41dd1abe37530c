//! Exactly one head.

mod after_merge;
mod drawing;
pub(super) mod fix;

use std::path::PathBuf;

use super::attribution::SINGLE_HEAD;
use super::no_graph::broken;
use super::{Criterion, Finding, Help, Verdict, upgrade_head};
use crate::alembic::graph::{DownRevisionEdit, Graph};
use crate::alembic::revision::Revision;
use crate::alembic::transcript::{Exception, Place};
use crate::evidence::{Evidence, History};
use crate::manifest::Service;

/// The criterion.
pub const CRITERION: Criterion = Criterion {
    id: SINGLE_HEAD,
    asserts: "the revision files form one graph with exactly one head, with BASE_REF also after a merge with that",
    why: "with two heads `alembic upgrade head` refuses to run, and so does the deployment",
    remedy: "merge the heads, or point one down_revision at the other head",
    needs: &[],
    judge,
};

/// The number of revisions of a cycle, or of heads, that are shown in their files.
const SHOWN: usize = 4;

fn judge(service: &Service, evidence: &Evidence) -> Verdict {
    let history = &evidence.history;
    let mut findings: Vec<Finding> = history
        .problems()
        .iter()
        .map(|problem| broken(&history.graph, problem))
        .collect();
    if let [only] = findings.as_mut_slice() {
        *only = beside(service, history, std::mem::take(only));
    }
    if let Some(raised) = &history.raised {
        return Verdict::Fail(match findings.is_empty() {
            true => vec![not_loaded(service, history, raised)],
            false => with_what_alembic_said(findings, raised),
        });
    }
    let heads = history.graph.heads();
    if findings.is_empty() && heads.len() > 1 {
        findings.push(several_heads(service, &history.graph, &heads));
    }
    if findings.is_empty() && heads.is_empty() {
        return Verdict::without("the revision graph");
    }
    match &evidence.merge {
        Some(merge) if findings.is_empty() => after_merge::judge(service, merge),
        _ => Verdict::from_findings(findings),
    }
}

/// The problem that the files show is what Alembic stumbles over, in words of its own.
fn with_what_alembic_said(findings: Vec<Finding>, raised: &Exception) -> Vec<Finding> {
    let said = format!(
        "Alembic, which was asked for the rest, raises {}",
        raised.line()
    );
    let mut findings = findings.into_iter();
    let first = findings.next().map(|finding| finding.note(said));
    first.into_iter().chain(findings).collect()
}

/// Names the directories that hold revisions, where the versions directories hold none.
fn beside(service: &Service, history: &History, finding: Finding) -> Finding {
    let below = |folder: &PathBuf| {
        let folder = folder.strip_prefix(&service.directory).unwrap_or(folder);
        folder.display().to_string()
    };
    let folders: Vec<String> = history.beside.iter().take(SHOWN).map(below).collect();
    let Some(first) = folders.first() else {
        return finding;
    };
    finding
        .note(format!(
            "there are revisions in {}, where nothing looks for them",
            folders.join(", ")
        ))
        .help(format!(
            "name those that are meant in {}, below [{}]: version_locations = {first}",
            service.alembic_ini, service.alembic_section
        ))
}

/// The reason to ask Python is most often what Alembic stumbles over.
fn not_loaded(service: &Service, history: &History, raised: &Exception) -> Finding {
    let mut finding = Finding::new(format!(
        "Alembic cannot load the history: {}",
        raised.line()
    ));
    for (file, line, what) in history.graph.needs_python() {
        finding = finding.mark(Some(&Place::line(file, line)), what);
    }
    if finding.marks.is_empty() {
        finding.notes.extend(
            history
                .python_for
                .iter()
                .map(|what| format!("Python was asked because of {what}")),
        );
    }
    finding.notes.extend(raised.notes.clone());
    if raised.class == "KeyError" {
        finding = finding.note(
            "a KeyError of Alembic's names a down_revision or depends_on that no file declares",
        );
    }
    if let Some(need) = &raised.needs {
        finding = upgrade_head::provide(service, need, finding);
    }
    finding.help(format!(
        "mend it until this prints the revisions, in {}: {} history",
        service.directory.display(),
        service.alembic_command()
    ))
}

/// Tells whether this criterion has something to explain.
#[must_use]
pub fn is_broken(history: &History) -> bool {
    !history.is_graph() || history.graph.heads().len() != 1
}

fn several_heads(service: &Service, graph: &Graph, heads: &[&Revision]) -> Finding {
    let ids: Vec<&str> = heads.iter().map(|head| head.id.as_str()).collect();
    let fork = graph.fork_of(heads);
    let mut finding = Finding::new(format!("{} heads: {}", heads.len(), ids.join(", ")));
    for head in heads.iter().take(SHOWN) {
        finding = finding.mark(
            Some(&header(head)),
            format!("head {}: {}", head.id, message_of(head)),
        );
    }
    finding = match fork {
        Some(fork) => finding.note(format!(
            "they fork after {} ({}), {}",
            fork.id,
            message_of(fork),
            service.shown(&fork.file)
        )),
        None => finding.note("they share no ancestor: each has a base of its own"),
    };
    finding = finding.note(drawing::history(graph, fork, heads, &|_| None));
    let merge = format!(
        "{} merge -m \"merge heads\" {}",
        service.alembic_command(),
        ids.join(" ")
    );
    finding = finding
        .note("`alembic upgrade head` refuses: Multiple head revisions are present for given argument 'head'")
        .help(format!("in {}: {merge}", service.directory.display()))
        .command(merge);
    let edits = graph.in_line(heads).filter(|edits| edits.len() <= SHOWN);
    finding.help.extend(edits.map(|edits| {
        let moved: Vec<&str> = edits.iter().map(|edit| edit.id.as_str()).collect();
        Help::Text(format!(
            "or, where {} never reached a database that matters: {}",
            moved.join(" and "),
            rewritten(service, &edits)
        ))
    }));
    finding.help(format!(
        "or, where several heads are meant, write into {}, below [not_applicable]: single_head = \"<reason>\"; then `upgrade heads` is judged",
        service.shown(&service.file)
    ))
}

/// The lines to write for branches to be one.
fn rewritten(service: &Service, edits: &[DownRevisionEdit]) -> String {
    let lines = edits.iter().map(|edit| {
        format!(
            "set down_revision = {} in {}:{}",
            literal(&edit.down_revisions),
            service.shown(&edit.file),
            edit.line
        )
    });
    lines.collect::<Vec<_>>().join(", and ")
}

/// Parents as Python writes them.
fn literal(parents: &[String]) -> String {
    match parents {
        [one] => format!("\"{one}\""),
        many => format!("(\"{}\")", many.join("\", \"")),
    }
}

fn header(revision: &Revision) -> Place {
    Place {
        revision: Some(revision.id.clone()),
        ..Place::line(&revision.file, revision.line)
    }
}

fn message_of(revision: &Revision) -> &str {
    revision
        .message
        .as_deref()
        .filter(|message| !message.is_empty())
        .unwrap_or("no message")
        .trim_end_matches('.')
}

#[cfg(test)]
mod tests;
