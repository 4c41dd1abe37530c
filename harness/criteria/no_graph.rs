//! The findings about revision files that form no graph.

use std::path::PathBuf;

use super::Finding;
use crate::alembic::graph::{Graph, Likeness, Nearest, Problem};
use crate::alembic::revision::Revision;
use crate::alembic::transcript::Place;
use crate::evidence::History;

/// The number of revisions of a cycle that are shown in their files.
const SHOWN: usize = 4;

/// The problem that keeps the files from being a graph, in one line.
pub(super) fn problem(history: &History) -> Option<String> {
    let problems = history.problems();
    problems
        .first()
        .map(|problem| broken(&history.graph, problem).title)
}

/// One finding per thing that keeps the files from being a graph.
pub(super) fn broken(graph: &Graph, problem: &Problem) -> Finding {
    match problem {
        Problem::NoRevision => Finding::new("there is no revision at all")
            .note(format!("looked in {}", paths(&graph.locations)))
            .help("see whether script_location and version_locations in the ini file are right, or create a first revision")
            .help("locations that only env.py sets are not seen here, nor by `alembic heads` and `alembic history`: name them in the ini file"),
        Problem::Unreadable { file, line, problem } => {
            Finding::new(format!("a revision file cannot be read: {problem}"))
                .mark(Some(&Place::line(file, line.unwrap_or(1))), "here")
                .help("mend the file, or move it out of the versions directory if it is no revision")
        }
        Problem::DuplicateId { id, files } => duplicate(id, files),
        Problem::IllegalId { id, characters, file, line } => {
            Finding::new(format!("revision id \"{id}\" holds {characters}, which Alembic keeps for its command line"))
                .mark(Some(&Place::line(file, *line)), "this id")
                .help("use letters, digits and _")
        }
        Problem::DuplicateLabel { label, revision, file, line, other } => {
            Finding::new(format!("branch label \"{label}\" of revision {revision} is taken by revision {other}"))
                .mark(Some(&Place::line(file, *line)), "this label")
                .help("a branch label names one revision: use another")
        }
        Problem::UnknownDownRevision { revision, file, line, names, nearest } => unknown(
            Finding::new(format!("revision {revision} names a down_revision that does not exist: \"{names}\""))
                .mark(Some(&Place::line(file, *line)), "no revision has this id"),
            nearest.as_ref(),
        ),
        Problem::UnknownDependsOn { revision, file, line, names, nearest } => unknown(
            Finding::new(format!("revision {revision} depends on a revision that does not exist: \"{names}\""))
                .mark(Some(&Place::line(file, *line)), "no revision has this id or label"),
            nearest.as_ref(),
        ),
        Problem::Cycle { ids } => cycle(graph, ids, |revision| revision.down_line)
            .help("one of these down_revision lines points forward: set it to the revision it was written on top of"),
        Problem::DependencyCycle { ids } => cycle(graph, ids, |revision| revision.depends_line.unwrap_or(revision.down_line))
            .help("one of these depends_on or down_revision lines points forward: remove it"),
    }
}

fn duplicate(id: &str, files: &[(PathBuf, u32)]) -> Finding {
    let finding = Finding::new(format!("{} files declare revision {id}", files.len()));
    files
        .iter()
        .fold(finding, |finding, (file, line)| {
            finding.mark(Some(&Place::line(file, *line)), format!("declares {id}"))
        })
        .note("Alembic warns and goes on with one of them; which one depends on the order of files")
        .help(
            "give the newer one an id of its own, and correct the down_revision of what follows it",
        )
}

fn cycle(graph: &Graph, ids: &[String], line: fn(&Revision) -> u32) -> Finding {
    let finding = Finding::new(format!("the revisions form a cycle: {}", ids.join(" -> ")));
    let members = ids
        .iter()
        .filter_map(|id| graph.revisions.iter().find(|revision| revision.id == *id));
    members.take(SHOWN).fold(finding, |finding, revision| {
        finding.mark(
            Some(&Place::line(&revision.file, line(revision))),
            format!("{} is part of the cycle", revision.id),
        )
    })
}

fn unknown(finding: Finding, nearest: Option<&Nearest>) -> Finding {
    let Some(nearest) = nearest else {
        return finding.help("restore the missing revision file, or name an existing revision");
    };
    let why = match nearest.why {
        Likeness::BranchLabel => "that is its branch label; down_revision takes an id",
        Likeness::FileName => "that is its file's name; down_revision takes the id",
        Likeness::PartialId => "that is only a part of its id",
        Likeness::SimilarId => "its id is spelt almost alike",
    };
    finding
        .note(format!(
            "the nearest is revision {} in {}: {why}",
            nearest.id,
            nearest.file.display()
        ))
        .help(format!("did you mean \"{}\"?", nearest.id))
}

pub(super) fn paths(paths: &[PathBuf]) -> String {
    paths
        .iter()
        .map(|path| path.display().to_string())
        .collect::<Vec<_>>()
        .join(", ")
}
